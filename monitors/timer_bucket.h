// A bag of timers, six bytes each, in chunks that buckets share.
#ifndef LAPSE_MONITORS_TIMER_BUCKET_H_
#define LAPSE_MONITORS_TIMER_BUCKET_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "monitors/key_state.h"

namespace lapse::monitors {

// Where a key is; below 2^40.
using TimerPlace = uint64_t;

// A key's place and the low bits of its time: a place is used again and again, and what was there
// before seldom had a timer that ends in the same bits.
struct TimerEntry {
  static constexpr int kPlaceBits = 40;

  TimerPlace place = 0;
  uint8_t tick_bits = 0;
};

struct TimerChunk {
  static constexpr size_t kEntryBytes = 6;
  static constexpr size_t kCapacity = 680;

  TimerEntry At(size_t index) const {
    uint64_t entry = 0;
    std::memcpy(&entry, entries + index * kEntryBytes, kEntryBytes);
    return {entry & ((uint64_t{1} << TimerEntry::kPlaceBits) - 1),
            static_cast<uint8_t>(entry >> TimerEntry::kPlaceBits)};
  }
  void Append(TimerEntry added) {
    const uint64_t entry = added.place | uint64_t{added.tick_bits} << TimerEntry::kPlaceBits;
    std::memcpy(entries + kEntryBytes * count++, &entry, kEntryBytes);
  }

  std::unique_ptr<TimerChunk> next;
  uint32_t count = 0;
  char entries[kCapacity * kEntryBytes];
};
static_assert(sizeof(TimerChunk) <= 4'096);

// Keeps some empty chunks, so that a busy bucket does not go to the allocator.
class TimerChunkPool {
 public:
  std::unique_ptr<TimerChunk> Take() {
    if (chunks_.empty()) return std::make_unique_for_overwrite<TimerChunk>();
    std::unique_ptr<TimerChunk> chunk = std::move(chunks_.back());
    chunks_.pop_back();
    return chunk;
  }
  void Give(std::unique_ptr<TimerChunk> chunk) {
    if (chunks_.size() < kMaxKept) chunks_.push_back(std::move(chunk));
  }

 private:
  static constexpr size_t kMaxKept = 256;
  std::vector<std::unique_ptr<TimerChunk>> chunks_;
};

// Used by one thread at a time.
class TimerBucket {
 public:
  TimerBucket() = default;
  TimerBucket(const TimerBucket&) = delete;
  TimerBucket& operator=(const TimerBucket&) = delete;
  ~TimerBucket() {
    // One after another: a chain of destructors would be as deep as the bucket is large.
    while (first_ != nullptr) first_ = std::move(first_->next);
  }

  void Add(TimerEntry entry, TimerChunkPool& pool) {
    if (first_ == nullptr || first_->count == TimerChunk::kCapacity) {
      std::unique_ptr<TimerChunk> chunk = pool.Take();
      chunk->count = 0;
      PushFront(std::move(chunk));
    }
    first_->Append(entry);
    ++count_;
  }

  // Null where it is empty.
  std::unique_ptr<TimerChunk> TakeChunk() {
    std::unique_ptr<TimerChunk> chunk = std::move(first_);
    if (chunk == nullptr) return chunk;
    first_ = std::move(chunk->next);
    if (first_ == nullptr) last_ = nullptr;
    count_ -= chunk->count;
    return chunk;
  }
  // The second, where there is one: new places go to the first.
  std::unique_ptr<TimerChunk> TakeOldChunk() {
    if (first_ == nullptr || first_->next == nullptr) return TakeChunk();
    std::unique_ptr<TimerChunk> chunk = std::move(first_->next);
    first_->next = std::move(chunk->next);
    if (first_->next == nullptr) last_ = first_.get();
    count_ -= chunk->count;
    return chunk;
  }
  // Behind all others; into the last chunk, where there is room.
  void PutBack(std::unique_ptr<TimerChunk> chunk, TimerChunkPool& pool) {
    count_ += chunk->count;
    if (last_ != nullptr) {
      while (chunk->count > 0 && last_->count < TimerChunk::kCapacity) {
        last_->Append(chunk->At(--chunk->count));
      }
    }
    if (chunk->count == 0) return pool.Give(std::move(chunk));
    TimerChunk* const added = chunk.get();
    if (last_ == nullptr) {
      first_ = std::move(chunk);
    } else {
      last_->next = std::move(chunk);
    }
    last_ = added;
  }

  size_t count() const { return count_; }

  // Not after any time in the bucket; one of them, unless that one was cleared.
  int64_t earliest_us = kNever;
  bool earliest_cleared = false;
  // About how many are void.
  size_t void_count = 0;
  // How many clearings were not paid for by sweeping yet.
  size_t unswept = 0;

 private:
  void PushFront(std::unique_ptr<TimerChunk> chunk) {
    if (first_ == nullptr) last_ = chunk.get();
    chunk->next = std::move(first_);
    first_ = std::move(chunk);
  }

  std::unique_ptr<TimerChunk> first_;
  TimerChunk* last_ = nullptr;
  size_t count_ = 0;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_TIMER_BUCKET_H_
