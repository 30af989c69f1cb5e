// A hash index from fingerprints to 32-bit slots of a ring that holds the fingerprints themselves.
#ifndef LAPSE_STORAGE_DUPLICATE_INDEX_H_
#define LAPSE_STORAGE_DUPLICATE_INDEX_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/fingerprint.h"

namespace lapse::storage {

// Used by one thread. Open addressing in partitions that grow alone, so that no insert takes long:
// 5 to 11 bytes an entry. Entries are not removed; one whose slot holds another fingerprint by now
// is stale, is told from a match by the caller's ring, and is dropped when its partition is built
// anew. The bits that a slot leaves free are a tag of its fingerprint, so that the ring, which is
// far away, is rarely asked in vain.
class DuplicateIndex {
 public:
  // The fingerprint that the ring holds at `slot`.
  using FingerprintAt = absl::FunctionRef<Fingerprint(uint32_t slot)>;

  // Slots are below `slot_count`, which is below 2^32.
  explicit DuplicateIndex(uint64_t slot_count) : slot_bits_(std::bit_width(slot_count)) {}

  // Brings what Find and Insert of `key` will touch near.
  void Prefetch(const Fingerprint& key) const {
    const std::vector<uint32_t>& words = partitions_[PartitionOf(key)].words;
    if (!words.empty()) __builtin_prefetch(&words[key.low & (words.size() - 1)]);
  }

  void Insert(const Fingerprint& key, uint32_t slot, FingerprintAt fingerprint_at);

  // Calls `accept` with each slot that may hold `key` until it returns true; false where it never
  // does.
  bool Find(const Fingerprint& key, absl::FunctionRef<bool(uint32_t slot)> accept) const;

  // Partitions will start out as large as they are now.
  void Clear();

 private:
  static constexpr int kPartitionBits = 10;
  static constexpr uint32_t kEmpty = UINT32_MAX;

  struct Partition {
    // A power of two of them, or none.
    std::vector<uint32_t> words;
    uint32_t used = 0;
    // Of words, when the partition is first used.
    uint32_t initial_size = 0;
  };

  static size_t PartitionOf(const Fingerprint& key) { return key.high >> (64 - kPartitionBits); }
  uint32_t SlotOf(uint32_t word) const {
    return static_cast<uint32_t>(word & ((uint64_t{1} << slot_bits_) - 1));
  }
  uint32_t WordOf(const Fingerprint& key, uint32_t slot) const {
    return static_cast<uint32_t>(key.high << slot_bits_) | slot;
  }
  void Place(Partition& partition, const Fingerprint& key, uint32_t slot) const;
  void Rebuild(Partition& partition, size_t index, FingerprintAt fingerprint_at) const;

  const int slot_bits_;
  std::array<Partition, size_t{1} << kPartitionBits> partitions_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_DUPLICATE_INDEX_H_
