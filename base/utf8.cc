#include "base/utf8.h"

#include <cstdint>
#include <cstring>

namespace lapse {
namespace {

constexpr uint64_t kHighBits = 0x8080808080808080;

bool IsContinuation(uint8_t byte) { return (byte & 0xC0) == 0x80; }

// How many leading bytes are ASCII, counted in whole words.
size_t AsciiWords(const char* data, size_t size) {
  size_t at = 0;
  while (at + sizeof(uint64_t) <= size) {
    uint64_t word;
    std::memcpy(&word, data + at, sizeof(word));
    if ((word & kHighBits) != 0) break;
    at += sizeof(word);
  }
  return at;
}

// The length of the character that starts at `p`, which is not ASCII; 0 where it is malformed.
size_t CharacterBytes(const uint8_t* p, size_t left) {
  if (left >= 2 && p[0] >= 0xC2 && p[0] <= 0xDF) return IsContinuation(p[1]) ? 2 : 0;
  if (left >= 3 && (p[0] & 0xF0) == 0xE0) {
    if (!IsContinuation(p[1]) || !IsContinuation(p[2])) return 0;
    const bool overlong = p[0] == 0xE0 && p[1] < 0xA0;
    const bool surrogate = p[0] == 0xED && p[1] >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  if (left >= 4 && p[0] >= 0xF0 && p[0] <= 0xF4) {
    if (!IsContinuation(p[1]) || !IsContinuation(p[2]) || !IsContinuation(p[3])) return 0;
    const bool overlong = p[0] == 0xF0 && p[1] < 0x90;
    const bool too_high = p[0] == 0xF4 && p[1] >= 0x90;
    return overlong || too_high ? 0 : 4;
  }
  return 0;
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    at += AsciiWords(text.data() + at, text.size() - at);
    while (at < text.size() && static_cast<uint8_t>(text[at]) < 0x80) ++at;
    if (at == text.size()) return true;
    const size_t bytes =
        CharacterBytes(reinterpret_cast<const uint8_t*>(text.data()) + at, text.size() - at);
    if (bytes == 0) return false;
    at += bytes;
  }
  return true;
}

absl::string_view CutUtf8(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t end = max_bytes;
  while (end > 0 && IsContinuation(static_cast<uint8_t>(text[end]))) --end;
  return text.substr(0, end);
}

}  // namespace lapse
