#include "notifiers/alert_text.h"

#include <functional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "notifiers/test_messages.h"

namespace lapse::notifiers {
namespace {

using lapse::v1::Alert;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

TEST(HeadlineTest, SaysStateMonitorKeyAndWhy) {
  const struct {
    Alert alert;
    std::function<void(Alert&)> change;
    std::string expected;
  } kCases[] = {
      {FiringAlert("A-17"), [](Alert&) {},
       "FIRING order delivered: A-17 - order_delivered did not follow order_created within 10 s"},
      {FiringAlert("A-17"), [](Alert& a) { a.clear_monitor_display_name(); },
       "FIRING monitors/order-delivered: A-17 - order_delivered did not follow order_created "
       "within 10 s"},
      // A clock that ran ahead: the time was held back to the receive time.
      {FiringAlert("A-17"),
       [](Alert& a) { SetTimestamp(kDueTimeUs, a.mutable_primary_event()->mutable_occur_time()); },
       "FIRING order delivered: A-17 - order_delivered did not follow order_created within 9.9 s"},
      {ResolvedAlert("A-17"), [](Alert&) {},
       "RESOLVED order delivered: A-17 - order_delivered arrived 3.2 s late"},
      {ResolvedAlert("A-17"), [](Alert& a) { a.set_reason(Alert::REASON_RECEIVED_LATE); },
       "RESOLVED order delivered: A-17 - order_delivered had come in time, but was received late"},
      {ResolvedAlert("A-17"), [](Alert& a) { a.set_reason(Alert::REASON_CANCELLED_LATE); },
       "RESOLVED order delivered: A-17 - cancelled after the deadline"},
      {ResolvedAlert("A-17"), [](Alert& a) { a.set_reason(Alert::REASON_SUPERSEDED); },
       "RESOLVED order delivered: A-17 - an event received out of order shows that nothing was "
       "due"},
      {ResolvedAlert("A-17"), [](Alert& a) { a.set_reason(Alert::REASON_CLOSED_BY_HAND); },
       "RESOLVED order delivered: A-17 - closed by hand"},
      {ResolvedAlert("A-17"), [](Alert& a) { a.set_reason(Alert::REASON_CLOSED_BY_AGE); },
       "RESOLVED order delivered: A-17 - closed by age, as order_delivered has not come"},
  };
  for (const auto& c : kCases) {
    Alert alert = c.alert;
    c.change(alert);
    EXPECT_EQ(Headline(alert), c.expected);
  }
}

TEST(TextOfTest, AFiringAlertSaysWhatWasExpectedAndWhatToRun) {
  const MessageText text = TextOf(AlertMessage(FiringAlert("A-17")), "notifiers/ops-mail");
  EXPECT_THAT(text.sentences,
              ElementsAre("order_delivered did not follow order_created within 10 s."));
  EXPECT_THAT(text.facts, Contains(Pair("monitor", "order delivered (monitors/order-delivered)")));
  EXPECT_THAT(text.facts, Contains(Pair("severity", "critical")));
  EXPECT_THAT(text.facts, Contains(Pair("key", "A-17")));
  EXPECT_THAT(text.facts, Contains(Pair("due", "2026-03-01 12:00:10.000 UTC")));
  EXPECT_THAT(text.facts, Contains(Pair("label team", "logistics")));
  EXPECT_THAT(
      text.facts,
      Contains(Pair("primary event",
                    "order_created from checkout, id e-1, at 2026-03-01 12:00:00.000 UTC")));
  EXPECT_THAT(text.attributes, ElementsAre(Pair("amount", "12.5"), Pair("order_id", "A-17")));
  EXPECT_THAT(text.commands, ElementsAre("lapsectl alerts get alerts/a-A-17",
                                         "lapsectl alerts close alerts/a-A-17"));
}

TEST(TextOfTest, AnAlertDetectedLateSaysSo) {
  Alert alert = FiringAlert("A-17");
  alert.set_detected_late(true);
  SetTimestamp(kDueTimeUs + 90'000'000, alert.mutable_fire_time());
  EXPECT_THAT(TextOf(AlertMessage(alert), "").sentences,
              Contains(HasSubstr("It was detected 1 min 30 s after it was due")));
}

TEST(TextOfTest, ARejudgedAlertSaysWhyItFiresNow) {
  Alert alert = FiringAlert("A-17");
  alert.set_reason(Alert::REASON_REJUDGED);
  EXPECT_THAT(TextOf(AlertMessage(alert), "").sentences,
              Contains(HasSubstr("as an event received out of order shows")));
}

TEST(TextOfTest, AClosedAlertShowsItsNote) {
  Alert alert = ResolvedAlert("A-17");
  alert.set_reason(Alert::REASON_CLOSED_BY_HAND);
  alert.set_close_note("driver called\nall well");
  EXPECT_THAT(TextOf(AlertMessage(alert), "").sentences,
              ElementsAre("Resolved: closed by hand.", "Note: driver called\\nall well"));
}

TEST(TextOfTest, AttributesThatWereNotKeptAreCounted) {
  Alert alert = FiringAlert("A-17");
  alert.mutable_primary_event()->set_omitted_attribute_count(3);
  EXPECT_THAT(TextOf(AlertMessage(alert), "").attributes, Contains(Pair("not kept", "3 more")));
}

TEST(TextOfTest, ADigestCountsAndSamples) {
  Message message;
  message.kind = Message::Kind::kDigest;
  message.digested_count = 37;
  message.samples = {FiringAlert("A-1"), ResolvedAlert("A-2")};
  const MessageText text = TextOf(message, "notifiers/ops-mail");
  EXPECT_EQ(text.subject, "[Lapse] 37 more changes of alerts");
  EXPECT_THAT(text.sentences,
              ElementsAre(HasSubstr("37 more changes of alerts"), HasSubstr("2 of the alerts")));
  EXPECT_THAT(text.alert_lines, ElementsAre(HasSubstr("FIRING order delivered: A-1"),
                                            HasSubstr("RESOLVED order delivered: A-2")));
  message.digested_count = 2;
  EXPECT_THAT(TextOf(message, "").sentences, Not(Contains(HasSubstr("of the alerts, each"))));
}

TEST(TextOfTest, ATestNamesItsNotifier) {
  Message message;
  message.kind = Message::Kind::kTest;
  EXPECT_EQ(TextOf(message, "notifiers/ops-mail").subject, "[Lapse] Test of notifiers/ops-mail");
}

}  // namespace
}  // namespace lapse::notifiers
