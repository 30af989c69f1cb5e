#include "monitors/follow_up_codec.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "base/status_macros.h"

namespace lapse::monitors {
namespace {

namespace internal = lapse::internal::v1;

// No time in Lapse is later; sums of a few of them stay in range.
constexpr int64_t kMaxTimeUs = int64_t{1} << 60;

bool Precedes(const PlacedEvent* a, const PlacedEvent* b) { return ComesBefore(*a, *b); }

absl::Status Damaged(std::string_view what) {
  return absl::DataLossError("state of a follow_up key is damaged: " + std::string(what));
}

bool IsTime(int64_t time_us) { return time_us >= -kMaxTimeUs && time_us <= kMaxTimeUs; }

int IndexOf(const std::vector<const PlacedEvent*>& events, const PlacedEvent* event) {
  const auto place = std::lower_bound(events.begin(), events.end(), event, Precedes);
  return static_cast<int>(place - events.begin());
}

// Whether the alert still has to tell of the event that ended it, which judging again cannot find.
bool IsToldOf(const PlacedEvent& primary) {
  return primary.fixed && !primary.expectation->is_final && primary.ended_by;
}

void WriteExpectation(const Expectation& from, internal::FollowUpExpectation& to) {
  to.set_verdict(from.shown.verdict);
  to.set_reason(from.shown.reason);
  to.set_ending_sequence(from.shown.ending_sequence);
  to.set_elapsed_us_plus_1(from.shown.elapsed_us + 1);
  to.set_lateness_us_plus_1(from.shown.lateness_us + 1);
  to.set_fired(from.fired);
  to.set_is_final(from.is_final);
  to.set_final_sequence(from.final_sequence);
  to.set_alert_state(from.alert.state);
  to.set_alert_reason(from.alert.reason);
  to.set_alert_version(from.alert.version);
  to.set_alert_fire_time_us(from.alert.fire_time_us);
  to.set_alert_resolve_time_us(from.alert.resolve_time_us);
  to.set_detected_late(from.alert.detected_late);
}

void WriteEvent(const PlacedEvent& from, const std::vector<const PlacedEvent*>& events,
                internal::FollowUpEvent& to) {
  to.set_role(static_cast<int>(from.role));
  to.set_sequence(from.sequence);
  to.set_time_us(from.time_us);
  if (from.is_straggler()) to.set_order_time_us(from.order_time_us);
  to.set_summary(from.summary);
  to.set_fire_time_us(from.fire_time_us);
  if (from.expectation == nullptr) return;
  WriteExpectation(*from.expectation, *to.mutable_expectation());
  // What is not fixed follows from judging again.
  if (!from.fixed) return;
  to.set_fixed(true);
  // What is final is never shown again, however it is judged.
  if (from.expectation->is_final) return;
  to.set_judged(static_cast<int>(from.judged));
  if (IsToldOf(from)) to.set_ended_by(IndexOf(events, from.ended_by.get()) + 1);
}

std::unique_ptr<Expectation> ReadExpectation(const internal::FollowUpExpectation& from) {
  auto to = std::make_unique<Expectation>();
  to->shown = {.verdict = from.verdict(),
               .reason = from.reason(),
               .ending_sequence = from.ending_sequence(),
               .elapsed_us = from.elapsed_us_plus_1() - 1,
               .lateness_us = from.lateness_us_plus_1() - 1};
  to->fired = from.fired();
  to->is_final = from.is_final();
  to->final_sequence = from.final_sequence();
  to->alert = {.state = from.alert_state(),
               .reason = from.alert_reason(),
               .version = from.alert_version(),
               .fire_time_us = from.alert_fire_time_us(),
               .resolve_time_us = from.alert_resolve_time_us(),
               .detected_late = from.detected_late()};
  return to;
}

absl::Status CheckExpectation(const internal::FollowUpExpectation& expectation) {
  using lapse::v1::Alert;
  if (!lapse::v1::Verdict_IsValid(expectation.verdict()) ||
      !lapse::v1::VerdictReason_IsValid(expectation.reason()) ||
      !Alert::State_IsValid(expectation.alert_state()) ||
      !Alert::Reason_IsValid(expectation.alert_reason())) {
    return Damaged("unknown enum value");
  }
  const int64_t version = expectation.alert_version();
  if (expectation.elapsed_us_plus_1() < 0 || expectation.lateness_us_plus_1() < 0 || version < 0 ||
      version > kMaxTimeUs || (version > 0) != expectation.fired()) {
    return Damaged("expectation");
  }
  return absl::OkStatus();
}

absl::Status CheckEvent(const internal::FollowUpEvent& event) {
  if (event.role() < 0 || event.role() > static_cast<int>(Role::kCancel)) return Damaged("role");
  if (!IsTime(event.time_us()) || !IsTime(event.order_time_us()) || !IsTime(event.fire_time_us())) {
    return Damaged("time");
  }
  if (event.judged() < 0 || event.judged() > static_cast<int>(Judged::kShed)) {
    return Damaged("judgement");
  }
  const bool is_primary = event.role() == static_cast<int>(Role::kPrimary);
  if (event.has_expectation() && !is_primary) return Damaged("expectation of a follow-up");
  if (event.fixed() && !event.has_expectation()) return Damaged("fixed without expectation");
  return event.has_expectation() ? CheckExpectation(event.expectation()) : absl::OkStatus();
}

absl::StatusOr<PlacedEventRef> ReadEvent(const internal::FollowUpEvent& from) {
  RETURN_IF_ERROR(CheckEvent(from));
  PlacedEventRef to(new PlacedEvent);
  to->role = static_cast<Role>(from.role());
  to->sequence = from.sequence();
  to->time_us = from.time_us();
  to->order_time_us = from.order_time_us() == 0 ? from.time_us() : from.order_time_us();
  to->fire_time_us = from.fire_time_us();
  if (!SetSummary(from.summary(), *to)) return Damaged("summary");
  to->fixed = from.fixed();
  to->judged = static_cast<Judged>(from.judged());
  if (from.has_expectation()) to->expectation = ReadExpectation(from.expectation());
  return to;
}

absl::StatusOr<std::vector<PlacedEventRef>> ReadEvents(const internal::FollowUpKeyState& state) {
  std::vector<PlacedEventRef> events;
  events.reserve(state.events_size());
  for (const auto& from : state.events()) {
    ASSIGN_OR_RETURN(PlacedEventRef event, ReadEvent(from));
    if (!events.empty() && !ComesBefore(*events.back(), *event)) return Damaged("order");
    events.push_back(std::move(event));
  }
  return events;
}

// What cannot change any more has ended; where its alert is still to come, it knows by which event.
absl::Status CheckFixed(const PlacedEvent& primary) {
  if (primary.expectation->is_final) return absl::OkStatus();
  if (primary.expectation->alert.state == lapse::v1::Alert::STATE_FIRING) {
    return Damaged("fixed and firing");
  }
  if (!NeedsAlert(primary.judged)) {
    const bool pending = primary.expectation->shown.verdict == lapse::v1::VERDICT_PENDING;
    return pending ? Damaged("fixed and pending") : absl::OkStatus();
  }
  const bool amended = primary.judged == Judged::kLate || primary.judged == Judged::kCancelledLate;
  if (!amended || (!primary.expectation->fired && !primary.ended_by)) return Damaged("fixed");
  return absl::OkStatus();
}

absl::Status LinkEnding(const internal::FollowUpEvent& from,
                        const std::vector<PlacedEventRef>& events, PlacedEvent& to) {
  if (from.ended_by() < 0 || static_cast<size_t>(from.ended_by()) > events.size()) {
    return Damaged("ending event");
  }
  if (from.ended_by() > 0) {
    const PlacedEventRef& by = events[from.ended_by() - 1];
    // Only an amended primary holds on to one; so references never form a circle.
    if (!to.fixed || by->role == Role::kPrimary) return Damaged("ending event");
    to.ended_by = by;
  }
  return to.fixed ? CheckFixed(to) : absl::OkStatus();
}

absl::StatusOr<Primaries> ReadPrimaries(const google::protobuf::RepeatedField<int32_t>& indexes,
                                        int end, const std::vector<PlacedEventRef>& events) {
  Primaries primaries;
  int after = -1;
  for (const int index : indexes) {
    if (index <= after || index >= end) return Damaged("settled index");
    after = index;
    PlacedEvent* const primary = events[index].get();
    if (primary->expectation == nullptr || primary->fixed) return Damaged("settled primary");
    primaries.push_back(primary);
  }
  return primaries;
}

}  // namespace

std::vector<const PlacedEvent*> FollowUpCodec::Events(const FollowUpKey& key) {
  std::vector<const PlacedEvent*> events;
  key.tracker_.ForEachNeeded([&events](const PlacedEvent& primary) {
    events.push_back(&primary);
    if (IsToldOf(primary)) events.push_back(primary.ended_by.get());
  });
  if (key.settled_.unmatched()) events.push_back(key.settled_.unmatched().get());
  for (const PlacedEventRef& event : key.recent_) events.push_back(event.get());
  std::sort(events.begin(), events.end(), Precedes);
  events.erase(std::unique(events.begin(), events.end()), events.end());
  return events;
}

void FollowUpCodec::Serialize(const FollowUpKey& key, std::string* out) {
  State state;
  Write(key, &state);
  state.AppendToString(out);
}

void FollowUpCodec::Write(const FollowUpKey& key, State* out) {
  State& state = *out;
  const std::vector<const PlacedEvent*> events = Events(key);
  for (const PlacedEvent* event : events) WriteEvent(*event, events, *state.add_events());
  const auto index_of = [&events](const PlacedEvent* event) { return IndexOf(events, event); };
  state.set_recent_begin(key.recent_.empty() ? 0 : index_of(key.recent_.front().get()));
  for (const PlacedEvent* p : key.settled_.open()) state.add_settled_open(index_of(p));
  for (const PlacedEvent* p : key.settled_.missed()) state.add_settled_missed(index_of(p));
  const PlacedEventRef& unmatched = key.settled_.unmatched();
  if (unmatched) state.set_settled_unmatched(index_of(unmatched.get()) + 1);
  state.set_last_sequence(key.last_sequence_);
  state.set_last_receive_time_us(key.last_receive_time_us_);
  state.set_final_until_us_plus_1(key.final_until_us_ + 1);
}

absl::StatusOr<std::unique_ptr<FollowUpKey>> FollowUpCodec::Parse(const FollowUpRules& rules,
                                                                  std::string_view bytes) {
  State state;
  if (!state.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Damaged("not a message");
  }
  return Read(rules, state);
}

absl::StatusOr<std::unique_ptr<FollowUpKey>> FollowUpCodec::Read(const FollowUpRules& rules,
                                                                 const State& state) {
  auto key = std::make_unique<FollowUpKey>(rules);
  RETURN_IF_ERROR(Restore(state, *key));
  return key;
}

absl::Status FollowUpCodec::Restore(const State& state, FollowUpKey& key) {
  if (!IsTime(state.last_receive_time_us()) || !IsTime(state.final_until_us_plus_1()) ||
      state.final_until_us_plus_1() < 0) {
    return Damaged("time");
  }
  ASSIGN_OR_RETURN(const std::vector<PlacedEventRef> events, ReadEvents(state));
  key.last_sequence_ = state.last_sequence();
  key.last_receive_time_us_ = state.last_receive_time_us();
  key.final_until_us_ = state.final_until_us_plus_1() - 1;
  for (size_t i = 0; i < events.size(); ++i) {
    RETURN_IF_ERROR(LinkEnding(state.events(static_cast<int>(i)), events, *events[i]));
  }
  RETURN_IF_ERROR(RestoreRecent(state, events, key));
  RETURN_IF_ERROR(RestoreSettled(state, events, key));
  for (const PlacedEventRef& event : events) {
    if (event->expectation != nullptr) key.tracker_.Add(*event);
  }
  key.JudgeAgain();
  RETURN_IF_ERROR(CheckOwned(events, key));
  for (const PlacedEventRef& primary : key.tracker_.expectations()) key.Track(*primary);
  key.tracker_.Prune();
  return absl::OkStatus();
}

// Whatever the folds point to has an expectation, and so is owned by the tracker.
absl::Status FollowUpCodec::CheckOwned(const std::vector<PlacedEventRef>& events,
                                       const FollowUpKey& key) {
  size_t open_settled = 0;
  for (const PlacedEventRef& event : events) {
    if (event->expectation == nullptr) {
      if (event->judged != Judged::kNotOpened) return Damaged("opened without expectation");
    } else if (!event->fixed && ComesBefore(*event, *key.recent_.front())) {
      ++open_settled;
    }
  }
  if (open_settled != key.settled_.open().size() + key.settled_.missed().size()) {
    return Damaged("settled expectation");
  }
  return absl::OkStatus();
}

absl::Status FollowUpCodec::RestoreRecent(const State& state,
                                          const std::vector<PlacedEventRef>& events,
                                          FollowUpKey& key) {
  const int size = static_cast<int>(events.size());
  // The newest event is always among the recent ones.
  if (state.recent_begin() < 0 || state.recent_begin() > std::max(0, size - 1)) {
    return Damaged("recent events");
  }
  for (int i = state.recent_begin(); i < size; ++i) {
    if (events[i]->fixed) return Damaged("recent and fixed");
    key.recent_.Append(events[i]);
  }
  return absl::OkStatus();
}

absl::Status FollowUpCodec::RestoreSettled(const State& state,
                                           const std::vector<PlacedEventRef>& events,
                                           FollowUpKey& key) {
  const int end = state.recent_begin();
  ASSIGN_OR_RETURN(Primaries open, ReadPrimaries(state.settled_open(), end, events));
  ASSIGN_OR_RETURN(Primaries missed, ReadPrimaries(state.settled_missed(), end, events));
  if (state.settled_unmatched() < 0 || state.settled_unmatched() > end) {
    return Damaged("unmatched secondary");
  }
  PlacedEventRef unmatched;
  if (state.settled_unmatched() > 0) unmatched = events[state.settled_unmatched() - 1];
  if (unmatched && unmatched->role != Role::kSecondary) return Damaged("unmatched role");
  key.settled_ = FollowUpFold(std::move(open), std::move(missed), std::move(unmatched));
  return absl::OkStatus();
}

}  // namespace lapse::monitors
