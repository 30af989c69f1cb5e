// One of the limits::kPartitionCount parts that all keys are divided into: the unit of checkpoints
// and of ownership by shards.
//
// Its keys are at rest: records of a few dozen bytes in a slab, found through a table.
//
//   table | place, tag | ... by fingerprint        slab | record | record | ...
//   record | number of the revision | the key's text, packed | the key's state, frozen |
//
// A key whose state is too large to be frozen has an empty state there, and a KeyState beside it.
#ifndef LAPSE_MONITORS_PARTITION_H_
#define LAPSE_MONITORS_PARTITION_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/fingerprint.h"
#include "base/limits.h"
#include "monitors/books.h"
#include "monitors/compiled_monitor.h"
#include "monitors/frozen_key.h"
#include "monitors/key_state.h"
#include "monitors/key_table.h"
#include "monitors/packed_event.h"
#include "monitors/partition_revisions.h"
#include "monitors/record_slab.h"
#include "storage/log_entry.h"

namespace lapse::monitors {

inline int PartitionOf(const Fingerprint& fingerprint) {
  return static_cast<int>(fingerprint.low % limits::kPartitionCount);
}

// What belongs to a monitor and to no key of it is kept in this partition.
inline int HomePartitionOf(uint64_t seed, absl::string_view monitor_uid) {
  return PartitionOf(FingerprintOf(seed, {monitor_uid}));
}

// Used by one thread at a time.
class Partition {
 public:
  // Where a key is. It may be elsewhere after any call that changes the key, or Tidy.
  using Place = RecordSlab::Place;
  static constexpr Place kNowhere = RecordSlab::kNowhere;

  // Finds the revisions that a checkpoint names.
  using RevisionFinder = absl::FunctionRef<absl::StatusOr<const CompiledMonitor*>(
      const std::string& monitor_uid, int64_t revision)>;

  // A key as whoever asks for it knows it; `text` outlives it.
  class KeyName {
   public:
    // `revision` outlives the key. Valid until a key of the partition is erased.
    KeyName(Partition& partition, const Fingerprint& fingerprint, const CompiledMonitor& revision,
            std::string_view text);
    KeyName(const KeyName&) = delete;

   private:
    friend class Partition;

    const Fingerprint& fingerprint_;
    const CompiledMonitor& revision_;
    const std::string_view text_;
    std::array<char, limits::kMaxKeyBytes + 32> buffer_;
    // What its record begins with; nothing where the partition has no key of the revision.
    ByteWriter head_{buffer_.data(), buffer_.size()};
  };
  // Where a key is, and how.
  struct Placed {
    Place place = kNowhere;
    RestingKey key;
  };
  // A key as it is kept.
  struct KeyInfo {
    const CompiledMonitor* revision = nullptr;
    std::string text;
    Fingerprint fingerprint;
  };

  // `seed`: see CompiledMonitor::KeyFingerprint.
  explicit Partition(uint64_t seed = 0) : seed_(seed) {}
  Partition(Partition&&) = default;
  Partition& operator=(Partition&&) = default;

  // kNowhere where there is none.
  Place Find(const KeyName& key) const;
  Place Find(const Fingerprint& fingerprint) const;
  // To be called some time ahead of an event of the key, each some time after the one before.
  void PrefetchSelf() const;
  void PrefetchSlot(const Fingerprint& fingerprint) const;
  void PrefetchRecord(const Fingerprint& fingerprint) const;
  void Prefetch(Place place) const {
    if (slab_.Has(place)) slab_.Prefetch(place);
  }

  // Only for the place of a key.
  RestingKey Look(Place place) const;
  const CompiledMonitor& RevisionAt(Place place) const;
  KeyInfo InfoAt(Place place) const;
  void ForEachExpectation(Place place,
                          absl::FunctionRef<void(const ListedExpectation&)> visit) const;

  // Nothing where `place` is not that of a key.
  std::optional<RestingKey> LookIfKey(Place place) const;
  // Also its fingerprint; exact where LookIfKey may be mistaken.
  std::optional<std::pair<RestingKey, Fingerprint>> ResolveKey(Place place) const;

