#include "storage/memory/checkpoint_store.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace lapse::storage {

absl::Status MemoryCheckpointStore::Save(const std::vector<PartitionCheckpoint>& checkpoints) {
  for (const PartitionCheckpoint& checkpoint : checkpoints) {
    if (checkpoint.partition < 0 || checkpoint.partition > kManifestPartition) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no partition ", checkpoint.partition));
    }
  }
  MutexLock lock(mutex_);
  for (const PartitionCheckpoint& checkpoint : checkpoints) {
    checkpoints_[checkpoint.partition] = checkpoint;
  }
  return absl::OkStatus();
}

absl::Status MemoryCheckpointStore::Load(
    absl::FunctionRef<absl::Status(PartitionCheckpoint)> visit) {
  MutexLock lock(mutex_);
  for (const auto& [partition, checkpoint] : checkpoints_) RETURN_IF_ERROR(visit(checkpoint));
  return absl::OkStatus();
}

absl::StatusOr<std::optional<PartitionCheckpoint>> MemoryCheckpointStore::LoadPartition(
    int partition) {
  MutexLock lock(mutex_);
  const auto found = checkpoints_.find(partition);
  if (found == checkpoints_.end()) return std::nullopt;
  return found->second;
}

}  // namespace lapse::storage
