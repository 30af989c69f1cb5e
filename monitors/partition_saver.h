// Saves checkpoints: in cycles, each of which brings every partition's checkpoint up to one log
// position at least, so that the log before it is not needed any more.
//
// The shards serialize what changed, a few partitions at a time. A partition that did not change
// costs nothing: the manifest, saved at the end of a cycle, says that the checkpoints of all
// partitions hold for its position.
#ifndef LAPSE_MONITORS_PARTITION_SAVER_H_
#define LAPSE_MONITORS_PARTITION_SAVER_H_

#include <atomic>
#include <bitset>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "lapse/internal/v1/checkpoint.pb.h"
#include "storage/checkpoint_store.h"
#include "storage/state_store.h"

namespace lapse::monitors {

// A monitor change that a checkpoint may rest on.
struct TimedMonitorChange {
  storage::RecordedMonitorChange change;
  int64_t time_us = 0;
};

struct CycleStart {
  storage::LogPosition position = 0;
  lapse::internal::v1::CheckpointManifest manifest;
  // The log has not moved since the last cycle: there is nothing to save, and no shard was asked.
  bool nothing_new = false;
};

// The side that has the shards.
class CheckpointSource {
 public:
  virtual ~CheckpointSource() = default;
  // Asks every shard, all at one log position, to hand over its changed partitions (`everything`:
  // all) to the saver, each when the alerts up to its position are stored, and then to say
  // ShardDone. An error: there is no cycle.
  virtual absl::StatusOr<CycleStart> BeginCheckpoint(bool everything) = 0;
  // The monitor changes applied since the last call.
  virtual std::vector<TimedMonitorChange> TakeMonitorChanges() = 0;
  // HasRoom() may have become true.
  virtual void OnCheckpointRoom() = 0;
  // A cycle has ended well.
  virtual void OnCheckpointed(storage::LogPosition position) = 0;
};

// Thread-safe.
class PartitionSaver {
 public:
  // An `interval_us` of 0: only when asked. What is given outlives the saver.
  PartitionSaver(storage::CheckpointStore& checkpoints, storage::MonitorStore& monitors,
                 Clock& clock, int shard_count, int64_t interval_us, CheckpointSource& source);
  // As Abort.
  ~PartitionSaver();

  // Before Start: where the last cycle of an earlier run stands.
  void RestorePosition(storage::LogPosition position) { position_.store(position); }
  // Before Start, or on the saver's thread: the partition has a checkpoint, and manifests name it
  // from now on.
  void NoteSaved(int partition);

  void Start();
  // Asks for a cycle soon.
  void Request();
  // Runs a last cycle, for limits::kStopCheckpointUs at most and unless GiveUp is called, then ends
  // the thread.
  void Stop();
  // Ends the cycle that is under way without a result.
  void GiveUp();
  // Ends the thread at once.
  void Abort();

  // What the shards do in a cycle. `Reserve` counts the bytes that are on their way to Add.
  bool HasRoom() const { return unsaved_bytes_.load() < limits::kMaxUnsavedCheckpointBytes; }
  void Reserve(size_t bytes) { unsaved_bytes_ += bytes; }
  void Add(storage::PartitionCheckpoint checkpoint);
  void ShardDone();

  // Where the last cycle that ended well stands.
  storage::LogPosition position() const { return position_.load(); }

 private:
  enum class Phase { kRunning, kStopping, kEnded };

  void Run();
  // False when the thread is to end. Sets `last` for the last cycle.
  bool WaitForTurn(bool* last);
  void RunCycle();
  absl::Status SaveCycle();
  absl::Status SavePartitions();
  // Waits until `bytes` more may be written.
  void Pace(size_t bytes);
  absl::Status SaveManifest(const CycleStart& start);
  // Takes some of what was added; none when every shard is done. ABORTED where the cycle was given
  // up.
  absl::StatusOr<std::vector<storage::PartitionCheckpoint>> TakeBatch();
  absl::Status Save(const std::vector<storage::PartitionCheckpoint>& batch);
  absl::Status RecordMonitorChanges();
  // On `cond`, until `done` or until so much time has passed.
  template <typename Done>
  void WaitFor(MutexLock& lock, CondVar& cond, int64_t at_most_us, Done done);
  void WaitUntilDone(int64_t at_most_us);
  void End(Phase phase);

  storage::CheckpointStore& checkpoints_;
  storage::MonitorStore& monitors_;
  Clock& clock_;
  const int shard_count_;
  const int64_t interval_us_;
  CheckpointSource& source_;
  std::atomic<size_t> unsaved_bytes_{0};
  std::atomic<storage::LogPosition> position_{0};

  // Of the thread alone. After a cycle that failed some partitions are clean and not saved.
  bool everything_ = false;
  std::bitset<limits::kPartitionCount> saved_;
  std::vector<TimedMonitorChange> unrecorded_;

  Mutex mutex_;
  CondVar work_;
  bool requested_ = false;
  bool given_up_ = false;
  int shards_done_ = 0;
  std::vector<storage::PartitionCheckpoint> added_;
  Phase phase_ = Phase::kRunning;
  // The thread has done its last cycle.
  bool done_ = false;
  CondVar done_changed_;
  std::thread thread_;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_PARTITION_SAVER_H_
