#include "monitors/follow_up_fold.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/limits.h"

namespace lapse::monitors {
namespace {

// What was closed or cancelled from outside is there only for the events that came before that.
bool IsThereFor(const PlacedEvent& primary, const PlacedEvent& event) {
  const Expectation* expectation = primary.expectation.get();
  return expectation == nullptr || !expectation->is_final ||
         event.sequence <= expectation->final_sequence;
}

// Whether a secondary or cancel may change what becomes of `primary`.
bool Touches(const PlacedEvent& event, const PlacedEvent& primary, const FollowUpRules& rules) {
  if (event.is_straggler() && primary.time_us > event.time_us + rules.clock_skew_us) return false;
  return IsThereFor(primary, event);
}

int64_t DueUs(const PlacedEvent& primary, const FollowUpRules& rules) {
  return primary.time_us + rules.within_us;
}

bool DuesAscend(const Primaries& open) {
  return std::is_sorted(open.begin(), open.end(), [](const PlacedEvent* a, const PlacedEvent* b) {
    return a->time_us < b->time_us;
  });
}

}  // namespace

FollowUpFold::FollowUpFold(Primaries open, Primaries missed, PlacedEventRef unmatched)
    : open_(std::move(open)),
      missed_(std::move(missed)),
      unmatched_(std::move(unmatched)),
      ascending_(DuesAscend(open_)) {}

void FollowUpFold::Apply(PlacedEvent& event, const FollowUpRules& rules, JudgementSink sink) {
  MissWhatIsPast(event, rules, sink);
  switch (event.role) {
    case Role::kPrimary:
      return ApplyPrimary(event, rules, sink);
    case Role::kSecondary:
      return ApplySecondary(event, rules, sink);
    case Role::kCancel:
      return ApplyCancel(event, rules, sink);
  }
}

void FollowUpFold::MissWhatIsPast(const PlacedEvent& event, const FollowUpRules& rules,
                                  JudgementSink sink) {
  const auto is_past = [&](const PlacedEvent* primary) {
    return DueUs(*primary, rules) < event.order_time_us;
  };
  auto past_end = open_.begin();
  while (past_end != open_.end() && is_past(*past_end)) Miss(**past_end++, sink);
  open_.erase(open_.begin(), past_end);
  if (ascending_) return;
  const auto kept_end = std::remove_if(open_.begin(), open_.end(), [&](PlacedEvent* primary) {
    if (!is_past(primary)) return false;
    Miss(*primary, sink);
    return true;
  });
  open_.erase(kept_end, open_.end());
  ascending_ = DuesAscend(open_);
}

void FollowUpFold::Miss(PlacedEvent& primary, JudgementSink sink) {
  auto place = missed_.end();
  while (place != missed_.begin() && ComesBefore(primary, **(place - 1))) --place;
  missed_.insert(place, &primary);
  sink(primary, Judged::kMissed, nullptr);
}

void FollowUpFold::ApplyPrimary(PlacedEvent& event, const FollowUpRules& rules,
                                JudgementSink sink) {
  const auto is_there = [&](const PlacedEvent* primary) { return IsThereFor(*primary, event); };
  if (std::none_of(open_.begin(), open_.end(), is_there)) {
    return ApplyToUnmatched(event, rules, sink);
  }
  switch (rules.on_repeat) {
    case lapse::v1::FollowUp::ON_REPEAT_RESTART:
      EndOpen(event, sink);
      return Open(event, sink);
    case lapse::v1::FollowUp::ON_REPEAT_STACK:
      if (open_.size() < limits::kMaxOpenPerKey) return Open(event, sink);
      if (static_cast<size_t>(std::count_if(open_.begin(), open_.end(), is_there)) <
          limits::kMaxOpenPerKey) {
        return Open(event, sink);
      }
      return sink(event, Judged::kShed, nullptr);
    default:
      return sink(event, Judged::kNotOpened, nullptr);
  }
}

void FollowUpFold::ApplyToUnmatched(PlacedEvent& event, const FollowUpRules& rules,
                                    JudgementSink sink) {
  if (!unmatched_ || unmatched_->time_us < event.time_us - rules.clock_skew_us) {
    return Open(event, sink);
  }
  const PlacedEventRef secondary = std::exchange(unmatched_, PlacedEventRef());
  // Only a straggler can find a secondary that is past its due.
  const bool in_time = secondary->time_us <= DueUs(event, rules);
  sink(event, in_time ? Judged::kMet : Judged::kLate, secondary.get());
}

void FollowUpFold::ApplySecondary(PlacedEvent& event, const FollowUpRules& rules,
                                  JudgementSink sink) {
  const auto touched = [&](const PlacedEvent* primary) { return Touches(event, *primary, rules); };
  const auto oldest = std::find_if(open_.begin(), open_.end(), touched);
  if (oldest != open_.end()) {
    PlacedEvent& primary = **oldest;
    open_.erase(oldest);
    return sink(primary, Judged::kMet, &event);
  }
  const auto newest = std::find_if(missed_.rbegin(), missed_.rend(), touched);
  if (newest == missed_.rend()) {
    unmatched_ = PlacedEventRef(&event);
    return;
  }
  PlacedEvent& primary = **newest;
  missed_.erase(newest.base() - 1);
  const bool in_time = event.is_straggler() && event.time_us <= DueUs(primary, rules);
  sink(primary, in_time ? Judged::kMet : Judged::kLate, &event);
}

void FollowUpFold::ApplyCancel(PlacedEvent& event, const FollowUpRules& rules, JudgementSink sink) {
  const auto end_touched = [&](Primaries& primaries, Judged judged) {
    const auto kept_end =
        std::remove_if(primaries.begin(), primaries.end(), [&](PlacedEvent* primary) {
          if (!Touches(event, *primary, rules)) return false;
          sink(*primary, judged, &event);
          return true;
        });
    primaries.erase(kept_end, primaries.end());
  };
  end_touched(open_, Judged::kCancelled);
  end_touched(missed_, Judged::kCancelledLate);
}

void FollowUpFold::Open(PlacedEvent& event, JudgementSink sink) {
  if (!open_.empty() && event.time_us < open_.back()->time_us) ascending_ = false;
  open_.push_back(&event);
  sink(event, Judged::kOpen, nullptr);
}

void FollowUpFold::EndOpen(PlacedEvent& event, JudgementSink sink) {
  const auto kept_end = std::remove_if(open_.begin(), open_.end(), [&](PlacedEvent* primary) {
    if (!IsThereFor(*primary, event)) return false;
    sink(*primary, Judged::kCancelled, &event);
    return true;
  });
  open_.erase(kept_end, open_.end());
}

void FollowUpFold::RemoveFinal() {
  const auto is_final = [](const PlacedEvent* primary) {
    return primary->expectation != nullptr && primary->expectation->is_final;
  };
  for (Primaries* primaries : {&open_, &missed_}) {
    primaries->erase(std::remove_if(primaries->begin(), primaries->end(), is_final),
                     primaries->end());
  }
}

}  // namespace lapse::monitors
