#include "monitors/alert_builder.h"

#include <cstdint>
#include <memory>
#include <string>

#include "base/proto_time.h"
#include "gtest/gtest.h"
#include "monitors/test_monitors.h"

namespace lapse::monitors {
namespace {

using lapse::v1::Alert;

Transition LateTransition() {
  Transition transition;
  transition.primary_sequence = 17;
  transition.due_us = At(10);
  transition.lateness_us = 3'200'000;
  lapse::v1::EventSummary primary;
  primary.set_sequence(17);
  transition.primary_summary = primary.SerializeAsString();
  lapse::v1::EventSummary secondary;
  secondary.set_sequence(18);
  transition.secondary_summary = secondary.SerializeAsString();
  transition.has_alert = true;
  transition.alert.state = Alert::STATE_RESOLVED;
  transition.alert.reason = Alert::REASON_FOLLOWED_LATE;
  transition.alert.version = 2;
  transition.alert.fire_time_us = At(11);
  transition.alert.resolve_time_us = At(14);
  transition.alert.detected_late = true;
  return transition;
}

using MonitorPointer = std::shared_ptr<const lapse::v1::Monitor>;

MonitorPointer Shared(const lapse::v1::Monitor& monitor) {
  return std::make_shared<const lapse::v1::Monitor>(monitor);
}

storage::EncodedAlert Encode(const Transition& transition) {
  return AlertBuilder(AlertNames())
      .Build(Shared(OrderMonitor()), **CompiledMonitor::Compile(OrderMonitor()), "A-17",
             transition);
}

Alert Build(const Transition& transition) { return Encode(transition).Parse().value(); }

TEST(AlertNameTest, FollowsFromTheExpectationAlone) {
  const AlertNames names;
  // Written down: a change would make every alert anew after an upgrade.
  EXPECT_EQ(names.Of("uid", 1, 17), "alerts/0000000000000011db79331b1db8fcd6");
  EXPECT_NE(names.Of("uid", 1, 17), names.Of("uid", 2, 17));
  EXPECT_NE(names.Of("uid", 1, 17), names.Of("uid", 1, 18));
  EXPECT_NE(names.Of("uid", 1, 17), names.Of("uie", 1, 17));
}

TEST(AlertNameTest, GrowsWithThePrimary) {
  const AlertNames names;
  for (const int64_t sequence : {1ll, 9ll, 10ll, 255ll, 256ll, 1ll << 32, INT64_MAX - 1ll}) {
    EXPECT_LT(names.Of("uid", 1, sequence), names.Of("uid", 1, sequence + 1));
    EXPECT_LT(names.Of("uid", 2, sequence), names.Of("a", 1, sequence + 1));
    EXPECT_EQ(names.Of("uid", 1, sequence).size(), std::string("alerts/").size() + 32);
  }
}

TEST(AlertNameTest, StaysWhatItWasForAlertsOfAnEarlierVersion) {
  const AlertNames names(18);
  EXPECT_EQ(names.Of("uid", 1, 17), "alerts/db79331b1db8fcd6cbb1e02901da6712");
  EXPECT_EQ(names.Of("uid", 1, 18), AlertNames().Of("uid", 1, 18));
}

TEST(AlertBuilderTest, EveryFieldIsFilledIn) {
  const Alert alert = Build(LateTransition());
  EXPECT_EQ(alert.name(), AlertNames().Of("uid-order-delivered", 1, 17));
  EXPECT_EQ(alert.monitor(), "monitors/order-delivered");
  EXPECT_EQ(alert.monitor_uid(), "uid-order-delivered");
  EXPECT_EQ(alert.revision(), 1);
  EXPECT_EQ(alert.key(), "A-17");
  EXPECT_EQ(alert.state(), Alert::STATE_RESOLVED);
  EXPECT_EQ(alert.reason(), Alert::REASON_FOLLOWED_LATE);
  EXPECT_EQ(alert.monitor_display_name(), "Order delivered");
  EXPECT_EQ(alert.severity(), lapse::v1::Monitor::SEVERITY_WARNING);
  EXPECT_EQ(alert.labels().at("team"), "delivery");
  ASSERT_EQ(alert.notifiers_size(), 1);
  EXPECT_EQ(alert.notifiers(0), "notifiers/mail");
  EXPECT_EQ(alert.primary_event().sequence(), 17);
  EXPECT_EQ(alert.secondary_event().sequence(), 18);
  EXPECT_EQ(alert.expected_event_type(), "delivered");
  EXPECT_EQ(ToMicros(alert.due_time()), At(10));
  EXPECT_EQ(ToMicros(alert.fire_time()), At(11));
  EXPECT_EQ(ToMicros(alert.resolve_time()), At(14));
  EXPECT_EQ(ToMicros(alert.lateness()), 3'200'000);
  EXPECT_TRUE(alert.detected_late());
  EXPECT_EQ(alert.version(), 2);
}

TEST(AlertBuilderTest, WhatAStoreDecidesByIsThatOfTheAlert) {
  const storage::EncodedAlert encoded = Encode(LateTransition());
  const Alert alert = encoded.Parse().value();
  EXPECT_EQ(encoded.name(), alert.name());
  EXPECT_EQ(encoded.version(), alert.version());
  EXPECT_EQ(encoded.state(), alert.state());
  EXPECT_TRUE(encoded.has_notifiers());
}

TEST(AlertBuilderTest, NothingOfAnEarlierAlertIsLeft) {
  AlertBuilder builder{AlertNames()};
  const MonitorPointer first = Shared(OrderMonitor());
  lapse::v1::Monitor changed = OrderMonitor();
  changed.set_revision(2);
  changed.set_display_name("Renamed");
  changed.clear_labels();
  changed.clear_notifiers();
  const auto revision = *CompiledMonitor::Compile(*first);
  const auto next_revision = *CompiledMonitor::Compile(changed);
  Transition fired = LateTransition();
  fired.secondary_summary.clear();
  fired.alert = {.state = Alert::STATE_FIRING, .version = 1};
  builder.Build(first, *revision, "A-17", LateTransition());
  const storage::EncodedAlert encoded = builder.Build(Shared(changed), *next_revision, "B", fired);
  const storage::EncodedAlert alone =
      AlertBuilder(AlertNames()).Build(Shared(changed), *next_revision, "B", fired);
  EXPECT_EQ(encoded.Parse().value().DebugString(), alone.Parse().value().DebugString());
  EXPECT_FALSE(encoded.has_notifiers());
  EXPECT_EQ(builder.Build(first, *revision, "B", fired).Parse().value().monitor_display_name(),
            "Order delivered");
  EXPECT_EQ(builder.Build(first, *next_revision, "B", fired).Parse().value().revision(), 2);
}

TEST(AlertBuilderTest, ADamagedSummaryDoesNotMakeTheAlertUnreadable) {
  Transition transition = LateTransition();
  transition.primary_summary.push_back('\x12');
  EXPECT_TRUE(Encode(transition).Parse().ok());
}

TEST(AlertBuilderTest, WhatDoesNotApplyIsUnset) {
  Transition transition = LateTransition();
  transition.secondary_summary.clear();
  transition.lateness_us = -1;
  transition.alert.state = Alert::STATE_FIRING;
  transition.alert.reason = Alert::REASON_DEADLINE_PASSED;
  Alert alert = Build(transition);
  EXPECT_FALSE(alert.has_secondary_event());
  EXPECT_FALSE(alert.has_resolve_time());
  EXPECT_FALSE(alert.has_lateness());
  transition.alert.fire_time_us = 0;
  EXPECT_FALSE(Build(transition).has_fire_time());
}

TEST(AlertBuilderTest, ACloseNoteIsKept) {
  Transition transition = LateTransition();
  transition.alert.reason = Alert::REASON_CLOSED_BY_HAND;
  transition.alert.close_note = "known";
  EXPECT_EQ(Build(transition).close_note(), "known");
}

TEST(AlertBuilderTest, MonitorFactsAreThoseOfTheMadeAlert) {
  Alert made;
  made.set_monitor_display_name("Before");
  made.set_severity(lapse::v1::Monitor::SEVERITY_CRITICAL);
  (*made.mutable_labels())["old"] = "1";
  made.add_notifiers("notifiers/pager");
  Alert alert = Build(LateTransition());
  CopyMonitorFacts(made, &alert);
  EXPECT_EQ(alert.monitor_display_name(), "Before");
  EXPECT_EQ(alert.severity(), lapse::v1::Monitor::SEVERITY_CRITICAL);
  EXPECT_EQ(alert.labels().size(), 1u);
  EXPECT_EQ(alert.labels().at("old"), "1");
  ASSERT_EQ(alert.notifiers_size(), 1);
  EXPECT_EQ(alert.notifiers(0), "notifiers/pager");
}

}  // namespace
}  // namespace lapse::monitors
