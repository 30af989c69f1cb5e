#include "monitors/recovery.h"

#include <bitset>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "monitors/fork_join.h"
#include "spdlog/spdlog.h"

namespace lapse::monitors {
namespace {

absl::Status DataLoss(absl::string_view reason, absl::string_view message) {
  return MakeError(absl::StatusCode::kDataLoss, reason, message);
}

absl::StatusOr<CycleStart> LoadManifest(storage::CheckpointStore& store) {
  CycleStart start;
  ASSIGN_OR_RETURN(const auto checkpoint, store.LoadPartition(storage::kManifestPartition));
  if (!checkpoint.has_value()) return start;
  if (!start.manifest.ParseFromString(checkpoint->state)) {
    return DataLoss("CHECKPOINT_DAMAGED", "the checkpoints' manifest does not parse");
  }
  start.position = checkpoint->position;
  return start;
}

absl::Status CheckNotAhead(storage::LogPosition checkpoint, const storage::ChunkStore& log) {
  if (checkpoint <= log.LastPosition()) return absl::OkStatus();
  return DataLoss("CHECKPOINT_AHEAD_OF_LOG",
                  absl::StrCat("the log ends at position ", log.LastPosition(),
                               ", before a checkpoint at ", checkpoint));
}

absl::Status CheckAgainstLog(storage::LogPosition start, const storage::ChunkStore& log) {
  RETURN_IF_ERROR(CheckNotAhead(start, log));
  if (log.FirstPosition() > start + 1) {
    return DataLoss("LOG_INCOMPLETE",
                    absl::StrCat("the log begins at position ", log.FirstPosition(),
                                 "; the checkpoints need it from ", start + 1));
  }
  return absl::OkStatus();
}

// Restores every partition that has a checkpoint, each shard's on one thread.
class PartitionLoader {
 public:
  PartitionLoader(const CycleStart& start, int shard_count, storage::CheckpointStore& store,
                  const storage::ChunkStore& log, ShardedMatcher& matcher)
      : shard_count_(shard_count), store_(store), log_(log), matcher_(matcher) {
    for (const int partition : start.manifest.saved_partitions()) {
      if (partition < 0 || partition >= limits::kPartitionCount) continue;
      must_be_there_.set(partition);
    }
  }

  absl::Status Load() {
    ForkJoin threads(shard_count_);
    std::vector<absl::Status> results(threads.parts());
    threads.Run([&](int part) { results[part] = LoadPart(part, threads.parts()); });
    for (const absl::Status& result : results) RETURN_IF_ERROR(result);
    return absl::OkStatus();
  }

 private:
  absl::Status LoadPart(int part, int parts) const {
    for (int partition = 0; partition < limits::kPartitionCount; ++partition) {
      if (ShardOf(partition, shard_count_) % parts != part) continue;
      RETURN_IF_ERROR(LoadOne(partition));
    }
    return absl::OkStatus();
  }

  absl::Status LoadOne(int partition) const {
    ASSIGN_OR_RETURN(const auto checkpoint, store_.LoadPartition(partition));
    if (checkpoint.has_value()) {
      RETURN_IF_ERROR(CheckNotAhead(checkpoint->position, log_));
      return matcher_.RestorePartition(*checkpoint);
    }
    if (!must_be_there_[partition]) return absl::OkStatus();
    return DataLoss("CHECKPOINT_DAMAGED",
                    absl::StrCat("the checkpoint of partition ", partition, " is missing"));
  }

  const int shard_count_;
  storage::CheckpointStore& store_;
  const storage::ChunkStore& log_;
  ShardedMatcher& matcher_;
  std::bitset<limits::kPartitionCount> must_be_there_;
};

absl::Status Replay(const storage::ChunkStore& log, storage::LogPosition after,
                    ShardedMatcher& matcher) {
  const storage::LogPosition last = log.LastPosition();
  if (last == after) return absl::OkStatus();
  spdlog::info("replaying the log from position {} to {}", after + 1, last);
  return log.Read(after + 1,
                  [&matcher](const storage::LogEntry& entry) { return matcher.Replay(entry); });
}

}  // namespace

absl::StatusOr<std::unique_ptr<ShardedMatcher>> RecoverMatcher(const MatcherOptions& options,
                                                               const MatcherDeps& deps,
                                                               const storage::ChunkStore& log) {
  ASSIGN_OR_RETURN(const CycleStart start, LoadManifest(deps.checkpoints));
  RETURN_IF_ERROR(CheckAgainstLog(start.position, log));
  ASSIGN_OR_RETURN(const auto history, deps.monitors.LoadMonitorHistory());
  auto matcher = std::make_unique<ShardedMatcher>(options, deps);
  RETURN_IF_ERROR(matcher->RestoreStart(start, history));
  RETURN_IF_ERROR(
      PartitionLoader(start, options.shard_count, deps.checkpoints, log, *matcher).Load());
  RETURN_IF_ERROR(Replay(log, start.position, *matcher));
  return matcher;
}

}  // namespace lapse::monitors