  // An event for the key at `place`, whose deadlines up to the mark have fired; kNowhere makes a
  // new key. `from.key` is how it is. Returns where and how the key is then. Damaged bytes, which
  // no checkpoint has whose checksum held, count as a new key.
  Placed OnEvent(const Placed& from, const KeyName& key, const KeyEvent& event, const Now& now,
                 Output& out);
  // The mark that the key has waited for has come.
  Placed OnMark(const Placed& from, const KeyInfo& key, const Now& now, Output& out);
  // Any other decision on the key.
  Placed Decide(const Placed& from, const KeyInfo& key,
                absl::FunctionRef<void(KeyState&)> decision);
  void Erase(Place place, const Fingerprint& fingerprint);

  // In no order. The visitor may not change the partition.
  void ForEachKey(absl::FunctionRef<void(Place)> visit) const;
  size_t key_count() const { return slab_.record_count(); }
  // Costs little: it looks at no key.
  bool HasKeysOf(absl::string_view monitor_uid) const { return revisions_.HasKeysOf(monitor_uid); }

  // The mark from which on ForgetIdle is worth its while; kNever where all keys are live
  // and little of its memory is free.
  int64_t NextForgetUs(int64_t idle_key_retention_us) const;
  // Forgets the keys that can be forgotten at this mark. True where keys were moved.
  bool ForgetIdle(const Now& now);

  // The monitor's books here; made where there are none.
  Books& BooksOf(absl::string_view monitor_uid);
  // The same for a revision that the partition has keys of.
  Books& BooksOf(const CompiledMonitor& revision);
  // nullptr where there are none.
  const Books* FindBooks(absl::string_view monitor_uid) const;
  void DropBooks(absl::string_view monitor_uid);

  // Whether it changed since it was serialized or parsed.
  bool dirty() const { return dirty_; }
  void MarkDirty() { dirty_ = true; }

  // The log position after which the state read by Parse stands; what lies before it has been
  // applied. 0 where it was not.
  storage::LogPosition restored_position() const { return restored_position_; }

  // The same calls on the same partition give the same bytes. Makes the partition clean.
  std::string Serialize();
  // DATA_LOSS for bytes that Serialize cannot have written, FAILED_PRECONDITION for those of a
  // newer version.
  static absl::StatusOr<Partition> Parse(absl::string_view bytes, uint64_t seed,
                                         storage::LogPosition position,
                                         RevisionFinder find_revision);

  // Of its tables and records.
  size_t MemoryBytes() const;

 private:
  friend class PartitionCodec;

  // Forms of records beyond those of KeyFreezer.
  static constexpr uint8_t kObjectForm = kMaxFrozenForm + 1;

  // A record taken apart; points into it.
  struct Record {
    const CompiledMonitor* revision = nullptr;
    uint32_t revision_number = 0;
    // The number of the revision and the packed text.
    std::string_view head;
    std::string_view packed_text;
    FrozenForm form = kNotFrozen;
    std::string_view state;
  };

  // Unset for what is none.
  std::optional<Record> ReadRecord(Place place) const;
  FrozenKey FrozenAt(const Record& record, std::string_view text) const {
    return {record.form, record.state, text};
  }
  RestingKey LookAt(Place place, const Record& record) const;
  std::string TextOf(const Record& record) const;
  Fingerprint FingerprintAt(const Record& record) const;

  void WriteHead(const CompiledMonitor& revision, std::string_view text, ByteWriter& to);
  std::unique_ptr<KeyState> ThawAt(Place place, const Record& record, std::string_view text);
  // Puts the state to rest: in `place`, or in a new one.
  Place Rest(Place place, const Fingerprint& fingerprint, const CompiledMonitor& revision,
             std::string_view text, std::unique_ptr<KeyState> state);
  Place Put(Place place, const Fingerprint& fingerprint, const CompiledMonitor& revision,
            FrozenForm form, std::string_view record);
  void Enter(const Fingerprint& fingerprint, Place place);
  void Reindex();
  bool WantsCompacting() const;
  void Compact();
  void Count(const RestingKey& key, int delta);

  uint64_t seed_;
  RecordSlab slab_;
  KeyTable table_;
  PackContext context_;
  PartitionRevisions revisions_;
  absl::flat_hash_map<Place, std::unique_ptr<KeyState>> objects_;
  // Those that are not live, and the oldest last event of theirs, or an older one.
  size_t idle_count_ = 0;
  int64_t oldest_idle_us_ = kNever;
  absl::flat_hash_map<std::string, std::unique_ptr<Books>> books_;
  bool dirty_ = false;
  storage::LogPosition restored_position_ = 0;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_PARTITION_H_
