#include "monitors/text_dictionary.h"

// What is hashed is short: the call would cost as much as the hash.
#define XXH_INLINE_ALL
#include "xxhash.h"

namespace lapse::monitors {
namespace {

constexpr size_t kFirstSlots = 16;

uint64_t HashOf(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

}  // namespace

std::string_view TextDictionary::TextOf(uint64_t number) const {
  const size_t begin = begins_[number];
  const size_t end = number + 1 < begins_.size() ? begins_[number + 1] : texts_.size();
  return std::string_view(texts_).substr(begin, end - begin);
}

TextDictionary::Found TextDictionary::Find(std::string_view text, uint64_t hash) const {
  if (slots_.empty()) return {};
  size_t slot = hash & (slots_.size() - 1);
  while (slots_[slot] != 0) {
    const uint32_t number = slots_[slot] - 1u;
    if (TextOf(number) == text) return {slot, number};
    slot = (slot + 1) & (slots_.size() - 1);
  }
  return {slot, std::nullopt};
}

std::optional<uint32_t> TextDictionary::NumberOf(std::string_view text) {
  const uint64_t hash = HashOf(text);
  const Found found = Find(text, hash);
  if (found.number.has_value() || !SeenBefore(hash)) return found.number;
  return Add(text, hash);
}

std::optional<uint32_t> TextDictionary::Take(std::string_view text) {
  const uint64_t hash = HashOf(text);
  const Found found = Find(text, hash);
  return found.number.has_value() ? found.number : Add(text, hash);
}

std::optional<uint32_t> TextDictionary::Add(std::string_view text, uint64_t hash) {
  if (begins_.size() >= max_texts_ || text.size() > max_text_bytes_ ||
      texts_.size() + text.size() > max_bytes_) {
    return std::nullopt;
  }
  if (begins_.size() * 2 >= slots_.size()) Grow();
  const uint32_t number = static_cast<uint32_t>(begins_.size());
  slots_[Find(text, hash).slot] = static_cast<uint16_t>(number + 1);
  begins_.push_back(static_cast<uint32_t>(texts_.size()));
  texts_ += text;
  return number;
}

void TextDictionary::Grow() {
  slots_.assign(slots_.empty() ? kFirstSlots : slots_.size() * 2, 0);
  for (size_t number = 0; number < begins_.size(); ++number) {
    const std::string_view text = TextOf(number);
    slots_[Find(text, HashOf(text)).slot] = static_cast<uint16_t>(number + 1);
  }
}

bool TextDictionary::SeenBefore(uint64_t hash) {
  uint8_t& mark = seen_[(hash >> 8) % seen_.size()];
  const uint8_t wanted = static_cast<uint8_t>(hash >> 56 | 1);
  if (mark == wanted) return true;
  mark = wanted;
  return false;
}

}  // namespace lapse::monitors
