// The query by which people find what is overdue in a table of events, run now and then.
#ifndef LAPSE_BENCH_POSTGRES_DETECTOR_H_
#define LAPSE_BENCH_POSTGRES_DETECTOR_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "bench/load/load_report.h"
#include "bench/postgres/connection.h"

namespace lapse::bench {

inline constexpr int64_t kDetectEveryUs = 1'500'000;
// How long a primary has.
inline constexpr int64_t kDetectWithinUs = 2'000'000;

// One thread at a time.
class Detector {
 public:
  Detector(PgConnection connection, int64_t now_us);

  // Looks for what became due since the last look.
  absl::Status Look(int64_t now_us);

  // From due to the end of the look that found it.
  Latencies& lateness() { return lateness_; }

 private:
  PgConnection connection_;
  int64_t judged_until_us_;
  Latencies lateness_;
};

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_POSTGRES_DETECTOR_H_
