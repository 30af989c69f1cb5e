// Recognises copies among the last accepted events.
#ifndef LAPSE_STORAGE_DUPLICATE_WINDOW_H_
#define LAPSE_STORAGE_DUPLICATE_WINDOW_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/fingerprint.h"
#include "base/limits.h"
#include "storage/duplicate_index.h"
#include "storage/event_view.h"

namespace lapse::storage {

// What is kept of an event. Stored on disk: DigestOf never changes.
struct EventDigest {
  // Of source and id; {0, 0} where the id was made by the server, which matches nothing.
  Fingerprint key;
  // Of type, occur_time and attributes.
  uint64_t content = 0;
};
EventDigest DigestOf(uint64_t seed, const EventView& event);

// Used by one thread at a time. A ring of digests by sequence with two indexes that take turns, so
// that what leaves the ring need not be looked up to be forgotten: about 45 bytes an event,
// allocated as it fills; each call takes constant time.
class DuplicateWindow {
 public:
  struct Entry {
    EventDigest digest;
    // Whole seconds since 1970; enough until 2106.
    uint32_t receive_time_s = 0;
  };
  struct First {
    int64_t sequence = 0;
    // Whether its content differs from the copy's.
    bool conflicting = false;
  };

  // The most inserts that Undo takes back.
  static constexpr size_t kMaxUndo = 2 * limits::kMaxChunkEvents;

  // Recognises the last `capacity` events, where they were received at most `max_age_us` ago. 1 <=
  // capacity < 2^31.
  explicit DuplicateWindow(size_t capacity, int64_t max_age_us = limits::kDuplicateWindowUs);
  ~DuplicateWindow();

  // Forgets everything; the next insert has `sequence`.
  void StartAt(int64_t sequence);

  // Brings what Find and Insert of `digest` will touch near. To be called some events ahead.
  void Prefetch(const EventDigest& digest) const {
    for (const DuplicateIndex& index : index_) index.Prefetch(digest.key);
  }
  // The event that `digest` is a copy of.
  std::optional<First> Find(const EventDigest& digest, int64_t now_us) const;
  // Takes in the event with next_sequence().
  void Insert(const EventDigest& digest, int64_t receive_time_us);
  void Insert(const Entry& entry);
  // Takes back the inserts from `sequence` on, at most kMaxUndo of them: all else is as it was
  // before.
  void UndoFrom(int64_t sequence);

  int64_t next_sequence() const { return next_; }
  // The oldest that is recognised at `now_us`; next_sequence() where there is none.
  int64_t OldestSequence(int64_t now_us) const;
  int64_t ReceiveTimeUs(int64_t sequence) const;
  // Appends the entries from `from` to before `end` to `entries`. False where some of them have
  // left the window.
  bool Copy(int64_t from, int64_t end, std::vector<Entry>* entries) const;

 private:
  static constexpr size_t kBlockEntries = 1 << 14;
  struct Block;

  uint32_t SlotOf(int64_t sequence) const { return static_cast<uint32_t>(sequence % ring_size_); }
  int64_t SequenceOf(uint32_t slot) const;
  Fingerprint KeyAt(uint32_t slot) const;
  // By capacity alone.
  int64_t FirstInReach() const;
  bool IsExpired(uint32_t slot, int64_t now_us) const;

  const int64_t capacity_;
  const int64_t max_age_us_;
  // Beyond the capacity there is room for what an Undo brings back into reach.
  const int64_t ring_size_;
  std::vector<std::unique_ptr<Block>> blocks_;
  int64_t first_ = 1;
  int64_t next_ = 1;
  // Inserts go to index_[current_]; the other has those of the turn before.
  DuplicateIndex index_[2];
  int current_ = 0;
  int64_t turn_start_ = 1;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_DUPLICATE_WINDOW_H_
