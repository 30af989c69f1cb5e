#include "monitors/key_table.h"

namespace lapse::monitors {

void KeyTable::Reset(size_t count) {
  // Between 50 % and 88 % of the slots are in use while it grows: a key is entered anew once or
  // twice, which costs its hash.
  capacity_ = count * 2 + 8;
  slots_ = std::make_unique_for_overwrite<char[]>(capacity_ * kSlotBytes);
  std::memset(slots_.get(), 0xff, capacity_ * kSlotBytes);
  used_ = 0;
}

void KeyTable::Add(const Fingerprint& key, Place place) {
  size_t at = HomeOf(key);
  uint64_t slot = SlotAt(at);
  while (slot != kEmpty && slot != kRemoved) {
    at = Next(at);
    slot = SlotAt(at);
  }
  if (slot == kEmpty) ++used_;
  SetSlot(at, SlotFor(key, place));
}

size_t KeyTable::IndexOf(const Fingerprint& key, uint64_t slot) const {
  size_t at = HomeOf(key);
  while (SlotAt(at) != slot) at = Next(at);
  return at;
}

void KeyTable::Move(const Fingerprint& key, Place from, Place to) {
  SetSlot(IndexOf(key, SlotFor(key, from)), SlotFor(key, to));
}

void KeyTable::Remove(const Fingerprint& key, Place place) {
  const size_t at = IndexOf(key, SlotFor(key, place));
  const bool last = SlotAt(Next(at)) == kEmpty;
  SetSlot(at, last ? kEmpty : kRemoved);
  if (last) --used_;
}

}  // namespace lapse::monitors
