// Short texts, which most are: as numbers they are compared and checked without looking at them
// byte by byte.
#ifndef LAPSE_BASE_SHORT_TEXT_H_
#define LAPSE_BASE_SHORT_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"

namespace lapse {

// The first eight bytes, zeros behind a shorter text; the first byte is the lowest.
inline uint64_t FirstBytes(absl::string_view text) {
  const char* const data = text.data();
  const size_t size = text.size();
  if (size >= 8) {
    uint64_t word;
    std::memcpy(&word, data, sizeof(word));
    return word;
  }
  if (size >= 4) {
    // What both have is the same in both.
    uint32_t head;
    uint32_t tail;
    std::memcpy(&head, data, sizeof(head));
    std::memcpy(&tail, data + size - sizeof(tail), sizeof(tail));
    return head | static_cast<uint64_t>(tail) << 8 * (size - sizeof(tail));
  }
  if (size == 0) return 0;
  const auto byte = [data](size_t at) {
    return uint64_t{static_cast<uint8_t>(data[at])} << 8 * at;
  };
  return byte(0) | byte(size / 2) | byte(size - 1);
}

// Orders texts as their bytes do, but for those that it says are equal.
inline uint64_t PrefixOf(absl::string_view text) { return __builtin_bswap64(FirstBytes(text)); }

inline bool IsAscii(absl::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  if (text.size() < 8) return (FirstBytes(text) & kHighBits) == 0;
  uint64_t seen = 0;
  for (size_t at = 0; at + 8 < text.size(); at += 8) seen |= FirstBytes(text.substr(at));
  seen |= FirstBytes(text.substr(text.size() - 8));
  return (seen & kHighBits) == 0;
}

// As memcpy, without a call where the text is short. `out` does not lie within it.
inline void CopyText(absl::string_view text, char* out) {
  const char* const data = text.data();
  const size_t size = text.size();
  if (size > 16) {
    std::memcpy(out, data, size);
  } else if (size >= 8) {
    // What both have is written twice.
    uint64_t words[2];
    std::memcpy(&words[0], data, 8);
    std::memcpy(&words[1], data + size - 8, 8);
    std::memcpy(out, &words[0], 8);
    std::memcpy(out + size - 8, &words[1], 8);
  } else if (size >= 4) {
    uint32_t words[2];
    std::memcpy(&words[0], data, 4);
    std::memcpy(&words[1], data + size - 4, 4);
    std::memcpy(out, &words[0], 4);
    std::memcpy(out + size - 4, &words[1], 4);
  } else if (size > 0) {
    const char middle = data[size / 2];
    const char last = data[size - 1];
    out[0] = data[0];
    out[size / 2] = middle;
    out[size - 1] = last;
  }
}

}  // namespace lapse

#endif  // LAPSE_BASE_SHORT_TEXT_H_
