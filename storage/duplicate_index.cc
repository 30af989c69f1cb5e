#include "storage/duplicate_index.h"

#include <bit>
#include <utility>

namespace lapse::storage {

void DuplicateIndex::Place(Partition& partition, const Fingerprint& key, uint32_t slot) {
  const size_t mask = partition.slots.size() - 1;
  size_t at = key.low & mask;
  for (; partition.slots[at] != kEmpty; at = (at + 1) & mask) {
    // An insert that was undone and done again.
    if (partition.slots[at] == slot) return;
  }
  partition.slots[at] = slot;
  ++partition.used;
}

void DuplicateIndex::Rebuild(Partition& partition, size_t index, FingerprintAt fingerprint_at) {
  std::vector<std::pair<Fingerprint, uint32_t>> live;
  live.reserve(partition.used);
  for (const uint32_t slot : partition.slots) {
    if (slot == kEmpty) continue;
    const Fingerprint key = fingerprint_at(slot);
    if (PartitionOf(key) == index) live.emplace_back(key, slot);
  }
  partition.used = 0;
  partition.slots.assign(std::bit_ceil(2 * live.size() + 8), kEmpty);
  for (const auto& [key, slot] : live) Place(partition, key, slot);
}

void DuplicateIndex::Insert(const Fingerprint& key, uint32_t slot, FingerprintAt fingerprint_at) {
  const size_t index = PartitionOf(key);
  Partition& partition = partitions_[index];
  if ((partition.used + 1) * 4 > partition.slots.size() * 3)
    Rebuild(partition, index, fingerprint_at);
  Place(partition, key, slot);
}

bool DuplicateIndex::Find(const Fingerprint& key,
                          absl::FunctionRef<bool(uint32_t slot)> accept) const {
  const Partition& partition = partitions_[PartitionOf(key)];
  if (partition.slots.empty()) return false;
  const size_t mask = partition.slots.size() - 1;
  for (size_t at = key.low & mask; partition.slots[at] != kEmpty; at = (at + 1) & mask) {
    if (accept(partition.slots[at])) return true;
  }
  return false;
}

void DuplicateIndex::Clear() {
  for (Partition& partition : partitions_) partition = Partition();
}

}  // namespace lapse::storage
