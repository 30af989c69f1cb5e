#include <algorithm>
#include <tuple>

#include "base/limits.h"
#include "test/simulation/oracle.h"

namespace lapse::simulation {
namespace {

using lapse::v1::Alert;
using lapse::v1::FollowUp;

bool HasAlertOnceFired(Judged judged) {
  return judged == Judged::kOpen || judged == Judged::kMissed || judged == Judged::kLate ||
         judged == Judged::kCancelledLate;
}

bool IsFiring(const ExpectationModel& one) {
  return !one.alert.changes.empty() && one.alert.changes.back().first == Alert::STATE_FIRING;
}

// Goes down the table, event by event.
class Table {
 public:
  Table(const Rules& rules, const std::vector<KeyedEvent>& events,
        const std::map<int64_t, ExpectationModel>& expectations)
      : rules_(rules), events_(events), expectations_(expectations), result_(events.size()) {}

  std::vector<Judgement> Walk() {
    for (int i = 0; i < static_cast<int>(events_.size()); ++i) Step(i);
    return result_;
  }

 private:
  int64_t DueUs(int primary) const { return events_[primary].time_us + rules_.within_us; }

  // What was made final is there only for the events that came before.
  bool IsThere(int primary, int event) const {
    const auto found = expectations_.find(events_[primary].sequence);
    return found == expectations_.end() || !found->second.final ||
           events_[event].sequence <= found->second.final_sequence;
  }

  // A straggler touches only what began before it.
  bool Touches(int event, int primary) const {
    const KeyedEvent& by = events_[event];
    if (by.straggler() && events_[primary].time_us > by.time_us + rules_.skew_us) return false;
    return IsThere(primary, event);
  }

  std::vector<int> With(Judged judged) const {
    std::vector<int> found;
    for (int i = 0; i < static_cast<int>(events_.size()); ++i) {
      if (result_[i].judged == judged) found.push_back(i);
    }
    return found;
  }

  void Step(int event) {
    for (const int open : With(Judged::kOpen)) {
      if (DueUs(open) < events_[event].order_us) result_[open].judged = Judged::kMissed;
    }
    switch (events_[event].part) {
      case Part::kPrimary:
        return Primary(event);
      case Part::kSecondary:
        return Secondary(event);
      case Part::kCancel:
        return Cancel(event);
    }
  }

  void Primary(int event) {
    std::vector<int> open = With(Judged::kOpen);
    std::erase_if(open, [&](int primary) { return !IsThere(primary, event); });
    if (open.empty()) return FirstPrimary(event);
    if (rules_.on_repeat == FollowUp::ON_REPEAT_KEEP_FIRST) return;
    if (rules_.on_repeat == FollowUp::ON_REPEAT_RESTART) {
      for (const int primary : open) result_[primary] = {Judged::kCancelled, event};
    }
    result_[event] = {Judged::kOpen, -1};
  }

  void FirstPrimary(int event) {
    const int64_t time_us = events_[event].time_us;
    if (unmatched_ < 0 || events_[unmatched_].time_us < time_us - rules_.skew_us) {
      result_[event] = {Judged::kOpen, -1};
      return;
    }
    const bool in_time = events_[unmatched_].time_us <= DueUs(event);
    result_[event] = {in_time ? Judged::kMet : Judged::kLate, unmatched_};
    unmatched_ = -1;
  }

  void Secondary(int event) {
    for (const int primary : With(Judged::kOpen)) {
      if (!Touches(event, primary)) continue;
      result_[primary] = {Judged::kMet, event};
      return;
    }
    const std::vector<int> missed = With(Judged::kMissed);
    for (auto primary = missed.rbegin(); primary != missed.rend(); ++primary) {
      if (!Touches(event, *primary)) continue;
      const bool in_time = events_[event].straggler() && events_[event].time_us <= DueUs(*primary);
      result_[*primary] = {in_time ? Judged::kMet : Judged::kLate, event};
      return;
    }
    unmatched_ = event;
  }

  void Cancel(int event) {
    for (const int primary : With(Judged::kMissed)) {
      if (Touches(event, primary)) result_[primary] = {Judged::kCancelledLate, event};
    }
    for (const int primary : With(Judged::kOpen)) {
      if (Touches(event, primary)) result_[primary] = {Judged::kCancelled, event};
    }
  }

