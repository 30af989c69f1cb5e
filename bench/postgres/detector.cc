#include "bench/postgres/detector.h"

#include <array>
#include <utility>

#include "base/clock.h"
#include "base/status_macros.h"

namespace lapse::bench {
namespace {

struct Rule {
  const char* primary;
  const char* secondary;
};

// Those of the mix that lapsed watches in the same comparison.
constexpr std::array<Rule, 3> kRules = {{
    {"order_created", "order_shipped"},
    {"allocation_initiated", "driver_fetched"},
    {"payment_data_collected", "bank_api_called"},
}};

// Times in microseconds since 1970. Judges primaries of a span once it and their time to follow
// are over; a secondary may be a second older than its primary, as with Lapse.
constexpr char kOverdue[] = R"sql(
SELECT (extract(epoch FROM p.occur_time) * 1000000)::bigint
FROM events p
WHERE p.type = $1 AND p.occur_time > to_timestamp($3::bigint / 1e6)
  AND p.occur_time <= to_timestamp($4::bigint / 1e6)
  AND NOT EXISTS (
    SELECT FROM events s
    WHERE s.type = $2 AND s.key = p.key
      AND s.occur_time >= p.occur_time - interval '1 second'
      AND s.occur_time <= p.occur_time + $5::bigint * interval '1 microsecond'
      AND s.occur_time > to_timestamp($3::bigint / 1e6) - interval '1 second'))sql";

}  // namespace

Detector::Detector(PgConnection connection, int64_t now_us)
    : connection_(std::move(connection)), judged_until_us_(now_us) {}

absl::Status Detector::Look(int64_t now_us) {
  const int64_t until_us = now_us - kDetectWithinUs;
  if (until_us <= judged_until_us_) return absl::OkStatus();
  for (const Rule& rule : kRules) {
    ASSIGN_OR_RETURN(const std::vector<int64_t> overdue_us,
                     connection_.QueryNumbers(
                         kOverdue, {rule.primary, rule.secondary, std::to_string(judged_until_us_),
                                    std::to_string(until_us), std::to_string(kDetectWithinUs)}));
    const int64_t found_us = RealClock().NowUs();
    for (const int64_t primary_us : overdue_us) {
      lateness_.Add(found_us - primary_us - kDetectWithinUs);
    }
  }
  judged_until_us_ = until_us;
  return absl::OkStatus();
}

}  // namespace lapse::bench
