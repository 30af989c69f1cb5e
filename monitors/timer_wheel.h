// The timers of one shard: for each key that waits for a mark, where it is, in the bucket of its
// time. Setting and clearing one is O(1), and it takes six bytes.
//
//   level 0 | 64 buckets of 65.5 ms | level 1 | 64 of 4.2 s | level 2 | 64 of 4.5 min | ... 8
//   levels
//
// A time's level is that of the highest digit, in base 64, in which it differs from the present.
// When the present comes to a bucket of a higher level, that is dealt out to the levels below. What
// comes to be due is put in order in a heap.
//
// A timer that is cleared stays in its bucket until it is met with; the key's own state says
// whether it still holds. Where more than about a third of a bucket is void, it is swept bit by
// bit.
#ifndef LAPSE_MONITORS_TIMER_WHEEL_H_
#define LAPSE_MONITORS_TIMER_WHEEL_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/fingerprint.h"
#include "monitors/key_state.h"
#include "monitors/timer_bucket.h"

namespace lapse::monitors {

struct KeyTimer {
  int64_t at_us = 0;
  Fingerprint key;
};

// The side that has the keys.
class TimerOwner {
 public:
  virtual ~TimerOwner() = default;
  // The time for which the key that is there has a timer; kNever where it has none. May be any time
  // where `place` is not that of a key any more.
  virtual int64_t TimerAt(TimerPlace place) const = 0;
  // The key's timer; unset where it has none, or `place` is not that of a key any more.
  virtual std::optional<KeyTimer> ExactTimerAt(TimerPlace place) const = 0;
  virtual void Prefetch(TimerPlace place) const = 0;
};

// Used by one thread at a time.
class TimerWheel {
 public:
  // `owner` outlives the wheel.
  explicit TimerWheel(const TimerOwner& owner) : owner_(owner) {}
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // A key has a timer now. Times before 1970 count as 1970.
  void Add(int64_t at_us, TimerPlace place);
  // The timer of a key for `at_us` does not hold any more, or the key is elsewhere.
  void Clear(int64_t at_us);

  struct Due {
    int64_t at_us = 0;
    TimerPlace place = 0;
  };
  // Takes out the oldest with a time up to `mark_us`, at equal times by key, so that a replay fires
  // in the same order.
  std::optional<Due> PopDue(int64_t mark_us);
  // Whether PopDue may have something.
  bool HasDue(int64_t mark_us) { return NextUs() <= mark_us; }

  // The earliest time; kNever for none. Where very many share a bucket and some were cleared, it
  // may be that of one which was, once a bucket.
  int64_t NextUs();

  // Those in the wheel, void ones too.
  size_t size() const { return heap_.size() + bucketed_; }

 private:
  static constexpr int kLevels = 8;
  static constexpr int kDigitBits = 6;
  static constexpr int kDigits = 1 << kDigitBits;
  static constexpr int kTickBits = 16;
  // A bucket with as many is looked through to find its earliest.
  static constexpr size_t kExactCount = 256;

  struct HeapEntry {
    int64_t at_us = 0;
    Fingerprint key;
    TimerPlace place = 0;
    auto operator<=>(const HeapEntry&) const = default;
  };
  struct Slot {
    int level = 0;
    int digit = 0;
  };
  struct Next {
    Slot slot;
    int64_t start_tick = 0;
  };

  static int64_t TickOf(int64_t at_us) { return at_us <= 0 ? 0 : at_us >> kTickBits; }
  Slot SlotOf(int64_t tick) const;
  TimerBucket& BucketAt(Slot slot) { return buckets_[slot.level * kDigits + slot.digit]; }
  // Whether the entry of the bucket holds still; `at_us` is its key's timer.
  bool Holds(Slot slot, TimerEntry entry, int64_t at_us) const;
  std::optional<Next> NextBucket() const;
  void Put(Slot slot, int64_t at_us, TimerPlace place);
  void NoteEmpty(Slot slot);
  // Brings the present to `tick`, or to where something has come into the heap.
  void AdvanceTo(int64_t tick);
  void DealOut(const Next& next);
  void AddToHeap(TimerPlace place);
  // Without putting the heap in order.
  void MoveToHeap(TimerPlace place);
  void SweepSome(Slot slot, TimerBucket& bucket);
  // Makes the bucket's earliest exact, where that is little work.
  int64_t EarliestIn(Slot slot);
  void DropVoidHeapTop();

  const TimerOwner& owner_;
  // What is before it is in the heap.
  int64_t present_tick_ = 0;
  size_t bucketed_ = 0;
  std::array<TimerBucket, kLevels * kDigits> buckets_;
  // Of each level, which buckets hold something.
  std::array<uint64_t, kLevels> occupied_ = {};
  TimerChunkPool pool_;
  std::vector<HeapEntry> heap_;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_TIMER_WHEEL_H_
