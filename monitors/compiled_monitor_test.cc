#include "monitors/compiled_monitor.h"

#include <string>

#include "base/errors.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "monitors/test_monitors.h"

namespace lapse::monitors {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::shared_ptr<const CompiledMonitor> Compile(const lapse::v1::Monitor& monitor) {
  auto compiled = CompiledMonitor::Compile(monitor);
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  return *compiled;
}

// "primary:A" and so on, or "no_key".
std::vector<std::string> Classify(const lapse::v1::Monitor& monitor,
                                  const lapse::v1::Event& event) {
  const auto batch = storage::EventBatch::Of(event);
  const Classification found =
      Compile(monitor)->Classify(storage::AcceptedEvent{&batch.events()[0], 1, At(1), At(0)});
  std::vector<std::string> texts;
  for (const KeyRole& role : found.roles) {
    static constexpr const char* kNames[] = {"primary:", "secondary:", "cancel:"};
    texts.push_back(kNames[static_cast<int>(role.role)] + role.key);
  }
  if (found.no_key) texts.push_back("no_key");
  return texts;
}

lapse::v1::Event Keyed(const std::string& type, const lapse::v1::Value& key) {
  lapse::v1::Event event = MakeEvent(type, "", 0);
  (*event.mutable_attributes())["order_id"] = key;
  return event;
}

std::optional<std::string> KeyOfValue(const lapse::v1::Value& value) {
  const auto batch = storage::EventBatch::Of(Keyed("created", value));
  return KeyOf(*batch.events()[0].FindAttribute("order_id"));
}

TEST(KeyOfTest, StringAsItIsInt64InDecimalBoolAsWord) {
  lapse::v1::Value value;
  value.set_string_value(" A-17 ");
  EXPECT_EQ(KeyOfValue(value), " A-17 ");
  value.set_int64_value(-42);
  EXPECT_EQ(KeyOfValue(value), "-42");
  value.set_bool_value(true);
  EXPECT_EQ(KeyOfValue(value), "true");
  value.set_bool_value(false);
  EXPECT_EQ(KeyOfValue(value), "false");
}

TEST(KeyOfTest, EmptyDoubleAndTooLongMakeNoKey) {
  lapse::v1::Value value;
  value.set_string_value("");
  EXPECT_EQ(KeyOfValue(value), std::nullopt);
  value.set_double_value(1);
  EXPECT_EQ(KeyOfValue(value), std::nullopt);
  value.set_string_value(std::string(limits::kMaxKeyBytes, 'k'));
  EXPECT_NE(KeyOfValue(value), std::nullopt);
  value.set_string_value(std::string(limits::kMaxKeyBytes + 1, 'k'));
  EXPECT_EQ(KeyOfValue(value), std::nullopt);
}

TEST(CompiledMonitorTest, EachPatternGivesItsRole) {
  EXPECT_THAT(Classify(OrderMonitor(), MakeEvent("created", "A", 0)), ElementsAre("primary:A"));
  EXPECT_THAT(Classify(OrderMonitor(), MakeEvent("delivered", "A", 0)), ElementsAre("secondary:A"));
  EXPECT_THAT(Classify(OrderMonitor(), MakeEvent("cancelled", "A", 0)), ElementsAre("cancel:A"));
  EXPECT_THAT(Classify(OrderMonitor(), MakeEvent("other", "A", 0)), IsEmpty());
}

TEST(CompiledMonitorTest, AnEventWithoutUsableKeyTakesNoPartAndIsCounted) {
  EXPECT_THAT(Classify(OrderMonitor(), MakeEvent("created", "", 0)), ElementsAre("no_key"));
  lapse::v1::Value value;
  value.set_double_value(17);
  EXPECT_THAT(Classify(OrderMonitor(), Keyed("created", value)), ElementsAre("no_key"));
  value.set_string_value("");
  EXPECT_THAT(Classify(OrderMonitor(), Keyed("created", value)), ElementsAre("no_key"));
  EXPECT_THAT(Classify(OrderMonitor(), MakeEvent("other", "", 0)), IsEmpty());
}

TEST(CompiledMonitorTest, AnEventThatTheFilterLeavesOutIsNotCountedAsNoKey) {
  lapse::v1::Monitor monitor = OrderMonitor();
  monitor.mutable_follow_up()->mutable_primary()->set_filter("source = \"checkout\"");
  EXPECT_THAT(Classify(monitor, MakeEvent("created", "", 0)), IsEmpty());
}

TEST(CompiledMonitorTest, FiltersDecide) {
  lapse::v1::Monitor monitor = OrderMonitor();
  monitor.mutable_follow_up()->mutable_primary()->set_filter("attributes.amount > 100");
  lapse::v1::Event event = MakeEvent("created", "A", 0);
  EXPECT_THAT(Classify(monitor, event), IsEmpty());
  (*event.mutable_attributes())["amount"].set_int64_value(101);
  EXPECT_THAT(Classify(monitor, event), ElementsAre("primary:A"));
}

TEST(CompiledMonitorTest, OneRoleForAKeyPrimaryBeforeSecondaryBeforeCancel) {
  lapse::v1::Monitor monitor = OrderMonitor();
  lapse::v1::FollowUp& rules = *monitor.mutable_follow_up();
  rules.mutable_primary()->set_event_type("status");
  rules.mutable_primary()->set_filter("attributes.open = true");
  rules.mutable_secondary()->set_event_type("status");
  rules.mutable_secondary()->set_filter("attributes.done = true");
  rules.mutable_cancel()->set_event_type("status");
  lapse::v1::Event event = MakeEvent("status", "A", 0);
  EXPECT_THAT(Classify(monitor, event), ElementsAre("cancel:A"));
  (*event.mutable_attributes())["done"].set_bool_value(true);
  EXPECT_THAT(Classify(monitor, event), ElementsAre("secondary:A"));
  (*event.mutable_attributes())["open"].set_bool_value(true);
  EXPECT_THAT(Classify(monitor, event), ElementsAre("primary:A"));
}

TEST(CompiledMonitorTest, WithDifferentKeyAttributesAnEventMayPlayARoleForEachKey) {
  lapse::v1::Monitor monitor = OrderMonitor();
  lapse::v1::FollowUp& rules = *monitor.mutable_follow_up();
  rules.mutable_secondary()->set_event_type("created");
  rules.mutable_secondary()->set_key_attribute("replaces");
  lapse::v1::Event event = MakeEvent("created", "A", 0);
  (*event.mutable_attributes())["replaces"] = StringValue("B");
  EXPECT_THAT(Classify(monitor, event), ElementsAre("primary:A", "secondary:B"));
  (*event.mutable_attributes())["replaces"] = StringValue("A");
  EXPECT_THAT(Classify(monitor, event), ElementsAre("primary:A"));
  event.mutable_attributes()->erase("replaces");
  EXPECT_THAT(Classify(monitor, event), ElementsAre("primary:A"));
  event.mutable_attributes()->clear();
  EXPECT_THAT(Classify(monitor, event), ElementsAre("no_key"));
}

TEST(CompiledMonitorTest, KeyFingerprintsDifferByMonitorRevisionAndKey) {
  lapse::v1::Monitor second = OrderMonitor();
  second.set_revision(2);
  const auto first = Compile(OrderMonitor());
  EXPECT_EQ(first->KeyFingerprint(7, "A"), Compile(OrderMonitor())->KeyFingerprint(7, "A"));
  EXPECT_NE(first->KeyFingerprint(7, "A"), first->KeyFingerprint(7, "B"));
  EXPECT_NE(first->KeyFingerprint(7, "A"), first->KeyFingerprint(8, "A"));
  EXPECT_NE(first->KeyFingerprint(7, "A"), Compile(second)->KeyFingerprint(7, "A"));
  EXPECT_NE(first->KeyFingerprint(7, "A"), Compile(OrderMonitor("x"))->KeyFingerprint(7, "A"));
}

TEST(CompiledMonitorTest, WhatWasNeverValidatedIsRefused) {
  lapse::v1::Monitor monitor = OrderMonitor();
  monitor.mutable_follow_up()->mutable_primary()->set_filter("amount >");
  EXPECT_EQ(CompiledMonitor::Compile(monitor).status().code(), absl::StatusCode::kInvalidArgument);
  monitor.clear_follow_up();
  const absl::Status status = CompiledMonitor::Compile(monitor).status();
  EXPECT_EQ(DetailsOf(status).reason, "CONDITION_MISSING");
}

}  // namespace
}  // namespace lapse::monitors
