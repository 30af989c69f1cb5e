#include "base/filter/alert_fields.h"

#include <string>
#include <vector>

#include "base/errors.h"
#include "base/filter/filter.h"
#include "base/proto_time.h"
#include "gtest/gtest.h"
#include "lapse/v1/alert.pb.h"

namespace lapse {
namespace {

using lapse::v1::Alert;

Alert SampleAlert() {
  Alert alert;
  alert.set_monitor("monitors/order-delivered");
  alert.set_key("A-17");
  alert.set_state(Alert::STATE_RESOLVED);
  alert.set_reason(Alert::REASON_FOLLOWED_LATE);
  alert.set_severity(lapse::v1::Monitor::SEVERITY_CRITICAL);
  (*alert.mutable_labels())["team"] = "logistics";
  SetTimestamp(1'714'521'600'000'000, alert.mutable_due_time());
  SetTimestamp(1'714'521'601'000'000, alert.mutable_fire_time());
  alert.set_detected_late(true);
  return alert;
}

bool Matches(absl::string_view text, const Alert& alert) {
  return Filter::Parse(text, AlertSchema()).value().Matches(AlertFields(alert));
}

TEST(AlertFieldsTest, EveryFieldIsRead) {
  const Alert alert = SampleAlert();
  for (const std::string& filter : std::vector<std::string>{
           "monitor = monitors/order-delivered", "monitor = \"monitors/order-*\"", "key = A-17",
           "state = RESOLVED", "state = STATE_RESOLVED", "reason = FOLLOWED_LATE",
           "reason != REASON_REJUDGED", "severity = CRITICAL", "labels.team = logistics",
           "labels:team", "labels:*", "due_time = 2024-05-01T00:00:00Z",
           "fire_time > 2024-05-01T00:00:00Z", "detected_late = true"}) {
    EXPECT_TRUE(Matches(filter, alert)) << filter;
  }
}

TEST(AlertFieldsTest, WhatIsUnsetIsMissing) {
  const Alert alert;
  for (const std::string& filter :
       std::vector<std::string>{"state != FIRING", "fire_time:*", "due_time < 2024-05-01T00:00:00Z",
                                "labels:*", "labels.team != x", "detected_late = true"}) {
    EXPECT_FALSE(Matches(filter, alert)) << filter;
  }
  EXPECT_TRUE(Matches("detected_late = false", alert));
}

TEST(AlertFieldsTest, UnspecifiedIsNoValue) {
  const absl::Status status = Filter::Parse("state = UNSPECIFIED", AlertSchema()).status();
  EXPECT_EQ(DetailsOf(status).reason, "FILTER_VALUE_INVALID");
}

}  // namespace
}  // namespace lapse
