// Random logs for tests of recovery: what is generated depends on the seed alone.
#ifndef LAPSE_MONITORS_TEST_SCRIPT_H_
#define LAPSE_MONITORS_TEST_SCRIPT_H_

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/proto_time.h"
#include "monitors/test_monitors.h"

namespace lapse::monitors {

using Script = std::vector<std::shared_ptr<const storage::LogEntry>>;

// Three monitors over the same events, whose keys repeat: one keeps the first, one stacks, one is
// deleted half-way. The first two are edited, revised, disabled and enabled, alerts are closed by
// hand, the retention changes.
class ScriptMaker {
 public:
  explicit ScriptMaker(uint64_t seed) : random_(seed) {
    monitors_ = {OrderMonitor("first"), OrderMonitor("stack"), OrderMonitor("gone")};
    monitors_[1].mutable_follow_up()->set_on_repeat(lapse::v1::FollowUp::ON_REPEAT_STACK);
    SetDuration(kSecond, monitors_[1].mutable_follow_up()->mutable_grace());
  }

  Script Make(int entries) {
    Script script;
    script.push_back(
        maker_.Make(now_, {}, {ServerStart(0, 20), Created(0), Created(1), Created(2)}));
    for (int i = 0; i < entries; ++i) {
      now_ += Below(40) * 0.1;
      std::vector<lapse::v1::Event> events = Events();
      std::vector<ControlRecord> controls = Controls();
      if (i == entries / 2) {
        controls.push_back(Change(MonitorChange::ACTION_DELETE, monitors_[2]));
      }
      script.push_back(maker_.Make(now_, std::move(events), std::move(controls)));
    }
    return script;
  }

 private:
  // Closes are aimed at it.
  struct Primary {
    std::string key;
    int64_t sequence = 0;
  };

  int Below(int limit) { return static_cast<int>(random_() % limit); }

  ControlRecord Created(int which) {
    return Change(MonitorChange::ACTION_CREATE, monitors_[which]);
  }

  std::vector<lapse::v1::Event> Events() {
    static constexpr const char* kTypes[] = {"created",   "created",   "created", "delivered",
                                             "delivered", "cancelled", "other"};
    std::vector<lapse::v1::Event> events;
    for (int n = Below(6); n > 0; --n) {
      const std::string key = Below(20) == 0 ? "" : "key-" + std::to_string(Below(12));
      const std::string type = kTypes[Below(7)];
      if (type == "created") {
        primaries_.push_back({key, maker_.next_sequence() + static_cast<int64_t>(events.size())});
      }
      events.push_back(MakeEvent(type, key, now_ - Below(30) * 0.1));
    }
    return events;
  }

  std::vector<ControlRecord> Controls() {
    if (Below(8) != 0) return {};
    lapse::v1::Monitor& monitor = monitors_[Below(2)];
    // A disabled one is soon enabled again.
    switch (monitor.disabled() ? 2 : Below(5)) {
      case 0:
        monitor.set_display_name("Name " + std::to_string(Below(1'000)));
        return {Change(MonitorChange::ACTION_UPDATE, monitor)};
      case 1:
        monitor.set_revision(monitor.revision() + 1);
        SetDuration((5 + Below(10)) * kSecond, monitor.mutable_follow_up()->mutable_within());
        return {Change(MonitorChange::ACTION_UPDATE, monitor)};
      case 2:
        monitor.set_disabled(!monitor.disabled());
        return {Change(
            monitor.disabled() ? MonitorChange::ACTION_DISABLE : MonitorChange::ACTION_ENABLE,
            monitor)};
      case 3:
        return {ServerStart(0, 5 + Below(40))};
      default:
        return {Close(monitor)};
    }
  }

  ControlRecord Close(const lapse::v1::Monitor& monitor) {
    ControlRecord control;
    lapse::internal::v1::AlertClose& close = *control.mutable_alert_close();
    close.set_monitor_uid(monitor.uid());
    close.set_revision(monitor.revision());
    close.set_note("closed");
    if (primaries_.empty()) return control;
    const Primary& primary =
        primaries_[primaries_.size() - 1 -
                   Below(std::min<int>(20, static_cast<int>(primaries_.size())))];
    close.set_key(primary.key);
    close.set_primary_sequence(primary.sequence);
    return control;
  }

  std::mt19937_64 random_;
  EntryMaker maker_;
  std::vector<lapse::v1::Monitor> monitors_;
  std::vector<Primary> primaries_;
  double now_ = 0;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_TEST_SCRIPT_H_
