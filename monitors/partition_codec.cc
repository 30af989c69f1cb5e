#include "monitors/partition_codec.h"

#include <cstdint>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "zstd.h"

namespace lapse::monitors {
namespace {

constexpr uint8_t kVersion = 1;
// A checkpoint is written between entries: speed counts for more than size.
constexpr int kCompressionLevel = 1;

absl::Status Damaged(absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "CHECKPOINT_DAMAGED",
                   absl::StrCat("a partition's checkpoint is damaged: ", what));
}

// Making one takes longer than compressing a small partition with it.
ZSTD_CCtx* Compressor() {
  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  thread_local const std::unique_ptr<ZSTD_CCtx, Free> context(ZSTD_createCCtx());
  return context.get();
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
  const size_t size = ZSTD_compressCCtx(Compressor(), bytes.data() + 1, bytes.size() - 1,
                                        plain.data(), plain.size(), kCompressionLevel);
  // Only out of memory can make it fail, in a buffer of the bound's size.
  if (ZSTD_isError(size)) return "";
  bytes.resize(1 + size);
  return bytes;
}

absl::StatusOr<lapse::internal::v1::PartitionState> DecodePartitionState(absl::string_view bytes) {
  if (bytes.empty()) return Damaged("it is empty");
  const uint8_t version = static_cast<uint8_t>(bytes[0]);
  if (version > kVersion) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "DATA_FOLDER_NEWER",
                     absl::StrCat("a partition's checkpoint has version ", version,
                                  "; this server reads ", kVersion));
  }
  if (version != kVersion) return Damaged("it has no version");
  ASSIGN_OR_RETURN(const std::string plain, Decompress(bytes.substr(1)));
  lapse::internal::v1::PartitionState state;
  if (!state.ParseFromString(plain)) return Damaged("it does not parse");
  return state;
}

}  // namespace lapse::monitors
