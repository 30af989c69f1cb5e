// Texts that come again and again, by number.
#ifndef LAPSE_MONITORS_TEXT_DICTIONARY_H_
#define LAPSE_MONITORS_TEXT_DICTIONARY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lapse::monitors {

// Only grows, up to its limits; beyond them, new texts are not taken. Used by one thread at a time.
class TextDictionary {
 public:
  // A text is taken when it comes for the second time, so that texts which never repeat do not fill
  // the dictionary up. `max_bytes` counts the texts alone.
  TextDictionary(size_t max_texts, size_t max_text_bytes, size_t max_bytes)
      : max_texts_(max_texts), max_text_bytes_(max_text_bytes), max_bytes_(max_bytes) {}

  // The text's number, from 0, without gaps; unset where it is not taken.
  std::optional<uint32_t> NumberOf(std::string_view text);
  // As NumberOf, but takes it at once.
  std::optional<uint32_t> Take(std::string_view text);

  bool Has(uint64_t number) const { return number < begins_.size(); }
  // Valid until a text is added. Only where Has.
  std::string_view TextOf(uint64_t number) const;
  size_t size() const { return begins_.size(); }
  // Of what it looks at first; most dictionaries have little more.
  void Prefetch() const {
    __builtin_prefetch(slots_.data());
    __builtin_prefetch(begins_.data());
    __builtin_prefetch(texts_.data());
    __builtin_prefetch(texts_.data() + 64);
  }

 private:
  struct Found {
    size_t slot = 0;
    std::optional<uint32_t> number;
  };

  Found Find(std::string_view text, uint64_t hash) const;
  std::optional<uint32_t> Add(std::string_view text, uint64_t hash);
  void Grow();
  bool SeenBefore(uint64_t hash);

  size_t max_texts_;
  size_t max_text_bytes_;
  size_t max_bytes_;
  std::string texts_;
  std::vector<uint32_t> begins_;
  // Open addressing; number + 1, 0 for an empty slot. Of a power of two of slots.
  std::vector<uint16_t> slots_;
  // Marks of what came once, by chance overwritten.
  std::array<uint8_t, 128> seen_ = {};
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_TEXT_DICTIONARY_H_
