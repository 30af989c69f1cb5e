// Checkpoints of the matcher, one a partition. Implementations: files (write, fsync, rename, fsync
// the folder) and memory.
#ifndef LAPSE_STORAGE_CHECKPOINT_STORE_H_
#define LAPSE_STORAGE_CHECKPOINT_STORE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/limits.h"
#include "storage/log_entry.h"

namespace lapse::storage {

// The number under which the matcher saves what concerns all partitions.
inline constexpr int kManifestPartition = limits::kPartitionCount;

struct PartitionCheckpoint {
  // 0 to kManifestPartition.
  int partition = 0;
  // The state after this log position.
  LogPosition position = 0;
  std::string state;
};

// Thread-safe.
class CheckpointStore {
 public:
  virtual ~CheckpointStore() = default;

  // Replaces the partitions' checkpoints; each is replaced wholly or not at all, also by a crash in
  // the midst.
  virtual absl::Status Save(const std::vector<PartitionCheckpoint>& checkpoints) = 0;

  // Calls `visit` with each partition's newest checkpoint, in no order. A file that a crash left
  // half-written is ignored; one that is damaged is DATA_LOSS, naming it.
  virtual absl::Status Load(absl::FunctionRef<absl::Status(PartitionCheckpoint)> visit) = 0;

  // One partition's newest checkpoint; unset where it has none. Errors as for Load.
  virtual absl::StatusOr<std::optional<PartitionCheckpoint>> LoadPartition(int partition) = 0;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_CHECKPOINT_STORE_H_
