#include "base/fingerprint.h"

#include <cstring>

#include "absl/strings/str_format.h"
#include "base/short_text.h"
// What is hashed is short: the call would cost as much as the hash.
#define XXH_INLINE_ALL
#include "xxhash.h"

namespace lapse {

std::string Fingerprint::ToHex() const { return absl::StrFormat("%016x%016x", high, low); }

Fingerprint FingerprintOf(uint64_t seed, std::initializer_list<absl::string_view> parts) {
  // Every call site has a few short parts: one flat buffer hashes faster than the streaming
  // interface.
  char small[512];
  std::string large;
  size_t size = 0;
  for (absl::string_view part : parts) size += sizeof(uint32_t) + part.size();
  char* buffer = small;
  if (size > sizeof(small)) {
    large.resize(size);
    buffer = large.data();
  }
  char* out = buffer;
  for (absl::string_view part : parts) {
    const uint32_t length = static_cast<uint32_t>(part.size());
    std::memcpy(out, &length, sizeof(length));
    out += sizeof(length);
    CopyText(part, out);
    out += part.size();
  }
  const XXH128_hash_t hash = XXH3_128bits_withSeed(buffer, size, seed);
  return Fingerprint{hash.high64, hash.low64};
}

}  // namespace lapse
