// Seeded 128-bit fingerprints (XXH3). Stored on disk: the function never changes.
#ifndef LAPSE_BASE_FINGERPRINT_H_
#define LAPSE_BASE_FINGERPRINT_H_

#include <compare>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace lapse {

struct Fingerprint {
  uint64_t high = 0;
  uint64_t low = 0;

  auto operator<=>(const Fingerprint&) const = default;

  template <typename H>
  friend H AbslHashValue(H h, const Fingerprint& f) {
    return H::combine(std::move(h), f.high, f.low);
  }

  // 32 lower-case hexadecimal digits.
  std::string ToHex() const;
};

// Of the parts, each with its length, so that ("ab", "c") and ("a", "bc") differ.
Fingerprint FingerprintOf(uint64_t seed, std::initializer_list<absl::string_view> parts);

}  // namespace lapse

#endif  // LAPSE_BASE_FINGERPRINT_H_
