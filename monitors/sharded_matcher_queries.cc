#include "monitors/sharded_matcher_queries.h"

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "base/limits.h"

namespace lapse::monitors {
namespace {

// A step of a listing looks at so many keys, about a millisecond's worth.
constexpr size_t kKeysPerStep = 4'096;

absl::Status Ended() {
  return Unavailable("MATCHER_STOPPED", "the server is stopping", limits::kMicrosPerSecond);
}

}  // namespace

StatsGatherer::StatsGatherer(std::string monitor_uid, int shard_count, std::atomic<int64_t>& owed,
                             Callback done)
    : owed_(owed),
      monitor_uid_(std::move(monitor_uid)),
      missing_(shard_count),
      done_(std::move(done)) {}

StatsGatherer::~StatsGatherer() {
  if (missing_ > 0) {
    done_(Ended());
    return;
  }
  lapse::v1::MonitorStats stats;
  stats.set_log_position(position_);
  sum_.FillStats(&stats);
  done_(std::move(stats));
}

ShardJob StatsGatherer::MakeJob(std::shared_ptr<StatsGatherer> gatherer) {
  return [gatherer = std::move(gatherer),
          books = std::shared_ptr<const BooksAsOf>()](Shard& shard) mutable {
    const bool is_first_step = books == nullptr;
    if (is_first_step) books = shard.AwaitBooks(gatherer->monitor_uid_);
    if (is_first_step && shard.HasDue()) return JobStep::kAfterFiring;
    gatherer->Add(*books);
    return JobStep::kDone;
  };
}

void StatsGatherer::Add(const BooksAsOf& part) {
  MutexLock lock(mutex_);
  --missing_;
  // The same for every shard: that is what the order of the queues is for.
  position_ = part.position;
  sum_.AddAll(part.books);
}

// Reads one shard.
class ListGatherer::Job {
 public:
  explicit Job(std::shared_ptr<ListGatherer> gatherer)
      : gatherer_(std::move(gatherer)), collector_(gatherer_->sum_.query()) {}

  JobStep operator()(Shard& shard) {
    if (position_ < 0) {
      position_ = shard.position();
      // It sees everything fired that is due at its place in the log.
      if (shard.HasDue()) return JobStep::kAfterFiring;
    }
    if (!collector_.query().key.empty()) {
      shard.ListKey(collector_);
    } else if (!ReadSlots(shard)) {
      return JobStep::kMore;
    }
    gatherer_->Add(position_, std::move(collector_));
    return JobStep::kDone;
  }

 private:
  // True at the end.
  bool ReadSlots(Shard& shard) {
    size_t keys = 0;
    while (slot_ < shard.partition_count() && keys < kKeysPerStep) {
      shard.ListSlot(slot_, collector_);
      keys += shard.partition_at(slot_).key_count();
      ++slot_;
    }
    return slot_ == shard.partition_count();
  }

  std::shared_ptr<ListGatherer> gatherer_;
  ExpectationCollector collector_;
  storage::LogPosition position_ = -1;
  int slot_ = 0;
};

ListGatherer::ListGatherer(const ExpectationQuery& query, int shard_count,
                           std::atomic<int64_t>& owed, Callback done)
    : owed_(owed), missing_(shard_count), sum_(query), done_(std::move(done)) {}

ListGatherer::~ListGatherer() {
  if (missing_ > 0) {
    done_(Ended());
    return;
  }
  ExpectationPage page = sum_.TakePage();
  page.position = position_;
  done_(std::move(page));
}

ShardJob ListGatherer::MakeJob(std::shared_ptr<ListGatherer> gatherer) {
  return Job(std::move(gatherer));
}

void ListGatherer::Add(storage::LogPosition position, ExpectationCollector part) {
  MutexLock lock(mutex_);
  --missing_;
  position_ = std::min(position_, position);
  sum_.Merge(std::move(part));
}

}  // namespace lapse::monitors
