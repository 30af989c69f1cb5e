#include "monitors/follow_up_frozen.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "lapse/internal/v1/key_state.pb.h"
#include "monitors/event_summary.h"
#include "monitors/follow_up_codec.h"
#include "monitors/follow_up_key.h"
#include "monitors/summary_wire.h"

namespace lapse::monitors {
namespace {

using State = FollowUpCodec::State;

// A key with more is left as it is: thawing and freezing it for each event would take longer than
// judging it.
constexpr size_t kMaxFrozenEvents = 8;
constexpr size_t kMaxPackedSummaryBytes = 2 * limits::kMaxEventSummaryBytes;

absl::Status Damaged() { return absl::DataLossError("a key at rest is damaged"); }

EventTimes TimesOf(const KeyEvent& event) {
  return {event.sequence, event.receive_time_us, event.time_us};
}

KeyEvent EventAt(Role role, const EventTimes& times) {
  return KeyEvent{role, times.sequence, times.time_us, times.receive_time_us, nullptr};
}

struct Roles {
  int count = 0;
  std::array<Role, 2> roles = {};
};

// The roles of the events that a form is kept as; none for kState.
Roles RolesOf(FrozenForm form) {
  switch (form) {
    case FollowUpFreezer::kOpen:
    case FollowUpFreezer::kFired:
      return {1, {Role::kPrimary}};
    case FollowUpFreezer::kSecondary:
      return {1, {Role::kSecondary}};
    case FollowUpFreezer::kCancel:
      return {1, {Role::kCancel}};
    case FollowUpFreezer::kMet:
      return {2, {Role::kPrimary, Role::kSecondary}};
    case FollowUpFreezer::kCancelled:
      return {2, {Role::kPrimary, Role::kCancel}};
    default:
      return {};
  }
}

// In a state, a summary has its receive time before it: the events there do not have it.
void PackIn(std::string_view key, PackContext& context, State& state) {
  std::array<char, kMaxPackedSummaryBytes> buffer;
  for (auto& event : *state.mutable_events()) {
    WireSummary wire;
    EventTimes times{event.sequence(), event.time_us(), event.time_us()};
    if (ReadSummary(event.summary(), &wire)) {
      times.receive_time_us =
          wire.ingest_time.seconds * limits::kMicrosPerSecond + wire.ingest_time.nanos / 1'000;
    }
    ByteWriter packed(buffer.data(), buffer.size());
    packed.Signed(WrappedDifference(times.receive_time_us, times.time_us));
    PackSummary(event.summary(), times, key, context, packed);
    event.set_summary(packed.written().data(), packed.size());
  }
}

bool UnpackIn(std::string_view key, const PackContext& context, State& state) {
  for (auto& event : *state.mutable_events()) {
    ByteReader in(event.summary());
    EventTimes times{event.sequence(), 0, event.time_us()};
    times.receive_time_us = WrappedSum(in.Signed(), times.time_us);
    std::string summary;
    if (!UnpackSummary(in, times, key, context, &summary) || !in.at_end()) return false;
    event.set_summary(std::move(summary));
  }
  return true;
}

RestingKey LookAtState(ByteReader& in, const PackContext& context) {
  RestingKey resting;
  resting.live = in.Byte() != 0;
  if (resting.live) resting.next_mark_us = WrappedSum(in.Signed(), context.base_time_us);
  resting.last_receive_time_us = WrappedSum(in.Signed(), context.base_time_us);
  return resting;
}

}  // namespace

int64_t FollowUpFreezer::FireTimeUs(const EventTimes& primary) const {
  return primary.time_us + rules_.within_us + rules_.grace_us;
}

// The mark at which the alert of one that has fired is closed by age.
int64_t FollowUpFreezer::CloseTimeUs(const EventTimes& primary) const {
  const int64_t too_old_us = primary.time_us + rules_.within_us + limits::kAlertMaxAgeUs;
  const int64_t fire_time_us = FireTimeUs(primary);
  return (fire_time_us < too_old_us ? too_old_us : fire_time_us + limits::kAlertMaxAgeUs) + 1;
}

Transition FollowUpFreezer::Fired(const EventTimes& primary, int64_t write_time_us) const {
  Transition transition = Opened(primary);
  transition.from = lapse::v1::VERDICT_PENDING;
  transition.to = lapse::v1::VERDICT_MISSED;
  transition.reason = lapse::v1::VERDICT_REASON_DEADLINE_PASSED;
  transition.has_alert = true;
  transition.alert = {
      .state = lapse::v1::Alert::STATE_FIRING,
      .reason = lapse::v1::Alert::REASON_DEADLINE_PASSED,
      .version = 1,
      .notify = true,
      .fire_time_us = write_time_us,
      .detected_late = write_time_us > FireTimeUs(primary) + limits::kDetectedLateUs};
  return transition;
}

Transition FollowUpFreezer::Opened(const EventTimes& primary) const {
  Transition transition;
  transition.primary_sequence = primary.sequence;
  transition.to = lapse::v1::VERDICT_PENDING;
  transition.reason = lapse::v1::VERDICT_REASON_OPEN;
  transition.primary_time_us = primary.time_us;
  transition.due_us = primary.time_us + rules_.within_us;
  return transition;
}

Transition FollowUpFreezer::Ended(const EventTimes& primary, const EventTimes& by,
                                  Role role) const {
  Transition transition = Opened(primary);
  transition.from = lapse::v1::VERDICT_PENDING;
  transition.ending_sequence = by.sequence;
  if (role == Role::kSecondary) {
    transition.to = lapse::v1::VERDICT_MET;
    transition.reason = lapse::v1::VERDICT_REASON_FOLLOWED;
    transition.elapsed_us = by.time_us - primary.time_us;
  } else {
    transition.to = lapse::v1::VERDICT_CANCELLED;
    transition.reason = lapse::v1::VERDICT_REASON_CANCEL_EVENT;
  }
  return transition;
}

FrozenForm FollowUpFreezer::OnFirstEvent(const KeyEvent& event, std::string_view key,
                                         const Now& now, PackContext& context, ByteWriter& to,
                                         Output& out) const {
  const EventTimes times = TimesOf(event);
  const bool opens = event.role == Role::kPrimary;
  // One that is past its deadline when it comes fires after the settle time.
  if (opens && FireTimeUs(times) < std::max(event.receive_time_us, now.mark_time_us)) {
    return kNotFrozen;
  }
  PackTimes(times, context, to);
  PackEvent(*event.event, times, key, context, to);
  if (to.full()) return kNotFrozen;
  if (opens) out.transitions.push_back(Opened(times));
  return opens ? kOpen : event.role == Role::kSecondary ? kSecondary : kCancel;
}

FrozenForm FollowUpFreezer::OnEvent(const FrozenKey& from, const KeyEvent& event, const Now&,
                                    PackContext& context, ByteWriter& to, Output& out) const {
  if (from.form != kOpen || event.role == Role::kPrimary) return kNotFrozen;
  ByteReader in(from.bytes);
  const EventTimes primary = UnpackTimes(in, context);
  // What is out of order, or past due, is judged by the whole table.
  if (event.time_us < primary.time_us || event.time_us > primary.time_us + rules_.within_us) {
    return kNotFrozen;
  }
  const EventTimes by = TimesOf(event);
  PackTimes(primary, context, to);
  PackTimes(by, context, to);
  PackEvent(*event.event, by, from.key, context, to);
  to.Bytes(in.rest());
  if (to.full()) return kNotFrozen;
  out.transitions.push_back(Ended(primary, by, event.role));
  return event.role == Role::kSecondary ? kMet : kCancelled;
}

FrozenForm FollowUpFreezer::OnMark(const FrozenKey& from, const Now& now, PackContext& context,
                                   ByteWriter& to, Output& out) const {
  if (from.form != kOpen) return kNotFrozen;
  ByteReader in(from.bytes);
  const EventTimes primary = UnpackTimes(in, context);
  // After a very long time it is closed at once.
  if (now.mark_time_us >= CloseTimeUs(primary)) return kNotFrozen;
  PackTimes(primary, context, to);
  to.Signed(WrappedDifference(now.write_time_us, FireTimeUs(primary)));
  to.Bytes(in.rest());
  Transition transition = Fired(primary, now.write_time_us);
  if (to.full() || !UnpackSummary(in, primary, from.key, context, &transition.primary_summary)) {
    return kNotFrozen;
  }
  out.transitions.push_back(std::move(transition));
  return kFired;
}

FrozenForm FollowUpFreezer::Freeze(const KeyState& state, std::string_view key,
                                   PackContext& context, ByteWriter& to) const {
  const auto& follow_up = static_cast<const FollowUpKey&>(state);
  if (follow_up.EventCount() > kMaxFrozenEvents) return kNotFrozen;
  State message;
  FollowUpCodec::Write(follow_up, &message);
  PackIn(key, context, message);
  context.SetBases(state.LastReceiveTimeUs(), 0);
  to.Byte(state.IsLive() ? 1 : 0);
  if (state.IsLive()) {
    to.Signed(WrappedDifference(state.NextMarkUs(Now()), context.base_time_us));
  }
  to.Signed(WrappedDifference(state.LastReceiveTimeUs(), context.base_time_us));
  to.Sized(message.SerializeAsString());
  return to.full() ? kNotFrozen : FrozenForm{kState};
}

absl::StatusOr<std::unique_ptr<KeyState>> FollowUpFreezer::Thaw(const FrozenKey& frozen,
                                                                const PackContext& context) const {
  return frozen.form == kState ? ThawState(frozen, context) : ThawEvents(frozen, context);
}

absl::StatusOr<std::unique_ptr<KeyState>> FollowUpFreezer::ThawEvents(
    const FrozenKey& frozen, const PackContext& context) const {
  const Roles roles = RolesOf(frozen.form);
  if (roles.count == 0) return Damaged();
  ByteReader in(frozen.bytes);
  std::array<EventTimes, 2> times;
  for (int i = 0; i < roles.count; ++i) times[i] = UnpackTimes(in, context);
  const int64_t fired_after_us = frozen.form == kFired ? in.Signed() : 0;
  std::array<std::string, 2> summaries;
  for (int i = roles.count - 1; i >= 0; --i) {
    if (!UnpackSummary(in, times[i], frozen.key, context, &summaries[i]) ||
        !NamesOfSummary(summaries[i]).has_value()) {
      return Damaged();
    }
  }
  auto key = std::make_unique<FollowUpKey>(rules_);
  Output told;
  for (int i = 0; i < roles.count; ++i) {
    key->OnSummarized(EventAt(roles.roles[i], times[i]), std::move(summaries[i]), Now(), told);
  }
  if (frozen.form == kFired) {
    const int64_t fire_time_us = FireTimeUs(times[0]);
    key->OnMark({.mark_time_us = fire_time_us + 1,
                 .write_time_us = WrappedSum(fire_time_us, fired_after_us)},
                told);
  }
  return key;
}

absl::StatusOr<std::unique_ptr<KeyState>> FollowUpFreezer::ThawState(
    const FrozenKey& frozen, const PackContext& context) const {
  ByteReader in(frozen.bytes);
  LookAtState(in, context);
  const std::string_view bytes = in.Sized();
  State state;
  if (in.bad() || !state.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      !UnpackIn(frozen.key, context, state)) {
    return Damaged();
  }
  return FollowUpCodec::Read(rules_, state);
}

RestingKey FollowUpFreezer::Look(const FrozenKey& frozen, const PackContext& context) const {
  ByteReader in(frozen.bytes);
  if (frozen.form == kState) return LookAtState(in, context);
  RestingKey resting;
  const EventTimes first = UnpackTimes(in, context);
  resting.last_receive_time_us = first.receive_time_us;
  if (frozen.form == kOpen || frozen.form == kFired) {
    resting.live = true;
    resting.next_mark_us = frozen.form == kOpen ? FireTimeUs(first) + 1 : CloseTimeUs(first);
  } else if (RolesOf(frozen.form).count == 2) {
    resting.last_receive_time_us =
        std::max(first.receive_time_us, UnpackTimes(in, context).receive_time_us);
  }
  return resting;
}

void FollowUpFreezer::ForEach(const FrozenKey& frozen, const PackContext& context,
                              absl::FunctionRef<void(const ListedExpectation&)> visit) const {
  if (frozen.form == kOpen) {
    ByteReader in(frozen.bytes);
    const EventTimes primary = UnpackTimes(in, context);
    return visit(ListedExpectation{.primary_sequence = primary.sequence,
                                   .primary_time_us = primary.time_us,
                                   .due_us = primary.time_us + rules_.within_us,
                                   .verdict = lapse::v1::VERDICT_PENDING,
                                   .reason = lapse::v1::VERDICT_REASON_OPEN});
  }
  const auto state = Thaw(frozen, context);
  if (state.ok()) (*state)->ForEach(visit);
}

}  // namespace lapse::monitors
