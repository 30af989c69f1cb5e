#include "monitors/alert_builder.h"

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

Alert Build(const Transition& transition) {
  return BuildAlert(OrderMonitor(), **CompiledMonitor::Compile(OrderMonitor()), "A-17", transition);
}

TEST(AlertNameTest, FollowsFromTheExpectationAlone) {
  // Written down: a change would make every alert anew after an upgrade.
  EXPECT_EQ(AlertName("uid", 1, 17), "alerts/db79331b1db8fcd6cbb1e02901da6712");
  EXPECT_EQ(AlertName("uid", 1, 17).size(), std::string("alerts/").size() + 32);
  EXPECT_NE(AlertName("uid", 1, 17), AlertName("uid", 2, 17));
  EXPECT_NE(AlertName("uid", 1, 17), AlertName("uid", 1, 18));
  EXPECT_NE(AlertName("uid", 1, 17), AlertName("uie", 1, 17));
}

TEST(AlertBuilderTest, EveryFieldIsFilledIn) {
  const Alert alert = Build(LateTransition());
  EXPECT_EQ(alert.name(), AlertName("uid-order-delivered", 1, 17));
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
