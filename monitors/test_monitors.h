// Monitors, events and log entries for tests. Times are in seconds after kEpoch unless they end in
// _us.
#ifndef LAPSE_MONITORS_TEST_MONITORS_H_
#define LAPSE_MONITORS_TEST_MONITORS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/proto_time.h"
#include "lapse/internal/v1/log.pb.h"
#include "lapse/v1/event.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "storage/log_entry.h"

namespace lapse::monitors {

using lapse::internal::v1::ControlRecord;
using lapse::internal::v1::MonitorChange;

inline constexpr int64_t kSecond = 1'000'000;
inline constexpr int64_t kEpoch = 1'700'000'000 * kSecond;

inline int64_t At(double seconds) { return kEpoch + static_cast<int64_t>(seconds * kSecond); }

// created → delivered by order_id within 10 s.
inline lapse::v1::Monitor OrderMonitor(const std::string& id = "order-delivered") {
  lapse::v1::Monitor monitor;
  monitor.set_name("monitors/" + id);
  monitor.set_uid("uid-" + id);
  monitor.set_revision(1);
  monitor.set_display_name("Order delivered");
  monitor.set_severity(lapse::v1::Monitor::SEVERITY_WARNING);
  (*monitor.mutable_labels())["team"] = "delivery";
  monitor.add_notifiers("notifiers/mail");
  lapse::v1::FollowUp& rules = *monitor.mutable_follow_up();
  rules.mutable_primary()->set_event_type("created");
  rules.mutable_primary()->set_key_attribute("order_id");
  rules.mutable_secondary()->set_event_type("delivered");
  rules.mutable_secondary()->set_key_attribute("order_id");
  rules.mutable_cancel()->set_event_type("cancelled");
  rules.mutable_cancel()->set_key_attribute("order_id");
  SetDuration(10 * kSecond, rules.mutable_within());
  SetDuration(0, rules.mutable_grace());
  SetDuration(kSecond, rules.mutable_reorder_tolerance());
  SetDuration(kSecond, rules.mutable_clock_skew());
  rules.set_on_repeat(lapse::v1::FollowUp::ON_REPEAT_KEEP_FIRST);
  return monitor;
}

inline lapse::v1::Value StringValue(const std::string& text) {
  lapse::v1::Value value;
  value.set_string_value(text);
  return value;
}

inline lapse::v1::Event MakeEvent(const std::string& type, const std::string& key, double at) {
  lapse::v1::Event event;
  event.set_type(type);
  event.set_source("test");
  SetTimestamp(At(at), event.mutable_occur_time());
  if (!key.empty()) (*event.mutable_attributes())["order_id"] = StringValue(key);
  return event;
}

inline ControlRecord Change(MonitorChange::Action action, const lapse::v1::Monitor& monitor) {
  ControlRecord control;
  control.mutable_monitor_change()->set_action(action);
  *control.mutable_monitor_change()->mutable_monitor() = monitor;
  return control;
}

inline ControlRecord ServerStart(double settle, double retention) {
  ControlRecord control;
  control.mutable_server_start()->set_settle_us(static_cast<int64_t>(settle * kSecond));
  control.mutable_server_start()->set_idle_key_retention_us(
      static_cast<int64_t>(retention * kSecond));
  return control;
}

// Makes entries with consecutive positions and sequences.
class EntryMaker {
 public:
  EntryMaker() = default;
  // Goes on after an entry.
  EntryMaker(storage::LogPosition position, int64_t next_sequence)
      : position_(position), next_sequence_(next_sequence) {}

  // An entry committed at `now`, which is its mark and its events' receive time too.
  std::shared_ptr<storage::LogEntry> Make(double now, std::vector<lapse::v1::Event> events,
                                          std::vector<ControlRecord> controls = {}) {
    auto entry = std::make_shared<storage::LogEntry>();
    entry->position = ++position_;
    entry->first_sequence = next_sequence_;
    entry->write_time_us = entry->mark_time_us = At(now);
    entry->controls = std::move(controls);
    for (ControlRecord& control : entry->controls) control.set_time_us(At(now));
    int64_t sequence = next_sequence_;
    for (lapse::v1::Event& event : events) {
      if (event.id().empty()) event.set_id("event-" + std::to_string(sequence));
      ++sequence;
    }
    entry->owned.push_back(storage::EventBatch::Of({events.begin(), events.end()}));
    for (const storage::EventView& event : entry->owned.back().events()) {
      entry->events.push_back(storage::AcceptedEvent{&event, next_sequence_++, At(now),
                                                     std::min(event.occur_time_us(), At(now))});
    }
    return entry;
  }

  storage::LogPosition position() const { return position_; }
  int64_t next_sequence() const { return next_sequence_; }

 private:
  storage::LogPosition position_ = 0;
  int64_t next_sequence_ = 1;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_TEST_MONITORS_H_
