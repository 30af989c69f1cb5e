#include "monitors/follow_up_shown.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/limits.h"

namespace lapse::monitors {
namespace {

using lapse::v1::Alert;

int64_t DueUs(const PlacedEvent& primary, const FollowUpRules& rules) {
  return primary.time_us + rules.within_us;
}

Shown EndedBy(const PlacedEvent& by, lapse::v1::Verdict verdict, lapse::v1::VerdictReason reason) {
  return {.verdict = verdict, .reason = reason, .ending_sequence = by.sequence};
}

Shown Met(const PlacedEvent& primary, const PlacedEvent& by) {
  const bool early = ComesBefore(by, primary);
  Shown shown = EndedBy(
      by, lapse::v1::VERDICT_MET,
      early ? lapse::v1::VERDICT_REASON_FOLLOWED_EARLY : lapse::v1::VERDICT_REASON_FOLLOWED);
  shown.elapsed_us = std::max<int64_t>(0, by.time_us - primary.time_us);
  return shown;
}

Shown Late(const PlacedEvent& primary, const PlacedEvent& by, const FollowUpRules& rules) {
  Shown shown = EndedBy(by, lapse::v1::VERDICT_LATE, lapse::v1::VERDICT_REASON_FOLLOWED_LATE);
  shown.elapsed_us = std::max<int64_t>(0, by.time_us - primary.time_us);
  shown.lateness_us = std::max<int64_t>(0, by.time_us - DueUs(primary, rules));
  return shown;
}

Shown Cancelled(const PlacedEvent& by) {
  return EndedBy(by, lapse::v1::VERDICT_CANCELLED,
                 by.role == Role::kCancel ? lapse::v1::VERDICT_REASON_CANCEL_EVENT
                                          : lapse::v1::VERDICT_REASON_RESTARTED);
}

Shown Missed(const PlacedEvent* cancel) {
  return {.verdict = lapse::v1::VERDICT_MISSED,
          .reason = lapse::v1::VERDICT_REASON_DEADLINE_PASSED,
          .ending_sequence = cancel == nullptr ? 0 : cancel->sequence};
}

Shown ShownOf(const PlacedEvent& primary, const FollowUpRules& rules) {
  if (NeedsAlert(primary.judged) && !primary.expectation->fired) {
    return {.verdict = lapse::v1::VERDICT_PENDING, .reason = lapse::v1::VERDICT_REASON_OPEN};
  }
  const PlacedEvent* by = primary.ended_by.get();
  switch (primary.judged) {
    case Judged::kOpen:
    case Judged::kMissed:
      return Missed(nullptr);
    case Judged::kCancelledLate:
      return Missed(by);
    case Judged::kMet:
      return Met(primary, *by);
    case Judged::kLate:
      return Late(primary, *by, rules);
    case Judged::kCancelled:
      return Cancelled(*by);
    case Judged::kShed:
      return {.verdict = lapse::v1::VERDICT_SHED,
              .reason = lapse::v1::VERDICT_REASON_TOO_MANY_OPEN};
    case Judged::kNotOpened:
      break;
  }
  return {.verdict = lapse::v1::VERDICT_WITHDRAWN, .reason = lapse::v1::VERDICT_REASON_SUPERSEDED};
}

// Why the alert of an expectation that is judged so is in its state.
Alert::Reason AlertReasonOf(Judged judged, const ShownAlert& alert, Alert::Reason firing_reason) {
  switch (judged) {
    case Judged::kOpen:
    case Judged::kMissed:
      return alert.state == Alert::STATE_FIRING ? alert.reason : firing_reason;
    case Judged::kLate:
      return Alert::REASON_FOLLOWED_LATE;
    case Judged::kCancelledLate:
      return Alert::REASON_CANCELLED_LATE;
    case Judged::kMet:
    case Judged::kCancelled:
    case Judged::kShed:
      return Alert::REASON_RECEIVED_LATE;
    case Judged::kNotOpened:
      break;
  }
  return Alert::REASON_SUPERSEDED;
}

Transition MakeTransition(const PlacedEvent& primary, const FollowUpRules& rules,
                          const Shown& next) {
  const Shown& before = primary.expectation->shown;
  Transition transition;
  transition.primary_sequence = primary.sequence;
  transition.from = before.verdict;
  transition.to = next.verdict;
  transition.reason = next.reason;
  transition.primary_time_us = primary.time_us;
  transition.due_us = DueUs(primary, rules);
  transition.elapsed_us = next.elapsed_us;
  transition.previous_elapsed_us = before.elapsed_us;
  transition.lateness_us = next.lateness_us;
  transition.ending_sequence = next.ending_sequence;
  return transition;
}

// Makes the alert's next change and puts it into `transition`.
void ChangeAlert(PlacedEvent& primary, const FollowUpRules& rules, Alert::Reason reason, bool told,
                 const Now& now, Transition& transition) {
  ShownAlert& alert = primary.expectation->alert;
  const bool firing = reason == Alert::REASON_DEADLINE_PASSED || reason == Alert::REASON_REJUDGED;
  alert.state = firing ? Alert::STATE_FIRING : Alert::STATE_RESOLVED;
  alert.reason = reason;
  alert.resolve_time_us = firing ? 0 : now.write_time_us;
  if (firing && alert.fire_time_us == 0) {
    alert.fire_time_us = now.write_time_us;
    alert.detected_late =
        now.write_time_us > DueUs(primary, rules) + rules.grace_us + limits::kDetectedLateUs;
  }
  // Known before it fired: nobody was told, so nobody needs to be told that it is over.
  const bool known_before = ++alert.version == 1 && !firing;
  transition.has_alert = true;
  transition.alert = {.state = alert.state,
                      .reason = alert.reason,
                      .version = alert.version,
                      .notify = told && !known_before,
                      .fire_time_us = alert.fire_time_us,
                      .resolve_time_us = alert.resolve_time_us,
                      .detected_late = alert.detected_late};
  transition.primary_summary = primary.summary;
}

}  // namespace

void ShowJudged(PlacedEvent& primary, const FollowUpRules& rules, Alert::Reason firing_reason,
                const Now& now, Output& out) {
  Expectation& expectation = *primary.expectation;
  const Shown next = ShownOf(primary, rules);
  const Alert::Reason reason = AlertReasonOf(primary.judged, expectation.alert, firing_reason);
  if (next == expectation.shown && (!expectation.fired || reason == expectation.alert.reason)) {
    return;
  }
  Transition transition = MakeTransition(primary, rules, next);
  if (expectation.fired) {
    // Where another event amends it for the same reason, the alert is corrected and nobody is told.
    const bool told = reason != expectation.alert.reason;
    ChangeAlert(primary, rules, reason, told, now, transition);
    if (primary.ended_by) transition.secondary_summary = primary.ended_by->summary;
  }
  expectation.shown = next;
  out.transitions.push_back(std::move(transition));
}

void ShowCancelled(PlacedEvent& primary, const FollowUpRules& rules,
                   lapse::v1::VerdictReason reason, Output& out) {
  const Shown next = {.verdict = lapse::v1::VERDICT_CANCELLED, .reason = reason};
  out.transitions.push_back(MakeTransition(primary, rules, next));
  primary.expectation->shown = next;
}

void ShowClosed(PlacedEvent& primary, const FollowUpRules& rules, Alert::Reason reason,
                const std::string& note, const Now& now, Output& out) {
  Transition transition = MakeTransition(primary, rules, primary.expectation->shown);
  ChangeAlert(primary, rules, reason, true, now, transition);
  transition.alert.close_note = note;
  out.transitions.push_back(std::move(transition));
}

}  // namespace lapse::monitors
