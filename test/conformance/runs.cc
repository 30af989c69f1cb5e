#include "test/conformance/runs.h"

#include <string>
#include <utility>

#include "base/clock.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "monitors/recovery.h"
#include "monitors/sharded_matcher.h"
#include "storage/event_log.h"
#include "test/conformance/batch_feeder.h"
#include "test/conformance/listener.h"
#include "test/conformance/mark_watcher.h"
#include "test/conformance/waiting.h"

namespace lapse::conformance {
namespace {

using lapse::internal::v1::ControlRecord;
using lapse::internal::v1::MonitorChange;

constexpr int kFeedPage = 1'000;

// A matcher that is asked only asks for marks that nobody logs.
class NoMarks : public storage::MarkRequester {
 public:
  void RequestMark(int64_t) override {}
};

std::vector<std::string> UidsOf(const Scenario& scenario) {
  std::vector<std::string> uids;
  for (const Watched& watched : scenario.watched) uids.push_back(watched.monitor.uid());
  return uids;
}

absl::Status CopyMonitors(storage::MonitorStore& from, int64_t time_us, storage::MonitorStore& to) {
  ASSIGN_OR_RETURN(const auto history, from.LoadMonitorHistory());
  for (const storage::RecordedMonitorChange& change : history) {
    RETURN_IF_ERROR(to.RecordMonitorChange(change, time_us));
  }
  return absl::OkStatus();
}

absl::Status CopyAlerts(storage::AlertStore& from, storage::AlertStore& to) {
  for (storage::FeedPosition after = 0;;) {
    ASSIGN_OR_RETURN(const std::vector<storage::FeedChange> page, from.ReadFeed(after, kFeedPage));
    if (page.empty()) return absl::OkStatus();
    after = page.back().position;
    std::vector<storage::AlertWrite> writes;
    for (const storage::FeedChange& change : page) writes.push_back({change.alert});
    RETURN_IF_ERROR(to.CommitAlerts(writes, page.back().change_time_us).status());
  }
}

// A server's core on stores in memory, from start to stop.
class LiveRunner {
 public:
  LiveRunner(const Scenario& scenario, const LiveOptions& options)
      : scenario_(scenario),
        options_(options),
        clock_(scenario.workload.options.start_time_us - 2 * limits::kDefaultSettleUs),
        run_(std::make_unique<LiveRun>()) {}

  // Where a run failed the log is still at work.
  ~LiveRunner() {
    if (log_ != nullptr) log_->Stop();
  }

  absl::StatusOr<std::unique_ptr<LiveRun>> Run() {
    RETURN_IF_ERROR(Start());
    RETURN_IF_ERROR(CreateMonitors());
    RETURN_IF_ERROR(Feed());
    log_->Stop();
    ASSIGN_OR_RETURN(run_->outcome.monitors, AskMatcher(UidsOf(scenario_), *matcher_));
    matcher_->Stop();
    RETURN_IF_ERROR(listener_.status());
    ASSIGN_OR_RETURN(run_->outcome.alerts, ReadAlerts(state_));
    return std::move(run_);
  }

 private:
  absl::Status Start() {
    ASSIGN_OR_RETURN(
        matcher_,
        monitors::RecoverMatcher(
            {.shard_count = options_.shard_count, .checkpoint_interval_us = 0},
            {state_, state_, checkpoints_, clock_, listener_, run_->log.Seed()}, run_->log));
    storage::EventLogOptions log_options;
    log_options.idle_key_retention_us = options_.idle_key_retention_us;
    log_options.detect_gaps = false;
    log_options.id_seed = 1;
    ASSIGN_OR_RETURN(log_, storage::EventLog::Open(log_options, run_->log, clock_));
    matcher_->Start(*log_);
    watcher_ = std::make_unique<MarkWatcher>(*matcher_);
    RETURN_IF_ERROR(log_->Start(*watcher_));
    // Marks are held at first, then catch up with the clock.
    clock_.AdvanceBy(limits::kDefaultSettleUs);
    return watcher_->WaitForMark(clock_.NowUs());
  }

  absl::Status CreateMonitors() {
    for (const Watched& watched : scenario_.watched) {
      ControlRecord control;
      control.mutable_monitor_change()->set_action(MonitorChange::ACTION_CREATE);
      *control.mutable_monitor_change()->mutable_monitor() = watched.monitor;
      Answer<storage::LogPosition> position;
      RETURN_IF_ERROR(log_->AppendControl(std::move(control), position.Callback()));
      RETURN_IF_ERROR(position.Wait().status());
    }
    return absl::OkStatus();
  }

