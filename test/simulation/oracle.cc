#include "test/simulation/oracle.h"

#include "base/proto_time.h"

namespace lapse::simulation {
namespace {

using lapse::internal::v1::ControlRecord;
using lapse::internal::v1::MonitorChange;
using lapse::v1::FollowUp;

Rules RulesOf(const FollowUp& condition) {
  Rules rules;
  rules.within_us = ToMicros(condition.within());
  rules.grace_us = ToMicros(condition.grace());
  rules.tolerance_us =
      condition.has_reorder_tolerance() ? ToMicros(condition.reorder_tolerance()) : 10'000'000;
  rules.skew_us = condition.has_clock_skew() ? ToMicros(condition.clock_skew()) : 1'000'000;
  if (condition.on_repeat() != FollowUp::ON_REPEAT_UNSPECIFIED)
    rules.on_repeat = condition.on_repeat();
  return rules;
}

// Empty for none.
std::string KeyOf(const lapse::v1::Event& event, const std::string& attribute) {
  const auto found = event.attributes().find(attribute);
  if (found == event.attributes().end()) return "";
  if (found->second.has_int64_value()) return std::to_string(found->second.int64_value());
  return found->second.string_value();
}

}  // namespace

void Oracle::Apply(const ReferenceEntry& entry) {
  position_ = entry.position;
  now_.write_us = entry.write_time_us;
  for (const ControlRecord& control : entry.controls) ApplyControl(control);
  for (const ReferenceEvent& event : entry.events) {
    for (auto& [uid, monitor] : monitors_) ApplyEvent(event, monitor);
  }
  now_.mark_us = std::max(now_.mark_us, entry.mark_time_us);
  for (auto& [uid, monitor] : monitors_) {
    for (auto& [place, key] : monitor.keys) key.Mark(now_);
    Forget(monitor);
  }
}

void Oracle::Forget(MonitorModel& monitor) const {
  for (auto key = monitor.keys.begin(); key != monitor.keys.end();) {
    if (!key->second.IsForgotten(now_)) {
      ++key;
      continue;
    }
    monitor.forgotten.emplace_back(key->first.first, std::move(key->second));
    key = monitor.keys.erase(key);
  }
}

void Oracle::ApplyControl(const ControlRecord& control) {
  if (control.has_server_start()) {
    now_.settle_us = control.server_start().settle_us();
    now_.retention_us = control.server_start().idle_key_retention_us();
    // A shorter retention counts at once, also while the mark stands still.
    for (auto& [uid, monitor] : monitors_) Forget(monitor);
  }
  if (control.has_alert_close()) {
    const auto& close = control.alert_close();
    const auto monitor = monitors_.find(close.monitor_uid());
    if (monitor == monitors_.end()) return;
    const auto key = monitor->second.keys.find({close.revision(), close.key()});
    if (key != monitor->second.keys.end()) key->second.Close(close.primary_sequence(), now_);
  }
  if (!control.has_monitor_change()) return;
  const MonitorChange& change = control.monitor_change();
  MonitorModel& monitor = monitors_[change.monitor().uid()];
  monitor.name = change.monitor().name();
  monitor.uid = change.monitor().uid();
  const bool deleted = change.action() == MonitorChange::ACTION_DELETE;
  if (deleted || change.action() == MonitorChange::ACTION_DISABLE) {
    for (auto& [place, key] : monitor.keys) {
      key.CancelPending(deleted ? lapse::v1::VERDICT_REASON_MONITOR_DELETED
                                : lapse::v1::VERDICT_REASON_MONITOR_DISABLED);
    }
  }
  monitor.in_force = deleted ? 0 : change.monitor().revision();
  monitor.disabled = change.monitor().disabled();
  monitor.conditions[change.monitor().revision()] = change.monitor().follow_up();
}

void Oracle::ApplyEvent(const ReferenceEvent& event, MonitorModel& monitor) {
  if (monitor.in_force == 0 || monitor.disabled) return;
  for (const auto& [revision, condition] : monitor.conditions) {
    ApplyEvent(event, revision, condition, monitor);
  }
}

void Oracle::ApplyEvent(const ReferenceEvent& event, int64_t revision, const FollowUp& condition,
                        MonitorModel& monitor) {
  const bool in_force = revision == monitor.in_force;
  const std::string& type = event.event.type();
  const lapse::v1::EventPattern* pattern = nullptr;
  Part part = Part::kPrimary;
  if (type == condition.primary().event_type()) {
    pattern = &condition.primary();
  } else if (type == condition.secondary().event_type()) {
    pattern = &condition.secondary();
    part = Part::kSecondary;
  } else if (condition.has_cancel() && type == condition.cancel().event_type()) {
    pattern = &condition.cancel();
    part = Part::kCancel;
  }
  if (pattern == nullptr) return;
  const std::string text = KeyOf(event.event, pattern->key_attribute());
  if (text.empty()) {
    if (in_force) ++monitor.books.no_key;
    return;
  }
  const auto found = monitor.keys.find({revision, text});
  if (!in_force &&
      (part == Part::kPrimary || found == monitor.keys.end() || !found->second.IsLive())) {
    return;
  }
  const auto key =
      monitor.keys.try_emplace({revision, text}, RulesOf(condition), text, revision).first;
  key->second.Take(event, part, now_, monitor.books);
}

Books Oracle::BooksOf(const MonitorModel& monitor) {
  Books books = monitor.books;
  const auto add = [&books](const KeyModel& key) {
    for (const auto& [sequence, one] : key.expectations()) {
      ++books.opened;
      ++books.by_verdict[one.verdict];
    }
  };
  for (const auto& [place, key] : monitor.keys) add(key);
  for (const auto& [revision, key] : monitor.forgotten) add(key);
  return books;
}

}  // namespace lapse::simulation
