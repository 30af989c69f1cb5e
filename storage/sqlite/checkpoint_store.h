// Checkpoints as files, NNNN.ckpt for partition NNNN, in a folder of their own.
#ifndef LAPSE_STORAGE_SQLITE_CHECKPOINT_STORE_H_
#define LAPSE_STORAGE_SQLITE_CHECKPOINT_STORE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "storage/checkpoint_store.h"

namespace lapse::storage {

class FileCheckpointStore : public CheckpointStore {
 public:
  // Makes the folder where it is missing; the one above it must exist. Removes what a crash left
  // half-written.
  static absl::StatusOr<std::unique_ptr<FileCheckpointStore>> Open(const std::string& folder);

  // RESOURCE_EXHAUSTED, reason DISK_FULL; FAILED_PRECONDITION, reason DATA_FOLDER_READ_ONLY. After
  // an error some of the partitions may be replaced and others not.
  absl::Status Save(const std::vector<PartitionCheckpoint>& checkpoints) override;
  // Besides DATA_LOSS: FAILED_PRECONDITION, reason DATA_FOLDER_NEWER.
  absl::Status Load(absl::FunctionRef<absl::Status(PartitionCheckpoint)> visit) override;
  // Partitions may be read by several threads at once.
  absl::StatusOr<std::optional<PartitionCheckpoint>> LoadPartition(int partition) override;

 private:
  explicit FileCheckpointStore(std::string folder) : folder_(std::move(folder)) {}

  std::string PathOf(int partition) const;
  absl::Status Replace(const std::vector<PartitionCheckpoint>& checkpoints);
  absl::StatusOr<PartitionCheckpoint> LoadFile(const std::string& path) const;

  const std::string folder_;
  // Held while files are written, and while all are read.
  Mutex mutex_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_CHECKPOINT_STORE_H_
