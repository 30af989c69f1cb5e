#include "monitors/follow_up_key.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "monitors/event_summary.h"
#include "monitors/follow_up_codec.h"
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

}  // namespace

void FollowUpKey::OnEvent(const KeyEvent& event, const Now& now, Output& out) {
  OnSummarized(event, SummarizeEvent(*event.event, event.sequence, event.receive_time_us), now,
               out);
}

void FollowUpKey::OnSummarized(const KeyEvent& event, std::string summary, const Now& now,
                               Output& out) {
  const PlacedEventRef placed = Place(event, std::move(summary), now, out);
  last_sequence_ = std::max(last_sequence_, event.sequence);
  last_receive_time_us_ = std::max(last_receive_time_us_, event.receive_time_us);
  const bool in_order = recent_.IsInOrder(*placed);
  if (in_order) {
    recent_.Append(placed);
  } else {
    recent_.Insert(placed);
  }
  for (PlacedEvent* primary : in_order ? JudgeInOrder(*placed) : JudgeAgain()) {
    Show(*primary, now, out);
  }
  if (placed->role == Role::kPrimary && placed->judged == Judged::kNotOpened) ++out.ignored;
  CloseBeyondLimits(now, out);
  Settle();
  tracker_.Prune();
}

PlacedEventRef FollowUpKey::Place(const KeyEvent& event, std::string summary, const Now& now,
                                  Output& out) const {
  PlacedEventRef placed(new PlacedEvent);
  placed->role = event.role;
  placed->sequence = event.sequence;
  placed->time_us = event.time_us;
  placed->order_time_us = event.time_us;
  if (!recent_.empty()) {
    const int64_t newest_us = recent_.back()->order_time_us;
    // With as many as are kept, older ones may have been settled early.
    const bool before_kept = recent_.size() >= limits::kMaxRecentPerKey &&
                             event.time_us < recent_.front()->order_time_us;
    if (before_kept || newest_us - event.time_us > rules_.reorder_tolerance_us) {
      placed->order_time_us = newest_us;
      ++out.stragglers;
    }
  }
  if (event.role == Role::kPrimary) placed->fire_time_us = FireTimeUs(event, now);
  SetSummary(std::move(summary), *placed);
  return placed;
}

int64_t FollowUpKey::FireTimeUs(const KeyEvent& event, const Now& now) const {
  const int64_t fire_time_us = event.time_us + rules_.within_us + rules_.grace_us;
  // The mark is past the receive time only where the wall clock was stepped back.
  const int64_t received_us = std::max(event.receive_time_us, now.mark_time_us);
  return fire_time_us < received_us ? received_us + now.settle_us : fire_time_us;
}

Primaries FollowUpKey::JudgeInOrder(PlacedEvent& event) {
  Primaries concerned;
  current_.Apply(event, rules_, [&concerned](PlacedEvent& primary, Judged judged, PlacedEvent* by) {
    SetJudged(primary, judged, by);
    concerned.push_back(&primary);
  });
  SortPrimaries(concerned);
  return concerned;
}

Primaries FollowUpKey::JudgeAgain() {
  Primaries concerned = ResetJudgements();
  current_ = settled_;
  for (const PlacedEventRef& event : recent_) current_.Apply(*event, rules_, SetJudged);
  current_.RemoveFinal();
  return concerned;
}

Primaries FollowUpKey::ResetJudgements() {
  Primaries concerned;
  const auto reset = [&concerned](PlacedEvent& primary, Judged judged) {
    SetJudged(primary, judged, nullptr);
    concerned.push_back(&primary);
  };
  for (PlacedEvent* primary : settled_.open()) reset(*primary, Judged::kOpen);
  for (PlacedEvent* primary : settled_.missed()) reset(*primary, Judged::kMissed);
  for (const PlacedEventRef& event : recent_) {
    if (event->role == Role::kPrimary) reset(*event, Judged::kNotOpened);
  }
  SortPrimaries(concerned);
  return concerned;
}

void FollowUpKey::Settle() {
  const int64_t horizon_us = recent_.back()->order_time_us - rules_.reorder_tolerance_us;
  while (recent_.front()->order_time_us < horizon_us || recent_.size() > limits::kMaxRecentPerKey) {
    const PlacedEventRef event = recent_.PopFront();
    settled_.Apply(*event, rules_, [this](PlacedEvent& primary, Judged judged, PlacedEvent*) {
      if (judged != Judged::kOpen && judged != Judged::kMissed) Fix(primary);
    });
  }
  if (horizon_us > final_until_us_) SettleFinal();
}

void FollowUpKey::SettleFinal() {
  if (final_until_us_ == kNoneFinal) return;
  for (const Primaries* primaries : {&settled_.open(), &settled_.missed()}) {
    for (PlacedEvent* primary : *primaries) {
      if (primary->expectation->is_final) Fix(*primary);
    }
  }
  settled_.RemoveFinal();
  final_until_us_ = kNoneFinal;
}

void FollowUpKey::Fix(PlacedEvent& primary) {
  primary.fixed = true;
  if (primary.expectation != nullptr) Track(primary);
}

