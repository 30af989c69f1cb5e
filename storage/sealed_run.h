// Sorted runs of sealed files: which chunks hold an event with a fingerprint.
#ifndef LAPSE_STORAGE_SEALED_RUN_H_
#define LAPSE_STORAGE_SEALED_RUN_H_

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace lapse::storage {

// A block is read and checked by itself.
inline constexpr int64_t kRunBlockBytes = 4'096;

struct RunEntry {
  uint32_t fingerprint = 0;
  // By its place in the run, from 0.
  uint32_t chunk = 0;

  auto operator<=>(const RunEntry&) const = default;
};

struct EncodedRun {
  // Whole blocks.
  std::string blocks;
  // The first fingerprint of each.
  std::vector<uint32_t> fences;
};

// `entries` are sorted, each once.
EncodedRun EncodeRun(absl::Span<const RunEntry> entries);

// The blocks [first, end) that may hold `fingerprint`.
struct BlockRange {
  int64_t first = 0;
  int64_t end = 0;
};
BlockRange BlocksOf(absl::Span<const uint32_t> fences, uint32_t fingerprint);

// Adds the chunks that `block`, whose fence is given, has for `fingerprint`. DATA_LOSS where the
// block is damaged; any bytes may be given.
absl::Status FindInBlock(absl::string_view block, uint32_t fence, uint32_t fingerprint,
                         std::vector<uint32_t>* chunks);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SEALED_RUN_H_
