#include "bench/workload/oracle.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "base/proto_time.h"

namespace lapse::bench {
namespace {

using lapse::v1::Alert;
using lapse::v1::Event;
using lapse::v1::FollowUp;
using lapse::v1::Verdict;

constexpr int64_t kMostOpen = 1'000;

// In the order in which events at the same time are taken.
enum class Part { kPrimary, kSecondary, kCancel };

struct KeyedEvent {
  int64_t time_us = 0;
  Part part = Part::kPrimary;
  std::string source;
  std::string id;
  int64_t index = -1;
};

struct Rule {
  int64_t within_us = 0;
  int64_t grace_us = 0;
  int64_t clock_skew_us = 0;
  FollowUp::OnRepeat on_repeat = FollowUp::ON_REPEAT_KEEP_FIRST;
};

Rule RuleOf(const FollowUp& condition) {
  Rule rule;
  rule.within_us = ToMicros(condition.within());
  rule.grace_us = ToMicros(condition.grace());
  rule.clock_skew_us = condition.has_clock_skew() ? ToMicros(condition.clock_skew()) : 1'000'000;
  rule.on_repeat = condition.on_repeat() == FollowUp::ON_REPEAT_UNSPECIFIED
                       ? FollowUp::ON_REPEAT_KEEP_FIRST
                       : condition.on_repeat();
  return rule;
}

// Goes through one key's events in order. An expectation is open while its verdict is PENDING.
class TableWalk {
 public:
  TableWalk(const Rule& rule, std::string key) : rule_(rule), key_(std::move(key)) {}

  void Take(const KeyedEvent& event) {
    MissWhatIsDueBefore(event.time_us);
    switch (event.part) {
      case Part::kPrimary:
        return AnyOpen() ? RepeatedPrimary(event) : FirstPrimary(event);
      case Part::kSecondary:
        return AnyOpen() ? MeetOldestOpen(event) : AmendNewestMissed(event);
      case Part::kCancel:
        return Cancel(event);
    }
  }

  std::vector<ExpectedVerdict> End(int64_t end_time_us) {
    MissWhatIsDueBefore(end_time_us - rule_.grace_us);
    for (ExpectedVerdict& one : all_) SetAlertOrPending(end_time_us, one);
    return std::move(all_);
  }

 private:
  bool AnyOpen() const { return std::any_of(all_.begin(), all_.end(), IsOpen); }

  static bool IsOpen(const ExpectedVerdict& one) {
    return one.verdict == lapse::v1::VERDICT_PENDING;
  }

  static bool IsAmendable(const ExpectedVerdict& one) {
    return one.verdict == lapse::v1::VERDICT_MISSED && !IsCancelledLate(one);
  }

  static bool IsCancelledLate(const ExpectedVerdict& one) {
    return one.alert_reason == Alert::REASON_CANCELLED_LATE;
  }

  void MissWhatIsDueBefore(int64_t time_us) {
    for (ExpectedVerdict& one : all_) {
      if (!IsOpen(one) || one.due_us >= time_us) continue;
      one.verdict = lapse::v1::VERDICT_MISSED;
      one.reason = lapse::v1::VERDICT_REASON_DEADLINE_PASSED;
    }
  }

  ExpectedVerdict& Open(const KeyedEvent& primary) {
    ExpectedVerdict& one = all_.emplace_back();
    one.key = key_;
    one.primary_event = primary.index;
    one.primary_time_us = primary.time_us;
    one.due_us = primary.time_us + rule_.within_us;
    return one;
  }

  void RepeatedPrimary(const KeyedEvent& primary) {
    if (rule_.on_repeat == FollowUp::ON_REPEAT_KEEP_FIRST) return;
    if (rule_.on_repeat == FollowUp::ON_REPEAT_RESTART) {
      CancelOpen(primary, lapse::v1::VERDICT_REASON_RESTARTED);
      Open(primary);
      return;
    }
    const bool full = std::count_if(all_.begin(), all_.end(), IsOpen) == kMostOpen;
    ExpectedVerdict& one = Open(primary);
    if (!full) return;
    one.verdict = lapse::v1::VERDICT_SHED;
    one.reason = lapse::v1::VERDICT_REASON_TOO_MANY_OPEN;
  }

  void FirstPrimary(const KeyedEvent& primary) {
    ExpectedVerdict& one = Open(primary);
    if (!unmatched_ || unmatched_->time_us < primary.time_us - rule_.clock_skew_us) return;
    one.verdict = lapse::v1::VERDICT_MET;
    one.reason = lapse::v1::VERDICT_REASON_FOLLOWED_EARLY;
    one.ending_event = unmatched_->index;
    one.elapsed_us = 0;
    unmatched_.reset();
  }

  void MeetOldestOpen(const KeyedEvent& secondary) {
    ExpectedVerdict& one = *std::find_if(all_.begin(), all_.end(), IsOpen);
    one.verdict = lapse::v1::VERDICT_MET;
    one.reason = lapse::v1::VERDICT_REASON_FOLLOWED;
    one.ending_event = secondary.index;
    one.elapsed_us = secondary.time_us - one.primary_time_us;
  }

  void AmendNewestMissed(const KeyedEvent& secondary) {
    const auto newest = std::find_if(all_.rbegin(), all_.rend(), IsAmendable);
    if (newest == all_.rend()) {
      unmatched_ = secondary;
      return;
    }
    newest->verdict = lapse::v1::VERDICT_LATE;
    newest->reason = lapse::v1::VERDICT_REASON_FOLLOWED_LATE;
    newest->ending_event = secondary.index;
    newest->elapsed_us = secondary.time_us - newest->primary_time_us;
    newest->lateness_us = secondary.time_us - newest->due_us;
  }

