#include "monitors/sharded_matcher.h"

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "base/status_macros.h"
#include "monitors/partition.h"
#include "monitors/shard_checkpoint.h"
#include "monitors/sharded_matcher_queries.h"
#include "spdlog/spdlog.h"

namespace lapse::monitors {
namespace {

using lapse::internal::v1::ControlRecord;

// Fewer are applied sooner than threads are woken.
constexpr size_t kMinForkedEvents = 64;

TimeRules RulesOf(const lapse::internal::v1::CheckpointManifest& manifest) {
  return TimeRules{manifest.settle_us(), manifest.idle_key_retention_us()};
}

}  // namespace

ShardedMatcher::ShardedMatcher(const MatcherOptions& options, const MatcherDeps& deps)
    : deps_(deps),
      recorder_(deps.alerts, deps.clock, *this),
      saver_(deps.checkpoints, deps.monitors, deps.clock, options.shard_count,
             options.checkpoint_interval_us, *this),
      router_(deps.seed, options.shard_count, monitors_) {
  if (options.checkpoint_interval_us > 0) {
    events_until_checkpoint_ = limits::kMaxEventsBetweenCheckpoints;
  }
  for (int i = 0; i < options.shard_count; ++i) {
    workers_.push_back(std::make_unique<ShardWorker>(deps.seed, i, options.shard_count, recorder_,
                                                     deps.alert_names));
  }
  recorder_.Start();
}

ShardedMatcher::~ShardedMatcher() { Abort(); }

void ShardedMatcher::Abort() {
  saver_.Abort();
  // Before the workers, which may wait for it.
  recorder_.Abort();
  for (auto& worker : workers_) worker->Abort();
}

absl::Status ShardedMatcher::RestoreStart(
    const CycleStart& start, const std::vector<storage::RecordedMonitorChange>& history) {
  routed_ = start;
  saver_.RestorePosition(start.position);
  RETURN_IF_ERROR(monitors_.Load(history, start.position));
  for (auto& worker : workers_) {
    worker->RestoreStart(start.position, start.manifest.mark_time_us(), RulesOf(start.manifest));
    for (const MonitorUpdate& update : monitors_.Snapshot()) {
      worker->shard().RestoreMonitor(update);
    }
  }
  return absl::OkStatus();
}

absl::Status ShardedMatcher::RestorePartition(const storage::PartitionCheckpoint& checkpoint) {
  ASSIGN_OR_RETURN(Partition partition,
                   Partition::Parse(checkpoint.state, deps_.seed, checkpoint.position,
                                    [this](const std::string& uid, int64_t revision) {
                                      MutexLock lock(restore_mutex_);
                                      return monitors_.FindRevision(uid, revision);
                                    }));
  const int shard = ShardOf(checkpoint.partition, static_cast<int>(workers_.size()));
  workers_[shard]->shard().RestorePartition(checkpoint.partition, std::move(partition));
  MutexLock lock(restore_mutex_);
  saver_.NoteSaved(checkpoint.partition);
  return absl::OkStatus();
}

absl::Status ShardedMatcher::Replay(const storage::LogEntry& entry) {
  ASSIGN_OR_RETURN(const std::vector<RoutedEntry> routed, router_.Route(entry, nullptr));
  NoteRouted(entry);
  const auto apply = [&](size_t first, size_t step) {
    for (size_t i = first; i < workers_.size(); i += step) workers_[i]->ApplyNow(routed[i]);
  };
  if (entry.events.size() < kMinForkedEvents) {
    apply(0, 1);
  } else {
    if (replay_threads_ == nullptr) {
      replay_threads_ = std::make_unique<ForkJoin>(static_cast<int>(workers_.size()));
    }
    const size_t parts = static_cast<size_t>(replay_threads_->parts());
    replay_threads_->Run([&](int part) { apply(static_cast<size_t>(part), parts); });
  }
  return recorder_.status();
}

void ShardedMatcher::Start(storage::MarkRequester& marks) {
  monitors_.ForgetHistory();
  replay_threads_.reset();
  let_unused_go_ = true;
  for (auto& worker : workers_) worker->Start(marks);
  saver_.Start();
}

void ShardedMatcher::OnEntry(std::shared_ptr<const storage::LogEntry> entry) {
  if (let_unused_go_.exchange(false)) LetUnusedGo();
  AskForCheckpoint(*entry);
  auto routed = router_.Route(*entry, entry);
  if (!routed.ok()) {
    Fail(routed.status());
    return;
  }
  for (auto& worker : workers_) worker->WaitForRoom();
  MutexLock lock(order_mutex_);
  if (failed_) return;
  NoteRouted(*entry);
  for (size_t i = 0; i < workers_.size(); ++i) workers_[i]->PushEntry(std::move((*routed)[i]));
}

void ShardedMatcher::NoteRouted(const storage::LogEntry& entry) {
  routed_.position = entry.position;
  routed_.manifest.set_mark_time_us(std::max(routed_.manifest.mark_time_us(), entry.mark_time_us));
  // Counted as whoever made the change counts it, among the monitor changes of the entry alone.
  int change_index = 0;
  for (const ControlRecord& control : entry.controls) {
    if (control.has_server_start()) {
      routed_.manifest.set_settle_us(control.server_start().settle_us());
      routed_.manifest.set_idle_key_retention_us(control.server_start().idle_key_retention_us());
    } else if (control.has_monitor_change()) {
      changes_.push_back(TimedMonitorChange{
          {entry.position, change_index++, control.monitor_change()}, control.time_us()});
    }
  }
}

void ShardedMatcher::Fail(const absl::Status& status) {
  {
    MutexLock lock(order_mutex_);
    if (failed_) return;
    failed_ = true;
  }
  spdlog::error("an entry of the log cannot be applied: {}", status.ToString());
  deps_.listener.OnMatcherFailed(status);
}

void ShardedMatcher::LetUnusedGo() {
  // Only this thread moves routed_.
  router_.TellGone(monitors_.DropUnused(AppliedPosition(), routed_.position));
}

void ShardedMatcher::AskForCheckpoint(const storage::LogEntry& entry) {
  if (events_until_checkpoint_ == 0) return;
  events_until_checkpoint_ -= static_cast<int64_t>(entry.events.size());
  if (events_until_checkpoint_ > 0) return;
  events_until_checkpoint_ = limits::kMaxEventsBetweenCheckpoints;
  saver_.Request();
}

storage::LogPosition ShardedMatcher::AppliedPosition() const {
  storage::LogPosition applied = INT64_MAX;
  for (const auto& worker : workers_) applied = std::min(applied, worker->applied());
  return applied;
}

void ShardedMatcher::BeginStop() {
  MutexLock lock(stop_mutex_);
  stopping_ = true;
  if (!alerts_stored_) GiveAlertsUp();
}

void ShardedMatcher::GiveAlertsUp() {
  recorder_.GiveUp();
  // Those that wait for room in the recorder wait for nothing now.
  for (auto& worker : workers_) worker->Wake();
  // The last checkpoint would wait for the alerts.
  saver_.GiveUp();
}

void ShardedMatcher::Stop() {
  BeginStop();
  bool alerts_stored;
  {
    MutexLock lock(stop_mutex_);
    alerts_stored = alerts_stored_;
  }
  if (alerts_stored) {
    saver_.Stop();
  } else {
    saver_.Abort();
    recorder_.Abort();
  }
  for (auto& worker : workers_) worker->Stop();
  recorder_.Stop();
}

template <typename MakeJob>
void ShardedMatcher::PushToAll(MakeJob make) {
  MutexLock lock(order_mutex_);
  for (auto& worker : workers_) worker->PushJob(make());
}

absl::Status ShardedMatcher::AdmitQuery() const {
  if (queries_.load() < static_cast<int64_t>(limits::kMaxQueuedQueries)) return absl::OkStatus();
  return Overloaded("QUERY_QUEUE_FULL", "too many reads of monitors wait for an answer",
                    limits::kMicrosPerSecond);
}

void ShardedMatcher::GetMonitorStats(const std::string& monitor_uid, StatsCallback done) {
  if (const absl::Status status = AdmitQuery(); !status.ok()) return done(status);
  const auto gatherer = std::make_shared<StatsGatherer>(
      monitor_uid, static_cast<int>(workers_.size()), queries_, std::move(done));
  PushToAll([&gatherer] { return StatsGatherer::MakeJob(gatherer); });
}

void ShardedMatcher::ListExpectations(ExpectationQuery query, ExpectationsCallback done) {
  if (const absl::Status status = AdmitQuery(); !status.ok()) return done(status);
  const auto gatherer = std::make_shared<ListGatherer>(query, static_cast<int>(workers_.size()),
                                                       queries_, std::move(done));
  PushToAll([&gatherer] { return ListGatherer::MakeJob(gatherer); });
}

MatcherMetrics ShardedMatcher::Metrics() const {
  MatcherMetrics metrics;
  {
    MutexLock lock(order_mutex_);
    metrics.routed_position = routed_.position;
  }
  metrics.applied_position = AppliedPosition();
  metrics.checkpointed_position = saver_.position();
  for (const auto& worker : workers_) {
    metrics.queued_entries = std::max(metrics.queued_entries, worker->queued());
  }
  return metrics;
}

absl::StatusOr<CycleStart> ShardedMatcher::BeginCheckpoint(bool everything) {
  MutexLock lock(order_mutex_);
  if (failed_) return absl::FailedPreconditionError("the matcher has failed");
  let_unused_go_ = true;
  CycleStart start = routed_;
  start.nothing_new = !everything && routed_.position == saver_.position();
  if (start.nothing_new) return start;
  for (auto& worker : workers_) {
    worker->PushJob(MakeCheckpointJob(everything, recorder_, saver_));
  }
  return start;
}

std::vector<TimedMonitorChange> ShardedMatcher::TakeMonitorChanges() {
  MutexLock lock(order_mutex_);
  return std::exchange(changes_, {});
}

void ShardedMatcher::OnCheckpointRoom() {
  for (auto& worker : workers_) worker->Wake();
}

void ShardedMatcher::OnCheckpointed(storage::LogPosition position) {
  deps_.listener.OnCheckpointed(position);
}

void ShardedMatcher::OnAlertsCommitted(storage::FeedPosition last) {
  deps_.listener.OnAlertsCommitted(last);
}

void ShardedMatcher::OnAlertsHeldUp(const absl::Status& status) {
  SetAlertsStored(status.ok());
  deps_.listener.OnAlertsHeldUp(status);
}

void ShardedMatcher::OnAlertsFailed(const absl::Status& status) {
  SetAlertsStored(false);
  for (auto& worker : workers_) worker->Wake();
  deps_.listener.OnAlertsFailed(status);
}

void ShardedMatcher::SetAlertsStored(bool stored) {
  MutexLock lock(stop_mutex_);
  alerts_stored_ = stored;
  if (!stored && stopping_) GiveAlertsUp();
}

}  // namespace lapse::monitors
