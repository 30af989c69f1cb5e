#include "monitors/follow_up_driver.h"

#include <algorithm>
#include <cmath>

#include "base/limits.h"
#include "base/proto_time.h"
#include "gtest/gtest.h"
#include "storage/event_batch.h"

namespace lapse::monitors {
namespace {

double Seconds(int64_t us) { return us < 0 ? -1 : us / 1e6; }

// The id of a serialized EventSummary.
std::string IdOf(const std::string& summary) {
  lapse::v1::EventSummary parsed;
  EXPECT_TRUE(parsed.ParseFromString(summary));
  return parsed.id();
}

}  // namespace

FollowUpRules TestRules(lapse::v1::FollowUp::OnRepeat on_repeat) {
  return {.within_us = Micros(60),
          .grace_us = 0,
          .reorder_tolerance_us = Micros(10),
          .clock_skew_us = Micros(1),
          .on_repeat = on_repeat};
}

int64_t Micros(double seconds) { return std::llround(seconds * 1e6); }

FollowUpDriver::FollowUpDriver(const FollowUpRules& rules)
    : rules_(std::make_unique<FollowUpRules>(rules)), key_(NewFollowUpKey(*rules_)) {
  now_.settle_us = Micros(5);
  now_.idle_key_retention_us = limits::kDefaultIdleKeyRetentionUs;
}

void FollowUpDriver::Event(Role role, double time, const std::string& id,
                           const std::string& source) {
  MarkTo(time);
  lapse::v1::Event event;
  event.set_id(id);
  event.set_source(source);
  event.set_type(role == Role::kPrimary ? "p" : role == Role::kSecondary ? "s" : "c");
  SetTimestamp(Micros(time), event.mutable_occur_time());
  ids_[++last_sequence_] = id;
  now_.write_time_us = std::max(now_.write_time_us, now_.mark_time_us);
  const size_t before = output_.transitions.size();
  key_->OnEvent({.role = role,
                 .sequence = last_sequence_,
                 .time_us = Micros(time),
                 .receive_time_us = now_.mark_time_us,
                 .event = &storage::EventBatch::Of(event).events()[0]},
                now_, output_);
  Gather(before);
}

void FollowUpDriver::MarkTo(double time) {
  const int64_t target_us = Micros(time);
  for (int64_t next = NextMarkUs(); next <= target_us; next = NextMarkUs()) {
    JumpTo(next / 1e6, next / 1e6);
    ASSERT_GT(NextMarkUs(), next);
  }
  if (target_us > now_.mark_time_us) JumpTo(time, time);
}

void FollowUpDriver::JumpTo(double mark, double write) {
  now_.mark_time_us = Micros(mark);
  now_.write_time_us = Micros(write);
  const size_t before = output_.transitions.size();
  key_->OnMark(now_, output_);
  Gather(before);
}

void FollowUpDriver::CancelPending(lapse::v1::VerdictReason reason) {
  const size_t before = output_.transitions.size();
  key_->CancelPending(reason, now_, output_);
  Gather(before);
}

bool FollowUpDriver::CloseAlert(const std::string& id, const std::string& note) {
  const auto found =
      std::find_if(ids_.begin(), ids_.end(), [&](const auto& entry) { return entry.second == id; });
  return CloseAlertOf(found == ids_.end() ? 0 : found->first, note);
}

bool FollowUpDriver::CloseAlertOf(int64_t primary_sequence, const std::string& note) {
  const size_t before = output_.transitions.size();
  const bool closed = key_->CloseAlert(primary_sequence, note, now_, output_);
  Gather(before);
  return closed;
}

std::vector<ListedExpectation> FollowUpDriver::List() const {
  std::vector<ListedExpectation> listed;
  key_->ForEach([&listed](const ListedExpectation& expectation) { listed.push_back(expectation); });
  return listed;
}

std::string FollowUpDriver::Bytes() const {
  std::string bytes;
  key_->Serialize(&bytes);
  return bytes;
}

void FollowUpDriver::Reparse() {
  const std::string bytes = Bytes();
  auto parsed = ParseFollowUpKey(*rules_, bytes);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  key_ = *std::move(parsed);
  ASSERT_EQ(Bytes(), bytes);
}

void FollowUpDriver::Gather(size_t from) {
  for (size_t i = from; i < output_.transitions.size(); ++i) Gather(output_.transitions[i]);
}

void FollowUpDriver::Gather(const Transition& transition) {
  ASSERT_TRUE(ids_.contains(transition.primary_sequence));
  const std::string& id = ids_[transition.primary_sequence];
  Told& told = told_[id];
  EXPECT_EQ(transition.from, told.verdict) << id;
  EXPECT_NE(transition.to, lapse::v1::VERDICT_UNSPECIFIED) << id;
  EXPECT_DOUBLE_EQ(Seconds(transition.previous_elapsed_us), told.elapsed) << id;
  EXPECT_EQ(transition.due_us, transition.primary_time_us + rules_->within_us) << id;
  told.verdict = transition.to;
  told.reason = transition.reason;
  told.ended_by = transition.ending_sequence == 0 ? "" : ids_[transition.ending_sequence];
  told.elapsed = Seconds(transition.elapsed_us);
  told.lateness = Seconds(transition.lateness_us);
  told.transitions.push_back(transition);
  if (transition.has_alert) GatherAlert(transition, told);
}

void FollowUpDriver::GatherAlert(const Transition& transition, Told& told) {
  const AlertEffect& alert = transition.alert;
  told.alerts.push_back(alert);
  EXPECT_EQ(alert.version, static_cast<int64_t>(told.alerts.size()));
  EXPECT_EQ(IdOf(transition.primary_summary), ids_[transition.primary_sequence]);
  EXPECT_EQ(IdOf(transition.secondary_summary), told.ended_by);
  EXPECT_EQ(alert.resolve_time_us == 0, alert.state == lapse::v1::Alert::STATE_FIRING);
}

}  // namespace lapse::monitors
