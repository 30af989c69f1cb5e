// One of the limits::kPartitionCount parts that all keys are divided into: the unit of checkpoints
// and of ownership by shards.
#ifndef LAPSE_MONITORS_PARTITION_H_
#define LAPSE_MONITORS_PARTITION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/fingerprint.h"
#include "base/limits.h"
#include "monitors/books.h"
#include "monitors/compiled_monitor.h"
#include "monitors/key_state.h"
#include "storage/log_entry.h"

namespace lapse::monitors {

inline int PartitionOf(const Fingerprint& fingerprint) {
  return static_cast<int>(fingerprint.low % limits::kPartitionCount);
}

// What belongs to a monitor and to no key of it is kept in this partition.
inline int HomePartitionOf(uint64_t seed, absl::string_view monitor_uid) {
  return PartitionOf(FingerprintOf(seed, {monitor_uid}));
}

struct KeyEntry {
  // Outlives the entry.
  const CompiledMonitor* revision = nullptr;
  std::string key;
  std::unique_ptr<KeyState> state;
  int64_t last_receive_us = 0;
  // The mark for which the shard's timers hold the key: a deadline, or else the time to forget it.
  int64_t timer_us = kNever;
  bool timer_forgets = false;
};

// Used by one thread at a time.
class Partition {
 public:
  // Finds the revisions that a checkpoint names.
  using RevisionFinder = absl::FunctionRef<absl::StatusOr<const CompiledMonitor*>(
      const std::string& monitor_uid, int64_t revision)>;

  Partition() = default;
  Partition(Partition&&) = default;
  Partition& operator=(Partition&&) = default;

  // Pointers are valid until the next Add or Erase.
  KeyEntry* Find(const Fingerprint& fingerprint);
  const KeyEntry* Find(const Fingerprint& fingerprint) const;
  KeyEntry& Add(const Fingerprint& fingerprint, const CompiledMonitor& revision,
                absl::string_view key);
  void Erase(const Fingerprint& fingerprint);

  // In no order. The visitor may not add or erase.
  void ForEachKey(absl::FunctionRef<void(const Fingerprint&, KeyEntry&)> visit);
  void ForEachKey(absl::FunctionRef<void(const Fingerprint&, const KeyEntry&)> visit) const;
  size_t key_count() const { return keys_.size(); }

  // The monitor's books here; made where there are none.
  Books& BooksOf(absl::string_view monitor_uid);
  // nullptr where there are none.
  const Books* FindBooks(absl::string_view monitor_uid) const;
  void DropBooks(absl::string_view monitor_uid);

  // Whether it changed since it was serialized or parsed.
  bool dirty() const { return dirty_; }
  void MarkDirty() { dirty_ = true; }

  // The log position after which the state read by Parse stands; what lies before it has been
  // applied. 0 where it was not.
  storage::LogPosition restored_position() const { return restored_position_; }

  // Equal states give equal bytes. Makes the partition clean.
  std::string Serialize();
  // DATA_LOSS for bytes that Serialize cannot have written, FAILED_PRECONDITION for those of a
  // newer version.
  static absl::StatusOr<Partition> Parse(absl::string_view bytes, uint64_t seed,
                                         storage::LogPosition position,
                                         RevisionFinder find_revision);

 private:
  absl::flat_hash_map<Fingerprint, KeyEntry> keys_;
  absl::flat_hash_map<std::string, Books> books_;
  bool dirty_ = false;
  storage::LogPosition restored_position_ = 0;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_PARTITION_H_
