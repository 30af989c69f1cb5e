// Hexadecimal digits and UUIDs (RFC 9562) as text, in lower case alone: what is read is written the
// same again.
#ifndef LAPSE_BASE_HEX_H_
#define LAPSE_BASE_HEX_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace lapse {

inline constexpr char kHexDigits[] = "0123456789abcdef";
inline constexpr size_t kUuidChars = 36;
inline constexpr size_t kUuidBytes = 16;

namespace hex_internal {

constexpr std::array<int8_t, 256> MakeValues() {
  std::array<int8_t, 256> values = {};
  for (int8_t& value : values) value = -1;
  for (int i = 0; i < 16; ++i) values[static_cast<uint8_t>(kHexDigits[i])] = static_cast<int8_t>(i);
  return values;
}
inline constexpr std::array<int8_t, 256> kValues = MakeValues();

// Where the bytes' digits begin.
inline constexpr std::array<uint8_t, kUuidBytes> kUuidDigits = {0,  2,  4,  6,  9,  11, 14, 16,
                                                                19, 21, 24, 26, 28, 30, 32, 34};

}  // namespace hex_internal

// The value of two digits; negative where they are none. Of several, their values or-ed together
// are negative where any is.
inline int HexByte(const char* digits) {
  return hex_internal::kValues[static_cast<uint8_t>(digits[0])] * 16 |
         hex_internal::kValues[static_cast<uint8_t>(digits[1])];
}

// Writes two digits; returns their end.
inline char* WriteHexByte(uint8_t byte, char* out) {
  *out++ = kHexDigits[byte >> 4];
  *out++ = kHexDigits[byte & 15];
  return out;
}

// To kUuidBytes bytes. False for what is no UUID; the bytes are then of no use.
inline bool ParseUuid(absl::string_view text, uint8_t* bytes) {
  if (text.size() != kUuidChars) return false;
  if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return false;
  int seen = 0;
  for (size_t i = 0; i < kUuidBytes; ++i) {
    const int value = HexByte(text.data() + hex_internal::kUuidDigits[i]);
    seen |= value;
    bytes[i] = static_cast<uint8_t>(value);
  }
  return seen >= 0;
}

// Of kUuidBytes bytes.
inline void AppendUuid(const uint8_t* bytes, std::string* text) {
  const size_t begin = text->size();
  text->resize(begin + kUuidChars);
  char* out = text->data() + begin;
  for (size_t i = 0; i < kUuidBytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
    out = WriteHexByte(bytes[i], out);
  }
}

}  // namespace lapse

#endif  // LAPSE_BASE_HEX_H_
