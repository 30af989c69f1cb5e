#include "monitors/follow_up_key.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/limits.h"
#include "monitors/event_summary.h"
#include "monitors/follow_up_shown.h"

namespace lapse::monitors {
namespace {

using lapse::v1::Alert;

bool PrimaryComesBefore(const PlacedEvent* a, const PlacedEvent* b) { return ComesBefore(*a, *b); }

void SortPrimaries(Primaries& primaries) {
  if (primaries.size() < 2) return;
  std::sort(primaries.begin(), primaries.end(), PrimaryComesBefore);
  primaries.erase(std::unique(primaries.begin(), primaries.end()), primaries.end());
}

void SetJudged(PlacedEvent& primary, Judged judged, PlacedEvent* by) {
  primary.judged = judged;
  if (primary.ended_by.get() != by) primary.ended_by = PlacedEventRef(by);
}

// Whether it is PENDING, or MISSED and can still be amended.
bool IsLiveExpectation(const PlacedEvent& primary) {
  const Expectation& expectation = *primary.expectation;
  if (expectation.is_final) return false;
  const lapse::v1::Verdict verdict = expectation.shown.verdict;
  return verdict == lapse::v1::VERDICT_PENDING ||
         (verdict == lapse::v1::VERDICT_MISSED && IsFiring(primary));
}

}  // namespace

// ---- placing ----
void FollowUpKey::OnEvent(const KeyEvent& event, const Now& now, Output& out) {
  const PlacedEventRef placed = Place(event, now, out);
  last_sequence_ = std::max(last_sequence_, event.sequence);
  last_receive_time_us_ = std::max(last_receive_time_us_, event.receive_time_us);

  Primaries concerned;
  if (recent_.IsInOrder(*placed)) {
    recent_.Append(placed);
    concerned = JudgeInOrder(*placed);
  } else {
    recent_.Insert(placed);
    concerned = JudgeAgain();
  }
  for (PlacedEvent* primary : concerned) Show(*primary, now, out);
  if (placed->role == Role::kPrimary && placed->judged == Judged::kNotOpened) ++out.ignored;
  CloseBeyondLimit(now, out);
  Settle();
  DropStaleTimers();
}