  const Rules& rules_;
  const std::vector<KeyedEvent>& events_;
  const std::map<int64_t, ExpectationModel>& expectations_;
  std::vector<Judgement> result_;
  int unmatched_ = -1;
};

bool ComesBefore(const KeyedEvent& a, const KeyedEvent& b) {
  return std::tie(a.order_us, a.part, a.source, a.id, a.sequence) <
         std::tie(b.order_us, b.part, b.source, b.id, b.sequence);
}

Alert::Reason ReasonFor(Judged judged, const ExpectationModel& one, Alert::Reason firing_reason) {
  switch (judged) {
    case Judged::kOpen:
    case Judged::kMissed:
      return IsFiring(one) ? one.alert.changes.back().second : firing_reason;
    case Judged::kLate:
      return Alert::REASON_FOLLOWED_LATE;
    case Judged::kCancelledLate:
      return Alert::REASON_CANCELLED_LATE;
    case Judged::kNotOpened:
      return Alert::REASON_SUPERSEDED;
    default:
      return Alert::REASON_RECEIVED_LATE;
  }
}

}  // namespace

KeyedEvent KeyModel::Place(const ReferenceEvent& event, Part part, const Now& now) const {
  KeyedEvent placed{part, event.sequence,       event.time_us,   event.time_us,
                    0,    event.event.source(), event.event.id()};
  if (!events_.empty() && events_.back().order_us - event.time_us > rules_.tolerance_us) {
    placed.order_us = events_.back().order_us;
  }
  if (part == Part::kPrimary) {
    const int64_t received_us = std::max(event.receive_time_us, now.mark_us);
    placed.fire_us = event.time_us + rules_.within_us + rules_.grace_us;
    if (placed.fire_us < received_us) placed.fire_us = received_us + now.settle_us;
  }
  return placed;
}

std::vector<Judgement> KeyModel::Judge() const {
  return Table(rules_, events_, expectations_).Walk();
}

void KeyModel::Take(const ReferenceEvent& event, Part part, const Now& now, Books& books) {
  const KeyedEvent placed = Place(event, part, now);
  receive_time_us_ = std::max(receive_time_us_, event.receive_time_us);
  if (placed.straggler()) ++books.stragglers;
  events_.insert(std::upper_bound(events_.begin(), events_.end(), placed, ComesBefore), placed);
  const std::vector<Judgement> judgements = Judge();
  Show(judgements, Alert::REASON_REJUDGED, now);
  if (part != Part::kPrimary) return;
  for (size_t i = 0; i < events_.size(); ++i) {
    if (events_[i].sequence == placed.sequence && judgements[i].judged == Judged::kNotOpened)
      ++books.ignored;
  }
}

void KeyModel::Mark(const Now& now) {
  for (const KeyedEvent& event : events_) {
    const auto found = expectations_.find(event.sequence);
    if (found == expectations_.end()) continue;
    ExpectationModel& one = found->second;
    if (one.final || one.fired || !HasAlertOnceFired(one.last.judged)) continue;
    if (now.mark_us <= event.fire_us) continue;
    one.fired = true;
    ShowOne(one, event, Alert::REASON_DEADLINE_PASSED, now);
  }
}

void KeyModel::Show(const std::vector<Judgement>& judgements, Alert::Reason firing_reason,
                    const Now& now) {
  for (size_t i = 0; i < events_.size(); ++i) {
    const KeyedEvent& primary = events_[i];
    if (primary.part != Part::kPrimary) continue;
    const auto known = expectations_.find(primary.sequence);
    if (known == expectations_.end() && judgements[i].judged == Judged::kNotOpened) continue;
    ExpectationModel& one = expectations_[primary.sequence];
    if (one.final) continue;
    one.key = key_;
    one.revision = revision_;
    one.primary_sequence = primary.sequence;
    one.due_us = primary.time_us + rules_.within_us;
    one.grace_us = rules_.grace_us;
    one.last = judgements[i];
    if (HasAlertOnceFired(one.last.judged) && now.mark_us > primary.fire_us) one.fired = true;
    ShowOne(one, primary, firing_reason, now);
  }
}

void KeyModel::ShowOne(ExpectationModel& one, const KeyedEvent& primary,
                       Alert::Reason firing_reason, const Now& now) {
  const ExpectationModel before = one;
  SetVerdict(one, primary);
  if (!one.fired) return;
  const Alert::Reason reason = ReasonFor(one.last.judged, one, firing_reason);
  const bool same =
      std::tie(before.verdict, before.reason, before.ending_sequence, before.elapsed_us,
               before.lateness_us) ==
      std::tie(one.verdict, one.reason, one.ending_sequence, one.elapsed_us, one.lateness_us);
  if (same && !one.alert.changes.empty() && one.alert.changes.back().second == reason) return;
  ChangeAlert(one, reason, now);
}

// What the books show.
void KeyModel::SetVerdict(ExpectationModel& one, const KeyedEvent& primary) const {
  const KeyedEvent* const by = one.last.by < 0 ? nullptr : &events_[one.last.by];
  one.ending_sequence = by == nullptr ? 0 : by->sequence;
  one.elapsed_us = one.lateness_us = -1;
  if (HasAlertOnceFired(one.last.judged) && !one.fired) {
    one.verdict = lapse::v1::VERDICT_PENDING;
    one.reason = lapse::v1::VERDICT_REASON_OPEN;
    one.ending_sequence = 0;
    return;
  }
  switch (one.last.judged) {
    case Judged::kOpen:
    case Judged::kMissed:
    case Judged::kCancelledLate:
      one.verdict = lapse::v1::VERDICT_MISSED;
      one.reason = lapse::v1::VERDICT_REASON_DEADLINE_PASSED;
      return;
    case Judged::kMet:
      one.verdict = lapse::v1::VERDICT_MET;
      one.reason = ComesBefore(*by, primary) ? lapse::v1::VERDICT_REASON_FOLLOWED_EARLY
                                             : lapse::v1::VERDICT_REASON_FOLLOWED;
      one.elapsed_us = std::max<int64_t>(0, by->time_us - primary.time_us);
      return;
    case Judged::kLate:
      one.verdict = lapse::v1::VERDICT_LATE;
      one.reason = lapse::v1::VERDICT_REASON_FOLLOWED_LATE;
      one.elapsed_us = std::max<int64_t>(0, by->time_us - primary.time_us);
      one.lateness_us = std::max<int64_t>(0, by->time_us - one.due_us);
      return;
    case Judged::kCancelled:
      one.verdict = lapse::v1::VERDICT_CANCELLED;
      one.reason = by->part == Part::kCancel ? lapse::v1::VERDICT_REASON_CANCEL_EVENT
                                             : lapse::v1::VERDICT_REASON_RESTARTED;
      return;
    case Judged::kShed:
      one.verdict = lapse::v1::VERDICT_SHED;
      one.reason = lapse::v1::VERDICT_REASON_TOO_MANY_OPEN;
      return;
    case Judged::kNotOpened:
      one.verdict = lapse::v1::VERDICT_WITHDRAWN;
      one.reason = lapse::v1::VERDICT_REASON_SUPERSEDED;
      return;
  }
}

void KeyModel::ChangeAlert(ExpectationModel& one, Alert::Reason reason, const Now& now) {
  const bool firing = reason == Alert::REASON_DEADLINE_PASSED || reason == Alert::REASON_REJUDGED;
  one.alert.changes.emplace_back(firing ? Alert::STATE_FIRING : Alert::STATE_RESOLVED, reason);
  one.alert.resolve_time_us = firing ? 0 : now.write_us;
  if (!firing || one.alert.fire_time_us != 0) return;
  one.alert.fire_time_us = now.write_us;
  one.alert.detected_late = now.write_us > one.due_us + one.grace_us + limits::kDetectedLateUs;
}

void KeyModel::CancelPending(lapse::v1::VerdictReason reason) {
  int64_t last = 0;
  for (const KeyedEvent& event : events_) last = std::max(last, event.sequence);
  for (auto& [sequence, one] : expectations_) {
    if (one.verdict != lapse::v1::VERDICT_PENDING) continue;
    one.verdict = lapse::v1::VERDICT_CANCELLED;
    one.reason = reason;
    one.final = true;
    one.final_sequence = last;
  }
}

void KeyModel::Close(int64_t primary_sequence, const Now& now) {
  const auto found = expectations_.find(primary_sequence);
  if (found == expectations_.end() || !IsFiring(found->second)) return;
  ChangeAlert(found->second, Alert::REASON_CLOSED_BY_HAND, now);
  found->second.final = true;
  for (const KeyedEvent& event : events_) {
    found->second.final_sequence = std::max(found->second.final_sequence, event.sequence);
  }
}

bool KeyModel::IsForgotten(const Now& now) const {
  return !IsLive() && now.mark_us >= receive_time_us_ + now.retention_us;
}

bool KeyModel::IsLive() const {
  return std::any_of(expectations_.begin(), expectations_.end(), [](const auto& named) {
    const ExpectationModel& one = named.second;
    return !one.final && (IsFiring(one) || one.verdict == lapse::v1::VERDICT_PENDING);
  });
}

}  // namespace lapse::simulation
