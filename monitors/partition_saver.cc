#include "monitors/partition_saver.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "spdlog/spdlog.h"

namespace lapse::monitors {
namespace {

// A batch with fewer bytes is not worth a pause.
constexpr size_t kMinPacedBytes = 4u << 20;
// One sync of the folder serves so many files.
constexpr size_t kPartitionsPerSave = 32;
// A stop waits for what has been begun.
constexpr size_t kPartitionsPerLastSave = 4;
// Leaves room for adding the time of day.
constexpr int64_t kForeverUs = INT64_MAX / 4;

}  // namespace

PartitionSaver::PartitionSaver(storage::CheckpointStore& checkpoints,
                               storage::MonitorStore& monitors, Clock& clock, int shard_count,
                               int64_t interval_us, CheckpointSource& source)
    : checkpoints_(checkpoints),
      monitors_(monitors),
      clock_(clock),
      shard_count_(shard_count),
      interval_us_(interval_us),
      source_(source) {}

PartitionSaver::~PartitionSaver() { Abort(); }

void PartitionSaver::Start() {
  thread_ = std::thread([this] { Run(); });
}

void PartitionSaver::Request() {
  MutexLock lock(mutex_);
  requested_ = true;
  work_.notify_all();
}

void PartitionSaver::Stop() {
  {
    MutexLock lock(mutex_);
    if (phase_ == Phase::kRunning) phase_ = Phase::kStopping;
    work_.notify_all();
  }
  // The log holds what a checkpoint holds: to cut one short costs the next start some time alone.
  if (thread_.joinable()) WaitUntilDone(limits::kStopCheckpointUs);
  GiveUp();
  End(Phase::kStopping);
}

// By the steady clock: a wall clock that is set back must not put checkpoints off.
template <typename Done>
void PartitionSaver::WaitFor(MutexLock& lock, CondVar& cond, int64_t at_most_us, Done done) {
  const int64_t until_us = clock_.SteadyUs() + at_most_us;
  for (int64_t now_us = clock_.SteadyUs(); !done() && now_us < until_us;
       now_us = clock_.SteadyUs()) {
    clock_.WaitUntil(lock, cond, clock_.NowUs() + until_us - now_us);
  }
}

void PartitionSaver::WaitUntilDone(int64_t at_most_us) {
  MutexLock lock(mutex_);
  WaitFor(lock, done_changed_, at_most_us, [this] { return done_; });
}

void PartitionSaver::Abort() { End(Phase::kEnded); }

void PartitionSaver::End(Phase phase) {
  {
    MutexLock lock(mutex_);
    if (phase > phase_) phase_ = phase;
    if (phase == Phase::kEnded) given_up_ = true;
    work_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void PartitionSaver::GiveUp() {
  MutexLock lock(mutex_);
  given_up_ = true;
  work_.notify_all();
}

void PartitionSaver::Add(storage::PartitionCheckpoint checkpoint) {
  MutexLock lock(mutex_);
  added_.push_back(std::move(checkpoint));
  work_.notify_all();
}

void PartitionSaver::ShardDone() {
  MutexLock lock(mutex_);
  ++shards_done_;
  work_.notify_all();
}

void PartitionSaver::Run() {
  bool last = false;
  while (!last && WaitForTurn(&last)) RunCycle();
  MutexLock lock(mutex_);
  done_ = true;
  done_changed_.notify_all();
}

bool PartitionSaver::WaitForTurn(bool* last) {
  MutexLock lock(mutex_);
  WaitFor(lock, work_, interval_us_ == 0 ? kForeverUs : interval_us_,
          [this] { return phase_ != Phase::kRunning || requested_; });
  requested_ = false;
  *last = phase_ == Phase::kStopping;
  return phase_ != Phase::kEnded;
}

void PartitionSaver::RunCycle() {
  const absl::Status status = SaveCycle();
  everything_ = !status.ok();
  if (absl::IsAborted(status)) {
    spdlog::info("a checkpoint was given up: {}", std::string(status.message()));
  } else if (!status.ok()) {
    spdlog::error("no checkpoint was made: {}", status.ToString());
  }
}

absl::Status PartitionSaver::SaveCycle() {
  {
    MutexLock lock(mutex_);
    shards_done_ = 0;
  }
  ASSIGN_OR_RETURN(const CycleStart start, source_.BeginCheckpoint(everything_));
  if (!start.nothing_new) {
    RETURN_IF_ERROR(SavePartitions());
    RETURN_IF_ERROR(SaveManifest(start));
  }
  position_.store(start.position);
  source_.OnCheckpointed(start.position);
  return absl::OkStatus();
}

absl::Status PartitionSaver::SaveManifest(const CycleStart& start) {
  lapse::internal::v1::CheckpointManifest manifest = start.manifest;
  manifest.clear_saved_partitions();
  for (int partition = 0; partition < limits::kPartitionCount; ++partition) {
    if (saved_[partition]) manifest.add_saved_partitions(partition);
  }
  return Save({storage::PartitionCheckpoint{storage::kManifestPartition, start.position,
                                            manifest.SerializeAsString()}});
}

void PartitionSaver::NoteSaved(int partition) {
  if (partition < limits::kPartitionCount) saved_.set(partition);
}

absl::Status PartitionSaver::SavePartitions() {
  absl::Status result;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<storage::PartitionCheckpoint> batch, TakeBatch());
    if (batch.empty()) return result;
    // After a failure the shards still hand over the rest.
    if (result.ok()) result = Save(batch);
    size_t bytes = 0;
    for (const storage::PartitionCheckpoint& saved : batch) bytes += saved.state.size();
    unsaved_bytes_ -= bytes;
    source_.OnCheckpointRoom();
    Pace(bytes);
  }
}

void PartitionSaver::Pace(size_t bytes) {
  if (bytes < kMinPacedBytes) return;
  const int64_t pause_us =
      static_cast<int64_t>(bytes) * limits::kMicrosPerSecond / limits::kCheckpointBytesPerSecond;
  MutexLock lock(mutex_);
  WaitFor(lock, work_, pause_us, [this] { return phase_ != Phase::kRunning || given_up_; });
}

absl::StatusOr<std::vector<storage::PartitionCheckpoint>> PartitionSaver::TakeBatch() {
  MutexLock lock(mutex_);
  work_.wait(lock, [this] { return !added_.empty() || shards_done_ == shard_count_ || given_up_; });
  if (given_up_) return absl::AbortedError("the matcher ended");
  std::vector<storage::PartitionCheckpoint> batch;
  const size_t most = phase_ == Phase::kRunning ? kPartitionsPerSave : kPartitionsPerLastSave;
  const auto end = added_.begin() + std::min(added_.size(), most);
  std::move(added_.begin(), end, std::back_inserter(batch));
  added_.erase(added_.begin(), end);
  return batch;
}

absl::Status PartitionSaver::Save(const std::vector<storage::PartitionCheckpoint>& batch) {
  RETURN_IF_ERROR(RecordMonitorChanges());
  for (const storage::PartitionCheckpoint& checkpoint : batch) {
    if (checkpoint.state.empty() && checkpoint.partition != storage::kManifestPartition) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "the state of partition ", checkpoint.partition, " is too large to be saved"));
    }
  }
  RETURN_IF_ERROR(checkpoints_.Save(batch));
  for (const storage::PartitionCheckpoint& checkpoint : batch) NoteSaved(checkpoint.partition);
  return absl::OkStatus();
}

// A recovery needs the change that made a revision for every key that a checkpoint has. Whoever
// makes changes records them too, but a crash may come between.
absl::Status PartitionSaver::RecordMonitorChanges() {
  std::vector<TimedMonitorChange> taken = source_.TakeMonitorChanges();
  std::move(taken.begin(), taken.end(), std::back_inserter(unrecorded_));
  for (const TimedMonitorChange& change : unrecorded_) {
    RETURN_IF_ERROR(monitors_.RecordMonitorChange(change.change, change.time_us));
  }
  unrecorded_.clear();
  return absl::OkStatus();
}

}  // namespace lapse::monitors
