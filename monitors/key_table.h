// From a key's hash to its record's place: open addressing with five bytes a slot.
//
//   slot | place (30 bits) | tag of the hash (10 bits) |
#ifndef LAPSE_MONITORS_KEY_TABLE_H_
#define LAPSE_MONITORS_KEY_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "base/fingerprint.h"

namespace lapse::monitors {

// Used by one thread at a time. Knows no keys: whoever looks something up tells whether a place is
// the one, and whoever lets it grow enters everything again.
class KeyTable {
 public:
  using Place = uint32_t;
  static constexpr Place kNowhere = UINT32_MAX;

  // The first place with the fingerprint's tag for which `is_it(place)`; kNowhere for none.
  template <typename IsIt>
  Place Find(const Fingerprint& key, IsIt is_it) const {
    if (capacity_ == 0) return kNowhere;
    const uint32_t tag = TagOf(key);
    for (size_t at = HomeOf(key);; at = Next(at)) {
      const uint64_t slot = SlotAt(at);
      if (slot == kEmpty) return kNowhere;
      if (slot != kRemoved && slot % kTags == tag && is_it(PlaceIn(slot))) return PlaceIn(slot);
    }
  }

  // Whether Add must wait for a Reset.
  bool full() const { return (used_ + 1) * 8 > capacity_ * 7; }
  // Empties it and makes room for `count` and some more.
  void Reset(size_t count);
  // A place that is not there yet.
  void Add(const Fingerprint& key, Place place);
  // The key at `from` is at `to` now. It is there.
  void Move(const Fingerprint& key, Place from, Place to);
  void Remove(const Fingerprint& key, Place place);

  void Prefetch(const Fingerprint& key) const {
    if (capacity_ != 0) __builtin_prefetch(slots_.get() + HomeOf(key) * kSlotBytes);
  }

  size_t capacity_bytes() const { return capacity_ * kSlotBytes; }

 private:
  static constexpr size_t kSlotBytes = 5;
  static constexpr uint64_t kTags = 1u << 10;
  // Places are below 2^30 - 2, so that no slot is one of these.
  static constexpr uint64_t kEmpty = (uint64_t{1} << 40) - 1;
  static constexpr uint64_t kRemoved = kEmpty - kTags;

  // The low bits of `low` choose the partition.
  static uint32_t TagOf(const Fingerprint& key) {
    return static_cast<uint32_t>(key.low >> 54) % kTags;
  }
  size_t HomeOf(const Fingerprint& key) const {
    return static_cast<size_t>((key.high >> 32) * capacity_ >> 32);
  }
  size_t Next(size_t at) const { return at + 1 == capacity_ ? 0 : at + 1; }
  static Place PlaceIn(uint64_t slot) { return static_cast<Place>(slot / kTags); }
  static uint64_t SlotFor(const Fingerprint& key, Place place) {
    return uint64_t{place} * kTags + TagOf(key);
  }
  uint64_t SlotAt(size_t at) const {
    uint64_t slot = 0;
    std::memcpy(&slot, slots_.get() + at * kSlotBytes, kSlotBytes);
    return slot;
  }
  void SetSlot(size_t at, uint64_t slot) {
    std::memcpy(slots_.get() + at * kSlotBytes, &slot, kSlotBytes);
  }
  // Of a slot that is there.
  size_t IndexOf(const Fingerprint& key, uint64_t slot) const;

  std::unique_ptr<char[]> slots_;
  size_t capacity_ = 0;
  // Slots that are not empty.
  size_t used_ = 0;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_KEY_TABLE_H_
