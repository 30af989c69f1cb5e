#include "monitors/books.h"

#include <utility>

#include "base/proto_time.h"

namespace lapse::monitors {
namespace {

using lapse::v1::Alert;

struct Count64 {
  int64_t Books::*count;
  int64_t (lapse::internal::v1::BooksState::*get)() const;
  void (lapse::internal::v1::BooksState::*set)(int64_t);
};

using Proto = lapse::internal::v1::BooksState;

constexpr Count64 kCounts[] = {
    {&Books::opened, &Proto::opened, &Proto::set_opened},
    {&Books::met, &Proto::met, &Proto::set_met},
    {&Books::late, &Proto::late, &Proto::set_late},
    {&Books::missed, &Proto::missed, &Proto::set_missed},
    {&Books::cancelled, &Proto::cancelled, &Proto::set_cancelled},
    {&Books::shed, &Proto::shed, &Proto::set_shed},
    {&Books::withdrawn, &Proto::withdrawn, &Proto::set_withdrawn},
    {&Books::pending, &Proto::pending, &Proto::set_pending},
    {&Books::ignored, &Proto::ignored, &Proto::set_ignored},
    {&Books::no_key, &Proto::no_key, &Proto::set_no_key},
    {&Books::stragglers, &Proto::stragglers, &Proto::set_stragglers},
    {&Books::conflicts, &Proto::conflicts, &Proto::set_conflicts},
    {&Books::received_late, &Proto::received_late, &Proto::set_received_late},
    {&Books::superseded, &Proto::superseded, &Proto::set_superseded},
};

int64_t Books::*CountOf(lapse::v1::Verdict verdict) {
  switch (verdict) {
    case lapse::v1::VERDICT_PENDING:
      return &Books::pending;
    case lapse::v1::VERDICT_MET:
      return &Books::met;
    case lapse::v1::VERDICT_LATE:
      return &Books::late;
    case lapse::v1::VERDICT_MISSED:
      return &Books::missed;
    case lapse::v1::VERDICT_CANCELLED:
      return &Books::cancelled;
    case lapse::v1::VERDICT_SHED:
      return &Books::shed;
    case lapse::v1::VERDICT_WITHDRAWN:
      return &Books::withdrawn;
    default:
      return nullptr;
  }
}

void SetPercentile(const DurationHistogram& elapsed, double fraction,
                   google::protobuf::Duration* (lapse::v1::MonitorStats::*field)(),
                   lapse::v1::MonitorStats* stats) {
  if (const auto value = elapsed.Percentile(fraction)) SetDuration(*value, (stats->*field)());
}

}  // namespace

void Books::Count(const Transition& transition) {
  if (transition.from == lapse::v1::VERDICT_UNSPECIFIED) {
    ++opened;
  } else if (const auto from = CountOf(transition.from)) {
    --(this->*from);
  }
  if (const auto to = CountOf(transition.to)) ++(this->*to);
  if (transition.previous_elapsed_us >= 0) elapsed.Add(transition.previous_elapsed_us, -1);
  if (transition.elapsed_us >= 0) elapsed.Add(transition.elapsed_us, 1);
  if (!transition.has_alert) return;
  if (transition.alert.reason == Alert::REASON_RECEIVED_LATE) ++received_late;
  if (transition.alert.reason == Alert::REASON_SUPERSEDED) ++superseded;
}

void Books::AddAll(const Books& other) {
  for (const Count64& field : kCounts) this->*field.count += other.*field.count;
  elapsed.AddAll(other.elapsed);
}

void Books::FillStats(lapse::v1::MonitorStats* stats) const {
  stats->set_opened(opened);
  stats->set_met(met);
  stats->set_late(late);
  stats->set_missed(missed);
  stats->set_cancelled(cancelled);
  stats->set_shed(shed);
  stats->set_withdrawn(withdrawn);
  stats->set_pending(pending);
  stats->set_ignored(ignored);
  stats->set_no_key(no_key);
  stats->set_stragglers(stragglers);
  stats->set_conflicts(conflicts);
  stats->set_received_late(received_late);
  stats->set_superseded(superseded);
  SetPercentile(elapsed, 0.50, &lapse::v1::MonitorStats::mutable_elapsed_p50, stats);
  SetPercentile(elapsed, 0.95, &lapse::v1::MonitorStats::mutable_elapsed_p95, stats);
  SetPercentile(elapsed, 0.99, &lapse::v1::MonitorStats::mutable_elapsed_p99, stats);
}

void Books::ToProto(Proto* proto) const {
  for (const Count64& field : kCounts) (proto->*field.set)(this->*field.count);
  for (const auto& [bucket, count] : elapsed.counts()) {
    proto->add_elapsed_buckets(bucket);
    proto->add_elapsed_counts(count);
  }
}

bool Books::FromProto(const Proto& proto) {
  for (const Count64& field : kCounts) {
    this->*field.count = (proto.*field.get)();
    if (this->*field.count < 0) return false;
  }
  if (proto.elapsed_buckets_size() != proto.elapsed_counts_size()) return false;
  DurationHistogram::Counts counts;
  for (int i = 0; i < proto.elapsed_buckets_size(); ++i) {
    counts.emplace_back(proto.elapsed_buckets(i), proto.elapsed_counts(i));
  }
  if (!DurationHistogram::IsValid(counts)) return false;
  elapsed = DurationHistogram::FromCounts(std::move(counts));
  return true;
}

}  // namespace lapse::monitors