  absl::Status Feed() {
    const size_t arrivals = scenario_.workload.arrivals.size();
    feeder_ = std::make_unique<BatchFeeder>(scenario_.workload, scenario_.arrival_order,
                                            options_.window, clock_, *log_);
    if (options_.keep_middle) {
      RETURN_IF_ERROR(feeder_->SendUntil(arrivals / 3));
      RETURN_IF_ERROR(MakeCheckpoint());
      RETURN_IF_ERROR(feeder_->SendUntil(arrivals / 2));
      RETURN_IF_ERROR(MakeCheckpoint());
      RETURN_IF_ERROR(KeepMiddle());
    }
    RETURN_IF_ERROR(feeder_->SendUntil(arrivals));
    clock_.AdvanceTo(scenario_.workload.end_time_us);
    RETURN_IF_ERROR(feeder_->SendEnd());
    RETURN_IF_ERROR(watcher_->WaitForMark(clock_.NowUs()));
    ASSIGN_OR_RETURN(run_->event_of_sequence, feeder_->TakeEventOfSequence());
    return absl::OkStatus();
  }

  absl::Status MakeCheckpoint() {
    // Anything newer than the last one.
    const storage::LogPosition position = matcher_->Metrics().checkpointed_position + 1;
    matcher_->RequestCheckpoint();
    return listener_.WaitForCheckpoint(position);
  }

  absl::Status KeepMiddle() {
    run_->middle = std::make_unique<Middle>();
    RETURN_IF_ERROR(checkpoints_.Load([this](storage::PartitionCheckpoint checkpoint) {
      return run_->middle->checkpoints.Save({std::move(checkpoint)});
    }));
    RETURN_IF_ERROR(CopyMonitors(state_, clock_.NowUs(), run_->middle->state));
    return CopyAlerts(state_, run_->middle->state);
  }

  const Scenario& scenario_;
  const LiveOptions options_;
  SimulatedClock clock_;
  Listener listener_;
  storage::MemoryStateStore state_;
  storage::MemoryCheckpointStore checkpoints_;
  std::unique_ptr<LiveRun> run_;
  std::unique_ptr<BatchFeeder> feeder_;
  std::unique_ptr<MarkWatcher> watcher_;
  // The log's thread uses the matcher, whose threads use the log: the log ends first, and is
  // destroyed last.
  std::unique_ptr<storage::EventLog> log_;
  std::unique_ptr<monitors::ShardedMatcher> matcher_;
};

absl::StatusOr<Outcome> Replay(const Scenario& scenario, const LiveRun& live, int shard_count,
                               storage::StateStore& state, storage::CheckpointStore& checkpoints) {
  // Replaying, no decision reads it.
  SimulatedClock clock(scenario.workload.end_time_us + limits::kMicrosPerDay);
  Listener listener;
  NoMarks marks;
  ASSIGN_OR_RETURN(const std::unique_ptr<monitors::ShardedMatcher> matcher,
                   monitors::RecoverMatcher(
                       {.shard_count = shard_count, .checkpoint_interval_us = 0},
                       {state, state, checkpoints, clock, listener, live.log.Seed()}, live.log));
  matcher->Start(marks);
  Outcome outcome;
  ASSIGN_OR_RETURN(outcome.monitors, AskMatcher(UidsOf(scenario), *matcher));
  matcher->Stop();
  RETURN_IF_ERROR(listener.status());
  ASSIGN_OR_RETURN(outcome.alerts, ReadAlerts(state));
  return outcome;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LiveRun>> RunLive(const Scenario& scenario,
                                                 const LiveOptions& options) {
  return LiveRunner(scenario, options).Run();
}

absl::StatusOr<Outcome> ReplayAll(const Scenario& scenario, const LiveRun& live, int shard_count) {
  storage::MemoryStateStore state;
  storage::MemoryCheckpointStore checkpoints;
  return Replay(scenario, live, shard_count, state, checkpoints);
}

absl::StatusOr<Outcome> ReplayFromMiddle(const Scenario& scenario, const LiveRun& live,
                                         int shard_count) {
  return Replay(scenario, live, shard_count, live.middle->state, live.middle->checkpoints);
}

}  // namespace lapse::conformance
