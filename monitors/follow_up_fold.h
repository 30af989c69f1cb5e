// The fold over one key's events in order: the table of docs/design/time-and-matching.md,
// literally.
#ifndef LAPSE_MONITORS_FOLLOW_UP_FOLD_H_
#define LAPSE_MONITORS_FOLLOW_UP_FOLD_H_

#include <cstddef>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "monitors/follow_up.h"
#include "monitors/follow_up_event.h"

namespace lapse::monitors {

// Told what an event makes of a primary, which may be the event itself. `by` is the event that
// ended it; null for kNotOpened, kOpen, kMissed and kShed.
using JudgementSink = absl::FunctionRef<void(PlacedEvent& primary, Judged judged, PlacedEvent* by)>;

// Primaries in order.
using Primaries = absl::InlinedVector<PlacedEvent*, 2>;

// The result of the fold so far. A value: a copy goes its own way. It does not own the primaries
// that it holds; it never writes to an event.
class FollowUpFold {
 public:
  FollowUpFold() = default;
  // Of a checkpoint; both lists in order.
  FollowUpFold(Primaries open, Primaries missed, PlacedEventRef unmatched);

  // Goes on with `event`, which comes after every event before. O(1) amortised, but for stragglers
  // and, in stacks, the moving of up to limits::kMaxOpenPerKey pointers.
  void Apply(PlacedEvent& event, const FollowUpRules& rules, JudgementSink sink);

  // Takes out the primaries whose expectations are final.
  void RemoveFinal();

  const Primaries& open() const { return open_; }
  // Not yet amended.
  const Primaries& missed() const { return missed_; }
  // The key's one unmatched secondary; may be null.
  const PlacedEventRef& unmatched() const { return unmatched_; }

 private:
  void MissWhatIsPast(const PlacedEvent& event, const FollowUpRules& rules, JudgementSink sink);
  void Miss(PlacedEvent& primary, JudgementSink sink);
  void ApplyPrimary(PlacedEvent& event, const FollowUpRules& rules, JudgementSink sink);
  void ApplyToUnmatched(PlacedEvent& event, const FollowUpRules& rules, JudgementSink sink);
  void ApplySecondary(PlacedEvent& event, const FollowUpRules& rules, JudgementSink sink);
  void ApplyCancel(PlacedEvent& event, const FollowUpRules& rules, JudgementSink sink);
  void Open(PlacedEvent& event, JudgementSink sink);
  void EndOpen(PlacedEvent& event, JudgementSink sink);

  Primaries open_;
  Primaries missed_;
  PlacedEventRef unmatched_;
  // Whether the dues of open_ ascend, as they do unless a straggler is among them.
  bool ascending_ = true;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_FOLLOW_UP_FOLD_H_
