// The expectations of one key: which are kept, which are live, and which mark they wait for.
#ifndef LAPSE_MONITORS_FOLLOW_UP_TRACKER_H_
#define LAPSE_MONITORS_FOLLOW_UP_TRACKER_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "monitors/follow_up_event.h"
#include "monitors/follow_up_fold.h"

namespace lapse::monitors {

// Of the expectations that have ended, the newest are listed until the key is forgotten.
inline constexpr size_t kMaxListedEnded = 16;

// Owns the primaries that have an expectation: all that can change, and the newest of the others.
class ExpectationTracker {
 public:
  using Expectations = absl::InlinedVector<PlacedEventRef, 2>;

  // A primary that has just got its expectation; Update follows.
  void Add(PlacedEvent& primary);

  // Something about `primary` has changed. It waits for the mark `wake_us`; kNever for none.
  void Update(PlacedEvent& primary, int64_t wake_us);

  // Those that wait for a mark up to `mark_us`, in no order, perhaps repeated. Each is updated
  // next.
  Primaries TakeDue(int64_t mark_us);

  // Lets go what is no longer needed. Primaries that are fixed and not live may be gone after it.
  void Prune();

  // PENDING, or MISSED and amendable.
  size_t live_count() const { return live_count_; }
  // The live ones whose alert is FIRING.
  size_t firing_count() const { return firing_count_; }
  // Only where firing_count() > 0.
  PlacedEvent& OldestFiring() const;
  // Null where it is not kept.
  PlacedEvent* Find(int64_t primary_sequence) const;
  // kNever for none. Only after Prune.
  int64_t NextWakeUs() const { return timers_.empty() ? kNever : timers_.front().mark_us; }

  // In order of primaries.
  const Expectations& expectations() const { return expectations_; }
  void ForEachListed(absl::FunctionRef<void(const PlacedEvent&)> visit) const;
  // Those that Prune would keep if it let go all that it may.
  void ForEachNeeded(absl::FunctionRef<void(const PlacedEvent&)> visit) const;

 private:
  // Void where the primary's wake_us is another by now.
  struct Timer {
    int64_t mark_us = 0;
    PlacedEvent* primary = nullptr;
  };

  static bool IsLater(const Timer& a, const Timer& b) { return a.mark_us > b.mark_us; }
  static bool IsVoid(const Timer& timer);
  Timer PopTimer();
  void DropVoidTimers();
  void DropEnded();

  Expectations expectations_;
  // A heap, soonest first.
  absl::InlinedVector<Timer, 1> timers_;
  uint32_t live_count_ = 0;
  uint32_t firing_count_ = 0;
  uint32_t droppable_count_ = 0;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_FOLLOW_UP_TRACKER_H_
