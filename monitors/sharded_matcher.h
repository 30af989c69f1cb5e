// Judges the log: routes each entry to single-threaded shards, stores the alerts they give out,
// checkpoints their state and answers questions about it.
#ifndef LAPSE_MONITORS_SHARDED_MATCHER_H_
#define LAPSE_MONITORS_SHARDED_MATCHER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/alert_recorder.h"
#include "monitors/fork_join.h"
#include "monitors/monitor_set.h"
#include "monitors/partition_saver.h"
#include "monitors/shard_listing.h"
#include "monitors/shard_router.h"
#include "monitors/shard_worker.h"
#include "storage/checkpoint_store.h"
#include "storage/event_log.h"
#include "storage/state_store.h"

namespace lapse::monitors {

struct MatcherOptions {
  // 1 to limits::kMaxShards; may differ from run to run.
  int shard_count = 2;
  // 0: a checkpoint is made only when asked for, and at Stop.
  int64_t checkpoint_interval_us = limits::kDefaultCheckpointIntervalUs;
};

// Called on threads of the matcher; must not block and must not call Stop.
class MatcherListener : public AlertListener {
 public:
  // An entry of the log could not be applied: nothing is judged any more. Ingest must stop.
  virtual void OnMatcherFailed(const absl::Status& status) = 0;
  // The log up to `position` is not needed for a recovery any more.
  virtual void OnCheckpointed(storage::LogPosition position) = 0;
};

// What the matcher is wired to; all of it outlives the matcher.
struct MatcherDeps {
  storage::AlertStore& alerts;
  storage::MonitorStore& monitors;
  storage::CheckpointStore& checkpoints;
  Clock& clock;
  MatcherListener& listener;
  // ChunkStore::Seed().
  uint64_t seed = 0;
  // Those of the database that `alerts` is.
  AlertNames alert_names;
};

struct MatcherMetrics {
  // The last entry given to the shards, and the last that all of them have applied.
  storage::LogPosition routed_position = 0;
  storage::LogPosition applied_position = 0;
  storage::LogPosition checkpointed_position = 0;
  // The longest queue of a shard.
  size_t queued_entries = 0;
};

// In this order: Restore*, Replay (both by recovery.h), Start, then OnEntry by the log's thread,
// while anything else may be called by any thread, then Stop when the log has ended. Destroying it
// without Stop is as Abort: what is not stored is made again by a recovery.
class ShardedMatcher : public storage::LogFollower,
                       private CheckpointSource,
                       private AlertListener {
 public:
  // Callbacks run on a thread of the matcher, or on the caller's where the matcher has ended, and
  // must not block.
  using StatsCallback = absl::AnyInvocable<void(absl::StatusOr<lapse::v1::MonitorStats>)>;
  using ExpectationsCallback = absl::AnyInvocable<void(absl::StatusOr<ExpectationPage>)>;

  ShardedMatcher(const MatcherOptions& options, const MatcherDeps& deps);
  ~ShardedMatcher() override;

  // What was in force at `start.position`, where the replay begins.
  absl::Status RestoreStart(const CycleStart& start,
                            const std::vector<storage::RecordedMonitorChange>& history);
  // A partition as its checkpoint has it; its position is that of the start or later. Partitions of
  // different shards may be restored by different threads at once.
  absl::Status RestorePartition(const storage::PartitionCheckpoint& checkpoint);
  // Applies an entry at once: on return it is applied. Fails where a monitor change cannot be
  // applied or alerts cannot be stored.
  absl::Status Replay(const storage::LogEntry& entry);

  // `marks` outlives the matcher's run.
  void Start(storage::MarkRequester& marks);
  // Waits while a shard's queue is full.
  void OnEntry(std::shared_ptr<const storage::LogEntry> entry) override;
  // From now on the matcher does not wait where alerts cannot be stored: it gives them up, and a
  // restart makes them again. To be called before the log is stopped, which could else wait for a
  // full disk.
  void BeginStop();
  // Stop and Abort are called by one thread; after either, entries are dropped and questions are
  // UNAVAILABLE.
  //
  // Applies what is queued, stores the alerts, makes a last checkpoint, ends. Where alerts cannot
  // be stored it ends without them.
  void Stop();
  // Ends at once, as a crash would. Also frees a log that is held back because alerts cannot be
  // stored.
  void Abort();

  // The monitor's books, all read at the same log position; `monitor` is left to the caller. Zeros
  // for a monitor that the log does not know. RESOURCE_EXHAUSTED (reason QUERY_QUEUE_FULL) or
  // UNAVAILABLE (the matcher has ended).
  void GetMonitorStats(const std::string& monitor_uid, StatsCallback done);
  // A page of expectations. A listing over all keys reads partition after partition between
  // entries: each is consistent, as of `ExpectationPage.position` or later. Errors as above.
  void ListExpectations(ExpectationQuery query, ExpectationsCallback done);

  // Asks for a checkpoint soon; the listener is told.
  void RequestCheckpoint() { saver_.Request(); }

  MatcherMetrics Metrics() const;

 private:
  absl::StatusOr<CycleStart> BeginCheckpoint(bool everything) override;
  std::vector<TimedMonitorChange> TakeMonitorChanges() override;
  void OnCheckpointRoom() override;
  void OnCheckpointed(storage::LogPosition position) override;

  void OnAlertsCommitted(storage::FeedPosition last) override;
  void OnAlertsHeldUp(const absl::Status& status) override;
  void OnAlertsFailed(const absl::Status& status) override;
  // The recorder is, or is not, able to store.
  void SetAlertsStored(bool stored);
  void GiveAlertsUp();

  // Notes what a checkpoint must know of the entry. `order_mutex_` is held, or the matcher has not
  // started.
  void NoteRouted(const storage::LogEntry& entry);
  void Fail(const absl::Status& status);
  void LetUnusedGo();
  void AskForCheckpoint(const storage::LogEntry& entry);
  storage::LogPosition AppliedPosition() const;
  // Puts a job made by `make` into every worker's queue, all at one log position.
  template <typename MakeJob>
  void PushToAll(MakeJob make);
  absl::Status AdmitQuery() const;

  const MatcherDeps deps_;
  AlertRecorder recorder_;
  PartitionSaver saver_;

  // Of the thread that routes.
  MonitorSet monitors_;
  ShardRouter router_;
  std::atomic<bool> let_unused_go_{false};
  std::atomic<int64_t> queries_{0};

  // Held while the workers' queues are filled, so that all have the same order.
  mutable Mutex order_mutex_;
  CycleStart routed_;
  std::vector<TimedMonitorChange> changes_;
  bool failed_ = false;

  // Held while a partition's checkpoint asks for what it names.
  Mutex restore_mutex_;
  // While the log is replayed.
  std::unique_ptr<ForkJoin> replay_threads_;

  // Of the thread that routes: since a checkpoint was last asked for; 0 where none is made by
  // itself.
  int64_t events_until_checkpoint_ = 0;

  Mutex stop_mutex_;
  bool alerts_stored_ = true;
  bool stopping_ = false;

  std::vector<std::unique_ptr<ShardWorker>> workers_;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_SHARDED_MATCHER_H_
