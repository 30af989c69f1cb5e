#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "monitors/partition_codec.h"
#include "zstd.h"

namespace lapse::monitors {
namespace {

constexpr uint8_t kVersion = 1;
constexpr int kCompressionLevel = 1;

absl::Status Damaged(absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "CHECKPOINT_DAMAGED",
                   absl::StrCat("a partition's checkpoint is damaged: ", what));
}

absl::StatusOr<std::string> Decompress(absl::string_view bytes) {
  const unsigned long long size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ||
      size > limits::kMaxPartitionStateBytes) {
    return Damaged("its size is unknown");
  }
  std::string plain(size, '\0');
  const size_t got = ZSTD_decompress(plain.data(), plain.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(got) || got != plain.size()) return Damaged("it does not decompress");
  return plain;
}

}  // namespace

std::string EncodePartitionState(const lapse::internal::v1::PartitionState& state) {
  if (state.ByteSizeLong() > limits::kMaxPartitionStateBytes) return "";
  const std::string plain = state.SerializeAsString();
  std::string bytes(1 + ZSTD_compressBound(plain.size()), '\0');
  bytes[0] = static_cast<char>(kVersion);
  const size_t size = ZSTD_compress(bytes.data() + 1, bytes.size() - 1, plain.data(), plain.size(),
                                    kCompressionLevel);
  // Only out of memory can make it fail, in a buffer of the bound's size.
  if (ZSTD_isError(size)) return "";
  bytes.resize(1 + size);
  return bytes;
}

absl::StatusOr<lapse::internal::v1::PartitionState> DecodePartitionState(absl::string_view bytes) {
  if (bytes.empty() || static_cast<uint8_t>(bytes[0]) != kVersion) {
    return Damaged("it has no version");
  }
  ASSIGN_OR_RETURN(const std::string plain, Decompress(bytes.substr(1)));
  lapse::internal::v1::PartitionState state;
  if (!state.ParseFromString(plain)) return Damaged("it does not parse");
  return state;
}

absl::Status PartitionCodec::DecodeVersion1(absl::string_view bytes,
                                            Partition::RevisionFinder find_revision,
                                            Partition& partition) {
  ASSIGN_OR_RETURN(const lapse::internal::v1::PartitionState saved, DecodePartitionState(bytes));
  for (const auto& books : saved.books()) RETURN_IF_ERROR(AddBooks(books, partition));
  Revisions revisions;
  for (const lapse::internal::v1::KeyRevision& revision : saved.revisions()) {
    ASSIGN_OR_RETURN(const CompiledMonitor* found,
                     find_revision(revision.monitor_uid(), revision.revision()));
    revisions.push_back(found);
  }
  for (const lapse::internal::v1::KeyEntryState& key : saved.keys()) {
    const size_t index = static_cast<size_t>(key.revision_index());
    if (key.revision_index() < 0 || index >= revisions.size()) {
      return Damaged("a key names no revision");
    }
    const Fingerprint fingerprint = revisions[index]->KeyFingerprint(partition.seed_, key.key());
    RETURN_IF_ERROR(AddState(fingerprint, *revisions[index], key.key(), key.state(), partition));
  }
  return absl::OkStatus();
}

}  // namespace lapse::monitors
