// Writing and reading of small packed values. Neither side ever goes past its buffer: a writer that
// is full and a reader that is at its end say so, and go on with nothing.
#ifndef LAPSE_MONITORS_BYTE_CODING_H_
#define LAPSE_MONITORS_BYTE_CODING_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/short_text.h"

namespace lapse::monitors {

inline constexpr size_t kMaxVarintBytes = 10;

inline uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

// Differences of any two values, without overflow.
inline int64_t WrappedSum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
inline int64_t WrappedDifference(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

// Writes into the caller's buffer.
class ByteWriter {
 public:
  ByteWriter(char* buffer, size_t capacity)
      : begin_(buffer), at_(buffer), end_(buffer + capacity) {}

  void Byte(uint8_t value) {
    if (!Room(1)) return;
    *at_++ = static_cast<char>(value);
  }
  void Varint(uint64_t value) {
    if (!Room(kMaxVarintBytes)) return;
    for (; value >= 0x80; value >>= 7) *at_++ = static_cast<char>(value | 0x80);
    *at_++ = static_cast<char>(value);
  }
  void Signed(int64_t value) { Varint(ZigZag(value)); }
  void Bytes(std::string_view bytes) {
    if (!Room(bytes.size())) return;
    CopyText({bytes.data(), bytes.size()}, at_);
    at_ += bytes.size();
  }
  void Sized(std::string_view bytes) {
    Varint(bytes.size());
    Bytes(bytes);
  }

  // Whether something did not fit; what was written is then of no use.
  bool full() const { return full_; }
  size_t size() const { return static_cast<size_t>(at_ - begin_); }
  std::string_view written() const { return {begin_, size()}; }
  // Takes back what was written after `size` bytes.
  void Rewind(size_t size) { at_ = begin_ + size; }

 private:
  bool Room(size_t bytes) {
    if (static_cast<size_t>(end_ - at_) >= bytes) return true;
    full_ = true;
    return false;
  }

  char* const begin_;
  char* at_;
  char* const end_;
  bool full_ = false;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  uint8_t Byte() {
    if (at_ == end_) return Bad();
    return static_cast<uint8_t>(*at_++);
  }
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const uint8_t byte = static_cast<uint8_t>(*at_++);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return Bad();
  }
  int64_t Signed() { return UnZigZag(Varint()); }
  std::string_view Bytes(size_t size) {
    if (static_cast<size_t>(end_ - at_) < size) {
      Bad();
      return {};
    }
    const std::string_view bytes(at_, size);
    at_ += size;
    return bytes;
  }
  std::string_view Sized() { return Bytes(Varint()); }

  // Whether there was less than was asked for; the values since then are zeros.
  bool bad() const { return bad_; }
  bool at_end() const { return at_ == end_; }
  const char* position() const { return at_; }
  std::string_view rest() const { return {at_, static_cast<size_t>(end_ - at_)}; }

 private:
  uint8_t Bad() {
    bad_ = true;
    at_ = end_;
    return 0;
  }

  const char* at_;
  const char* end_;
  bool bad_ = false;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_BYTE_CODING_H_
