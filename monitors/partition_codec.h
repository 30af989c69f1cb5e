// The bytes of a partition's checkpoint: a version, then the state, compressed.
#ifndef LAPSE_MONITORS_PARTITION_CODEC_H_
#define LAPSE_MONITORS_PARTITION_CODEC_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lapse/internal/v1/checkpoint.pb.h"

namespace lapse::monitors {

// Empty where the state has over limits::kMaxPartitionStateBytes, or memory is short: it cannot be
// saved then.
std::string EncodePartitionState(const lapse::internal::v1::PartitionState& state);

// DATA_LOSS, reason CHECKPOINT_DAMAGED, for bytes that EncodePartitionState cannot have written;
// FAILED_PRECONDITION, reason DATA_FOLDER_NEWER, for those of a newer version. Never crashes.
absl::StatusOr<lapse::internal::v1::PartitionState> DecodePartitionState(absl::string_view bytes);

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_PARTITION_CODEC_H_
