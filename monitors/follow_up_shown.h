// From what is judged to what is shown: the second table of docs/design/time-and-matching.md. Each
// function changes the shown side of one expectation and tells it as a transition.
#ifndef LAPSE_MONITORS_FOLLOW_UP_SHOWN_H_
#define LAPSE_MONITORS_FOLLOW_UP_SHOWN_H_

#include <string>

#include "monitors/follow_up.h"
#include "monitors/follow_up_event.h"
#include "monitors/key_state.h"

namespace lapse::monitors {

// All take a primary that has an expectation, which is not final.

// Brings what is shown to what is judged, given whether it has fired. `firing_reason` is the
// alert's reason should it go to FIRING. Says nothing where nothing changes.
void ShowJudged(PlacedEvent& primary, const FollowUpRules& rules,
                lapse::v1::Alert::Reason firing_reason, const Now& now, Output& out);

// Makes a PENDING one CANCELLED for good.
void ShowCancelled(PlacedEvent& primary, const FollowUpRules& rules,
                   lapse::v1::VerdictReason reason, Output& out);

// Resolves the alert of a MISSED one for good.
void ShowClosed(PlacedEvent& primary, const FollowUpRules& rules, lapse::v1::Alert::Reason reason,
                const std::string& note, const Now& now, Output& out);

// The alert's state where it was never made: STATE_UNSPECIFIED.
inline bool IsFiring(const PlacedEvent& primary) {
  return primary.expectation->alert.state == lapse::v1::Alert::STATE_FIRING;
}

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_FOLLOW_UP_SHOWN_H_
