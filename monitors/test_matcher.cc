#include "monitors/test_matcher.h"

#include <algorithm>
#include <future>
#include <utility>

#include "gtest/gtest.h"

namespace lapse::monitors {

void FailingCheckpointStore::FailAfter(int partitions) {
  MutexLock lock(mutex_);
  left_ = partitions;
}

absl::Status FailingCheckpointStore::Save(
    const std::vector<storage::PartitionCheckpoint>& checkpoints) {
  for (const storage::PartitionCheckpoint& checkpoint : checkpoints) {
    {
      MutexLock lock(mutex_);
      if (left_ == 0) return DiskFull();
      if (left_ > 0) --left_;
      if (checkpoint.partition != storage::kManifestPartition) ++saved_;
    }
    const absl::Status status = MemoryCheckpointStore::Save({checkpoint});
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

int FailingCheckpointStore::saved() const {
  MutexLock lock(mutex_);
  return saved_;
}

void MarkCollector::RequestMark(int64_t at_us) {
  MutexLock lock(mutex_);
  earliest_us_ = std::min(earliest_us_, at_us);
  asked_.notify_all();
}

int64_t MarkCollector::Take() {
  MutexLock lock(mutex_);
  asked_.wait(lock, [this] { return earliest_us_ != INT64_MAX; });
  return std::exchange(earliest_us_, INT64_MAX);
}

TestMatcher::~TestMatcher() { Kill(); }

absl::Status TestMatcher::TryStart(int shard_count) {
  MatcherOptions options;
  options.shard_count = shard_count;
  options.checkpoint_interval_us = 0;
  auto recovered = RecoverMatcher(
      options, MatcherDeps{state, state, checkpoints, clock, listener, log.Seed()}, log);
  if (!recovered.ok()) return recovered.status();
  matcher_ = *std::move(recovered);
  matcher_->Start(marks);
  return absl::OkStatus();
}

void TestMatcher::Start(int shard_count) {
  const absl::Status status = TryStart(shard_count);
  ASSERT_TRUE(status.ok()) << status;
}

void TestMatcher::Append(double now, std::vector<lapse::v1::Event> events,
                         std::vector<ControlRecord> controls) {
  Append(maker_.Make(now, std::move(events), std::move(controls)));
}

void TestMatcher::Append(const std::shared_ptr<const storage::LogEntry>& entry) {
  const absl::Status status = log.Append(*entry);
  ASSERT_TRUE(status.ok()) << status;
  if (matcher_ != nullptr) matcher_->OnEntry(entry);
  for (size_t i = 0; record_changes && i < entry->controls.size(); ++i) {
    const ControlRecord& control = entry->controls[i];
    if (!control.has_monitor_change()) continue;
    const storage::RecordedMonitorChange change{entry->position, static_cast<int>(i),
                                                control.monitor_change()};
    ASSERT_TRUE(state.RecordMonitorChange(change, control.time_us()).ok());
  }
}

void TestMatcher::Kill() {
  if (matcher_ != nullptr) matcher_->Abort();
  matcher_.reset();
}

void TestMatcher::Stop() {
  matcher_->Stop();
  matcher_.reset();
}

void TestMatcher::Checkpoint() {
  const storage::LogPosition position = log.LastPosition();
  matcher_->RequestCheckpoint();
  listener.WaitFor(
      [&](const RecordingListener::Seen& seen) { return seen.checkpointed >= position; });
}

lapse::v1::MonitorStats TestMatcher::Stats(const std::string& uid) {
  std::promise<absl::StatusOr<lapse::v1::MonitorStats>> answer;
  matcher_->GetMonitorStats(uid, [&answer](auto stats) { answer.set_value(std::move(stats)); });
  absl::StatusOr<lapse::v1::MonitorStats> stats = answer.get_future().get();
  EXPECT_TRUE(stats.ok()) << stats.status();
  return stats.value_or(lapse::v1::MonitorStats());
}

absl::StatusOr<ExpectationPage> TestMatcher::List(ExpectationQuery query) {
  std::promise<absl::StatusOr<ExpectationPage>> answer;
  matcher_->ListExpectations(std::move(query),
                             [&answer](auto page) { answer.set_value(std::move(page)); });
  return answer.get_future().get();
}

std::map<std::string, std::vector<std::string>> TestMatcher::Alerts() {
  std::map<std::string, std::vector<std::string>> alerts;
  const auto feed = state.ReadFeed(0, 1'000'000);
  for (const storage::FeedChange& change : *feed) {
    alerts[change.alert.name()].push_back(change.alert.DebugString());
  }
  return alerts;
}

std::vector<std::string> TestMatcher::Feed() {
  std::vector<std::string> texts;
  const auto feed = state.ReadFeed(0, 1'000'000);
  for (const storage::FeedChange& change : *feed) {
    const bool firing = change.alert.state() == lapse::v1::Alert::STATE_FIRING;
    texts.push_back((firing ? "FIRING " : "RESOLVED ") + change.alert.key());
  }
  return texts;
}

bool Balances(const lapse::v1::MonitorStats& stats) {
  return stats.opened() == stats.met() + stats.late() + stats.missed() + stats.cancelled() +
                               stats.shed() + stats.withdrawn() + stats.pending();
}

}  // namespace lapse::monitors