  void Cancel(const KeyedEvent& cancel) {
    CancelOpen(cancel, lapse::v1::VERDICT_REASON_CANCEL_EVENT);
    for (ExpectedVerdict& one : all_) {
      if (IsAmendable(one)) one.alert_reason = Alert::REASON_CANCELLED_LATE;
    }
  }

  void CancelOpen(const KeyedEvent& event, lapse::v1::VerdictReason reason) {
    for (ExpectedVerdict& one : all_) {
      if (!IsOpen(one)) continue;
      one.verdict = lapse::v1::VERDICT_CANCELLED;
      one.reason = reason;
      one.ending_event = event.index;
    }
  }

  void SetAlertOrPending(int64_t end_time_us, ExpectedVerdict& one) const {
    const bool late = one.verdict == lapse::v1::VERDICT_LATE;
    if (one.verdict != lapse::v1::VERDICT_MISSED && !late) return;
    if (one.due_us + rule_.grace_us >= end_time_us) {
      one.verdict = lapse::v1::VERDICT_PENDING;
      one.reason = lapse::v1::VERDICT_REASON_OPEN;
      one.ending_event = one.elapsed_us = one.lateness_us = -1;
      one.alert_reason = Alert::REASON_UNSPECIFIED;
      return;
    }
    if (late) one.alert_reason = Alert::REASON_FOLLOWED_LATE;
    one.alert_state = late || IsCancelledLate(one) ? Alert::STATE_RESOLVED : Alert::STATE_FIRING;
  }

  const Rule rule_;
  const std::string key_;
  // In the order in which they opened, which is also that of their deadlines.
  std::vector<ExpectedVerdict> all_;
  std::optional<KeyedEvent> unmatched_;
};

std::optional<std::string> KeyOf(const Event& event, const std::string& attribute) {
  const auto found = event.attributes().find(attribute);
  if (found == event.attributes().end()) return std::nullopt;
  const lapse::v1::Value& value = found->second;
  switch (value.kind_case()) {
    case lapse::v1::Value::kStringValue:
      if (value.string_value().empty()) return std::nullopt;
      return value.string_value();
    case lapse::v1::Value::kInt64Value:
      return std::to_string(value.int64_value());
    case lapse::v1::Value::kBoolValue:
      return value.bool_value() ? "true" : "false";
    default:
      return std::nullopt;
  }
}

// The parts an event plays, by key. Where two patterns give it the same key, the first one counts.
std::map<std::string, Part> PartsOf(const WorkloadMonitor& watched, const Event& event) {
  const FollowUp& condition = watched.monitor.follow_up();
  const bool accepted = !watched.accepts_primary || watched.accepts_primary(event);
  std::map<std::string, Part> parts;
  const auto consider = [&](const lapse::v1::EventPattern& pattern, Part part) {
    if (event.type() != pattern.event_type()) return;
    const std::optional<std::string> key = KeyOf(event, pattern.key_attribute());
    if (key) parts.emplace(*key, part);
  };
  if (event.type() == condition.primary().event_type() && accepted) {
    consider(condition.primary(), Part::kPrimary);
  }
  consider(condition.secondary(), Part::kSecondary);
  if (condition.has_cancel()) consider(condition.cancel(), Part::kCancel);
  return parts;
}

}  // namespace

std::vector<ExpectedVerdict> ExpectedVerdicts(const WorkloadMonitor& watched,
                                              const std::vector<Event>& events,
                                              int64_t end_time_us) {
  std::map<std::string, std::vector<KeyedEvent>> by_key;
  for (size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i];
    for (const auto& [key, part] : PartsOf(watched, event)) {
      by_key[key].push_back({ToMicros(event.occur_time()), part, event.source(), event.id(),
                             static_cast<int64_t>(i)});
    }
  }
  std::vector<ExpectedVerdict> result;
  for (auto& [key, key_events] : by_key) {
    std::sort(key_events.begin(), key_events.end(), [](const KeyedEvent& a, const KeyedEvent& b) {
      return std::tie(a.time_us, a.part, a.source, a.id) <
             std::tie(b.time_us, b.part, b.source, b.id);
    });
    TableWalk walk(RuleOf(watched.monitor.follow_up()), key);
    for (const KeyedEvent& event : key_events) walk.Take(event);
    for (ExpectedVerdict& one : walk.End(end_time_us)) result.push_back(std::move(one));
  }
  return result;
}

ExpectedBooks CountVerdicts(const std::vector<ExpectedVerdict>& verdicts) {
  const auto count = [&verdicts](Verdict verdict) {
    return std::count_if(verdicts.begin(), verdicts.end(),
                         [verdict](const ExpectedVerdict& one) { return one.verdict == verdict; });
  };
  return {.opened = static_cast<int64_t>(verdicts.size()),
          .met = count(lapse::v1::VERDICT_MET),
          .late = count(lapse::v1::VERDICT_LATE),
          .missed = count(lapse::v1::VERDICT_MISSED),
          .cancelled = count(lapse::v1::VERDICT_CANCELLED),
          .shed = count(lapse::v1::VERDICT_SHED),
          .pending = count(lapse::v1::VERDICT_PENDING)};
}

}  // namespace lapse::bench
