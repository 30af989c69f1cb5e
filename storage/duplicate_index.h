// A hash index from fingerprints to 32-bit slots of a ring that holds the fingerprints themselves.
#ifndef LAPSE_STORAGE_DUPLICATE_INDEX_H_
#define LAPSE_STORAGE_DUPLICATE_INDEX_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/fingerprint.h"

namespace lapse::storage {

// Used by one thread. Open addressing in partitions that grow alone, so that no insert takes long:
// 5 to 11 bytes an entry. Entries are not removed; one whose slot holds another fingerprint by now
// is stale, is told from a match by the caller's ring, and is dropped when its partition is built
// anew.
class DuplicateIndex {
 public:
  // The fingerprint that the ring holds at `slot`.
  using FingerprintAt = absl::FunctionRef<Fingerprint(uint32_t slot)>;

  void Insert(const Fingerprint& key, uint32_t slot, FingerprintAt fingerprint_at);

  // Calls `accept` with each slot that may hold `key` until it returns true; false where it never
  // does.
  bool Find(const Fingerprint& key, absl::FunctionRef<bool(uint32_t slot)> accept) const;

  void Clear();

 private:
  static constexpr int kPartitionBits = 10;
  static constexpr uint32_t kEmpty = UINT32_MAX;

  struct Partition {
    // A power of two of them, or none.
    std::vector<uint32_t> slots;
    uint32_t used = 0;
  };

  static size_t PartitionOf(const Fingerprint& key) { return key.high >> (64 - kPartitionBits); }
  static void Place(Partition& partition, const Fingerprint& key, uint32_t slot);
  static void Rebuild(Partition& partition, size_t index, FingerprintAt fingerprint_at);

  std::array<Partition, size_t{1} << kPartitionBits> partitions_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_DUPLICATE_INDEX_H_
