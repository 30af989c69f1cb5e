// A CheckpointStore in memory, for tests and simulations.
#ifndef LAPSE_STORAGE_MEMORY_CHECKPOINT_STORE_H_
#define LAPSE_STORAGE_MEMORY_CHECKPOINT_STORE_H_

#include <map>
#include <optional>
#include <vector>

#include "base/mutex.h"
#include "storage/checkpoint_store.h"

namespace lapse::storage {

class MemoryCheckpointStore : public CheckpointStore {
 public:
  absl::Status Save(const std::vector<PartitionCheckpoint>& checkpoints) override;
  absl::Status Load(absl::FunctionRef<absl::Status(PartitionCheckpoint)> visit) override;
  absl::StatusOr<std::optional<PartitionCheckpoint>> LoadPartition(int partition) override;

 private:
  Mutex mutex_;
  // By partition.
  std::map<int, PartitionCheckpoint> checkpoints_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_MEMORY_CHECKPOINT_STORE_H_
