#include "monitors/recovery.h"

#include <algorithm>
#include <bitset>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "spdlog/spdlog.h"

namespace lapse::monitors {
namespace {

absl::Status DataLoss(absl::string_view reason, absl::string_view message) {
  return MakeError(absl::StatusCode::kDataLoss, reason, message);
}

struct Checkpoints {
  CycleStart start;
  std::vector<storage::PartitionCheckpoint> partitions;
};

absl::Status AddCheckpoint(storage::PartitionCheckpoint checkpoint, Checkpoints& loaded) {
  if (checkpoint.partition >= 0 && checkpoint.partition < limits::kPartitionCount) {
    loaded.partitions.push_back(std::move(checkpoint));
    return absl::OkStatus();
  }
  if (checkpoint.partition != storage::kManifestPartition ||
      !loaded.start.manifest.ParseFromString(checkpoint.state)) {
    return DataLoss("CHECKPOINT_DAMAGED",
                    absl::StrCat("checkpoint ", checkpoint.partition, " is no partition's"));
  }
  loaded.start.position = checkpoint.position;
  return absl::OkStatus();
}

absl::StatusOr<Checkpoints> LoadCheckpoints(storage::CheckpointStore& store) {
  Checkpoints loaded;
  RETURN_IF_ERROR(store.Load([&loaded](storage::PartitionCheckpoint checkpoint) {
    return AddCheckpoint(std::move(checkpoint), loaded);
  }));
  return loaded;
}

absl::Status CheckComplete(const Checkpoints& loaded) {
  std::bitset<limits::kPartitionCount> found;
  for (const auto& partition : loaded.partitions) found.set(partition.partition);
  for (const int partition : loaded.start.manifest.saved_partitions()) {
    if (partition >= 0 && partition < limits::kPartitionCount && found[partition]) continue;
    return DataLoss("CHECKPOINT_DAMAGED",
                    absl::StrCat("the checkpoint of partition ", partition, " is missing"));
  }
  return absl::OkStatus();
}

absl::Status CheckAgainstLog(const Checkpoints& loaded, const storage::ChunkStore& log) {
  storage::LogPosition newest = loaded.start.position;
  for (const auto& partition : loaded.partitions) newest = std::max(newest, partition.position);
  if (newest > log.LastPosition()) {
    return DataLoss("CHECKPOINT_AHEAD_OF_LOG",
                    absl::StrCat("the log ends at position ", log.LastPosition(),
                                 ", before a checkpoint at ", newest));
  }
  if (log.FirstPosition() > loaded.start.position + 1) {
    return DataLoss("LOG_INCOMPLETE",
                    absl::StrCat("the log begins at position ", log.FirstPosition(),
                                 "; the checkpoints need it from ", loaded.start.position + 1));
  }
  return absl::OkStatus();
}

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
  ASSIGN_OR_RETURN(Checkpoints loaded, LoadCheckpoints(deps.checkpoints));
  RETURN_IF_ERROR(CheckComplete(loaded));
  RETURN_IF_ERROR(CheckAgainstLog(loaded, log));
  ASSIGN_OR_RETURN(const auto history, deps.monitors.LoadMonitorHistory());
  auto matcher = std::make_unique<ShardedMatcher>(options, deps);
  RETURN_IF_ERROR(matcher->RestoreStart(loaded.start, history));
  for (storage::PartitionCheckpoint& partition : loaded.partitions) {
    RETURN_IF_ERROR(matcher->RestorePartition(partition));
    partition.state.clear();
  }
  RETURN_IF_ERROR(Replay(log, loaded.start.position, *matcher));
  return matcher;
}

}  // namespace lapse::monitors
