// The bytes of a partition's checkpoint.
//
//   version (1 byte) | checksum of the rest (8) | base time | base sequence | texts | shapes |
//   revisions: uid, revision, number of keys | books: MonitorBooks | records: form, size, bytes
//
// Numbers are varints; each list is preceded by its length, each text by its size. A record of form
// kLargeForm has, behind its head, what KeyState::Serialize wrote; the others stand as they are in
// the slab. Version 1 is a PartitionState, compressed; it is read still.
#ifndef LAPSE_MONITORS_PARTITION_CODEC_H_
#define LAPSE_MONITORS_PARTITION_CODEC_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lapse/internal/v1/checkpoint.pb.h"
#include "monitors/partition.h"

namespace lapse::monitors {

// All static: a class so that Partition has one friend.
class PartitionCodec {
 public:
  // Empty where the state has over limits::kMaxPartitionStateBytes: it cannot be saved then.
  static std::string Encode(const Partition& partition);

  // DATA_LOSS, reason CHECKPOINT_DAMAGED, for bytes that no version of Encode can have written;
  // FAILED_PRECONDITION, reason DATA_FOLDER_NEWER, for those of a newer version. Never crashes.
  static absl::Status Decode(absl::string_view bytes, Partition::RevisionFinder find_revision,
                             Partition& partition);

 private:
  using Revisions = std::vector<const CompiledMonitor*>;

  static void EncodeRecord(const Partition& partition, Partition::Place place, std::string* bytes);
  static absl::Status DecodeBody(std::string_view body, Partition::RevisionFinder find_revision,
                                 Partition& partition);
  static absl::Status DecodeRecord(FrozenForm form, std::string_view bytes,
                                   const Revisions& revisions, Partition& partition);
  static absl::Status AddBooks(const lapse::internal::v1::MonitorBooks& books,
                               Partition& partition);
  static absl::Status AddPadded(const Fingerprint& fingerprint, const CompiledMonitor& revision,
                                const FrozenKey& frozen, Partition& partition);
  static absl::Status AddState(const Fingerprint& fingerprint, const CompiledMonitor& revision,
                               std::string_view text, absl::string_view state,
                               Partition& partition);
  static absl::Status DecodeVersion1(absl::string_view bytes,
                                     Partition::RevisionFinder find_revision, Partition& partition);
};

// A version 1 checkpoint's state, and its bytes. For DecodeVersion1 and tests.
absl::StatusOr<lapse::internal::v1::PartitionState> DecodePartitionState(absl::string_view bytes);
std::string EncodePartitionState(const lapse::internal::v1::PartitionState& state);

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_PARTITION_CODEC_H_