void FollowUpKey::Show(PlacedEvent& primary, const Now& now, Output& out) {
  if (primary.expectation == nullptr) {
    if (primary.judged == Judged::kNotOpened) return;
    primary.expectation = std::make_unique<Expectation>();
    tracker_.Add(primary);
  }
  Expectation& expectation = *primary.expectation;
  if (expectation.is_final) return;
  // It was judged otherwise when its fire time passed: firing was left out, and is made up for.
  if (NeedsAlert(primary.judged) && now.mark_time_us > primary.fire_time_us) {
    expectation.fired = true;
  }
  ShowJudged(primary, rules_, Alert::REASON_REJUDGED, now, out);
  Track(primary);
}

void FollowUpKey::OnMark(const Now& now, Output& out) {
  // What fires can be old enough to be closed at the same mark.
  for (Primaries due = tracker_.TakeDue(now.mark_time_us); !due.empty();
       due = tracker_.TakeDue(now.mark_time_us)) {
    SortPrimaries(due);
    for (PlacedEvent* primary : due) {
      if (primary->expectation->fired) {
        CloseByAge(*primary, now, out);
      } else {
        Fire(*primary, now, out);
      }
    }
  }
  current_.RemoveFinal();
  CloseBeyondLimits(now, out);
  tracker_.Prune();
}

void FollowUpKey::Fire(PlacedEvent& primary, const Now& now, Output& out) {
  primary.expectation->fired = true;
  ShowJudged(primary, rules_, Alert::REASON_DEADLINE_PASSED, now, out);
  Track(primary);
}

void FollowUpKey::CloseByAge(PlacedEvent& primary, const Now& now, Output& out) {
  ShowClosed(primary, rules_, Alert::REASON_CLOSED_BY_AGE, "", now, out);
  MakeFinal(primary);
}

void FollowUpKey::CloseBeyondLimits(const Now& now, Output& out) {
  while (tracker_.firing_count() > limits::kMaxAmendablePerKey) {
    CloseByAge(tracker_.OldestFiring(), now, out);
    current_.RemoveFinal();
  }
  // Those missed in event time, whose alert is yet to come, are bounded in the same way.
  while (current_.missed().size() > limits::kMaxAmendablePerKey) {
    PlacedEvent& oldest = *current_.missed().front();
    if (!oldest.expectation->fired) Fire(oldest, now, out);
    CloseByAge(oldest, now, out);
    current_.RemoveFinal();
  }
}

void FollowUpKey::MakeFinal(PlacedEvent& primary) {
  primary.expectation->is_final = true;
  primary.expectation->final_sequence = last_sequence_;
  final_until_us_ = std::max(final_until_us_, recent_.back()->order_time_us);
  Track(primary);
}

int64_t FollowUpKey::WakeUs(const PlacedEvent& primary) const {
  const Expectation& expectation = *primary.expectation;
  if (expectation.is_final || !NeedsAlert(primary.judged)) return kNever;
  if (!expectation.fired) return primary.fire_time_us + 1;
  if (!IsFiring(primary)) return kNever;
  const int64_t too_old_us = primary.time_us + rules_.within_us + limits::kAlertMaxAgeUs;
  if (primary.fire_time_us < too_old_us) return too_old_us + 1;
  // What is as old as that when it fires is held as long from then.
  return primary.fire_time_us + limits::kAlertMaxAgeUs + 1;
}

void FollowUpKey::Track(PlacedEvent& primary) { tracker_.Update(primary, WakeUs(primary)); }

int64_t FollowUpKey::NextMarkUs(const Now& now) const {
  if (tracker_.live_count() > 0) return tracker_.NextWakeUs();
  const int64_t forget_us = last_receive_time_us_ + now.idle_key_retention_us;
  return forget_us > now.mark_time_us ? forget_us : kNever;
}

void FollowUpKey::CancelPending(lapse::v1::VerdictReason reason, const Now&, Output& out) {
  for (const PlacedEventRef& primary : tracker_.expectations()) {
    if (primary->expectation->shown.verdict != lapse::v1::VERDICT_PENDING) continue;
    ShowCancelled(*primary, rules_, reason, out);
    MakeFinal(*primary);
  }
  current_.RemoveFinal();
  tracker_.Prune();
}

bool FollowUpKey::CloseAlert(int64_t primary_sequence, const std::string& note, const Now& now,
                             Output& out) {
  PlacedEvent* const primary = tracker_.Find(primary_sequence);
  if (primary == nullptr || !IsFiring(*primary)) return false;
  ShowClosed(*primary, rules_, Alert::REASON_CLOSED_BY_HAND, note, now, out);
  MakeFinal(*primary);
  current_.RemoveFinal();
  tracker_.Prune();
  return true;
}

bool FollowUpKey::IsForgettable(const Now& now) const {
  return tracker_.live_count() == 0 &&
         now.mark_time_us >= last_receive_time_us_ + now.idle_key_retention_us;
}

void FollowUpKey::ForEach(absl::FunctionRef<void(const ListedExpectation&)> visit) const {
  tracker_.ForEachListed([&](const PlacedEvent& primary) {
    const Expectation& expectation = *primary.expectation;
    visit({.primary_sequence = primary.sequence,
           .primary_time_us = primary.time_us,
           .due_us = primary.time_us + rules_.within_us,
           .verdict = expectation.shown.verdict,
           .reason = expectation.shown.reason,
           .ending_sequence = expectation.shown.ending_sequence,
           .elapsed_us = expectation.shown.elapsed_us,
           .lateness_us = expectation.shown.lateness_us,
           .alert_version = expectation.alert.version});
  });
}

void FollowUpKey::Serialize(std::string* out) const { FollowUpCodec::Serialize(*this, out); }

}  // namespace lapse::monitors
