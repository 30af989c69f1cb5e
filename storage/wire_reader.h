// Reads protobuf wire bytes from front to back, within their bounds.
#ifndef LAPSE_STORAGE_WIRE_READER_H_
#define LAPSE_STORAGE_WIRE_READER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"

namespace lapse::storage {

// Each Take returns false where the next bytes are not what is asked for; the reader is of no more
// use then, but for TakeTag, which takes nothing.
class WireReader {
 public:
  WireReader() = default;
  explicit WireReader(absl::string_view bytes)
      : at_(reinterpret_cast<const uint8_t*>(bytes.data())), end_(at_ + bytes.size()) {}

  bool done() const { return at_ == end_; }
  const char* position() const { return reinterpret_cast<const char*>(at_); }
  absl::string_view rest() const { return {position(), static_cast<size_t>(end_ - at_)}; }

  // Fields with a number below 16 have tags of one byte.
  bool TakeTag(uint8_t tag) {
    if (at_ == end_ || *at_ != tag) return false;
    ++at_;
    return true;
  }

  bool TakeVarint(uint64_t* value) {
    uint64_t result = 0;
    for (int shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const uint64_t byte = *at_++;
      // The tenth byte has room for one bit.
      if (shift == 63 && byte > 1) return false;
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        *value = result;
        return true;
      }
    }
    return false;
  }

  // A size or a tag, of at most four bytes.
  bool TakeSize(uint32_t* value) {
    if (at_ != end_ && *at_ < 0x80) {
      *value = *at_++;
      return true;
    }
    uint32_t result = 0;
    for (int shift = 0; shift < 28 && at_ != end_; shift += 7) {
      const uint32_t byte = *at_++;
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        *value = result;
        return true;
      }
    }
    return false;
  }

  bool TakeFixed64(uint64_t* value) {
    if (end_ - at_ < static_cast<ptrdiff_t>(sizeof(*value))) return false;
    std::memcpy(value, at_, sizeof(*value));
    at_ += sizeof(*value);
    return true;
  }

  bool TakeBytes(absl::string_view* bytes) {
    uint32_t size = 0;
    if (!TakeSize(&size) || size > static_cast<size_t>(end_ - at_)) return false;
    *bytes = absl::string_view(position(), size);
    at_ += size;
    return true;
  }

  bool Skip(size_t size) {
    if (size > static_cast<size_t>(end_ - at_)) return false;
    at_ += size;
    return true;
  }

 private:
  const uint8_t* at_ = nullptr;
  const uint8_t* end_ = nullptr;
};

// What nearly all fields and map entries are, read in a few steps. False for any other, also where
// WireReader would take it.

// `bytes` as one field of fewer than 128 bytes.
inline bool ReadShortField(uint8_t tag, absl::string_view bytes, absl::string_view* field) {
  const size_t size = bytes.size() - 2;
  if (bytes.size() < 2 || static_cast<uint8_t>(bytes[0]) != tag ||
      static_cast<uint8_t>(bytes[1]) != size || size >= 0x80) {
    return false;
  }
  *field = absl::string_view(bytes.data() + 2, size);
  return true;
}

// `bytes` as a map's entry whose key and value are fields of fewer than 128 bytes.
inline bool ReadShortEntry(absl::string_view bytes, absl::string_view* key,
                           absl::string_view* value) {
  constexpr uint8_t kKeyTag = 1 << 3 | 2;
  constexpr uint8_t kValueTag = 2 << 3 | 2;
  if (bytes.size() < 2 || static_cast<uint8_t>(bytes[0]) != kKeyTag) return false;
  const size_t key_size = static_cast<uint8_t>(bytes[1]);
  const size_t value_at = 2 + key_size;
  if (key_size >= 0x80 || bytes.size() < value_at) return false;
  *key = absl::string_view(bytes.data() + 2, key_size);
  return ReadShortField(kValueTag, {bytes.data() + value_at, bytes.size() - value_at}, value);
}

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_WIRE_READER_H_
