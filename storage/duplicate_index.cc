#include "storage/duplicate_index.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace lapse::storage {

void DuplicateIndex::Place(Partition& partition, const Fingerprint& key, uint32_t slot) const {
  const size_t mask = partition.words.size() - 1;
  size_t at = key.low & mask;
  for (; partition.words[at] != kEmpty; at = (at + 1) & mask) {
    if (SlotOf(partition.words[at]) != slot) continue;
    // Of an insert that was undone.
    partition.words[at] = WordOf(key, slot);
    return;
  }
  partition.words[at] = WordOf(key, slot);
  ++partition.used;
}

void DuplicateIndex::Rebuild(Partition& partition, size_t index,
                             FingerprintAt fingerprint_at) const {
  std::vector<std::pair<Fingerprint, uint32_t>> live;
  live.reserve(partition.used);
  for (const uint32_t word : partition.words) {
    if (word == kEmpty) continue;
    const Fingerprint key = fingerprint_at(SlotOf(word));
    if (PartitionOf(key) == index) live.emplace_back(key, SlotOf(word));
  }
  partition.used = 0;
  partition.words.assign(
      std::max<size_t>(std::bit_ceil(2 * live.size() + 8), partition.initial_size), kEmpty);
  for (const auto& [key, slot] : live) Place(partition, key, slot);
}

void DuplicateIndex::Insert(const Fingerprint& key, uint32_t slot, FingerprintAt fingerprint_at) {
  const size_t index = PartitionOf(key);
  Partition& partition = partitions_[index];
  if ((partition.used + 1) * 4 > partition.words.size() * 3)
    Rebuild(partition, index, fingerprint_at);
  Place(partition, key, slot);
}

bool DuplicateIndex::Find(const Fingerprint& key,
                          absl::FunctionRef<bool(uint32_t slot)> accept) const {
  const Partition& partition = partitions_[PartitionOf(key)];
  if (partition.words.empty()) return false;
  const size_t mask = partition.words.size() - 1;
  const uint32_t tag = WordOf(key, 0);
  for (size_t at = key.low & mask; partition.words[at] != kEmpty; at = (at + 1) & mask) {
    const uint32_t slot = SlotOf(partition.words[at]);
    if ((tag | slot) == partition.words[at] && accept(slot)) return true;
  }
  return false;
}

void DuplicateIndex::Clear() {
  for (Partition& partition : partitions_) {
    const auto size = static_cast<uint32_t>(partition.words.size());
    partition = Partition();
    partition.initial_size = size;
  }
}

}  // namespace lapse::storage
