// What the books and alerts show: firing, resolving, closing, ageing, forgetting. Events come in
// order.
#include <string>
#include <vector>

#include "base/limits.h"
#include "gtest/gtest.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/follow_up_driver.h"

namespace lapse::monitors {
namespace {

using lapse::v1::Alert;
using lapse::v1::FollowUp;

constexpr double kDay = 86'400;
constexpr double kMicro = 1e-6;

FollowUpRules WithGrace(double grace) {
  FollowUpRules rules = TestRules();
  rules.grace_us = Micros(grace);
  return rules;
}

TEST(FollowUpFiring, FiresAtTheFirstMarkPastDueAndNotBefore) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  EXPECT_EQ(driver.NextMarkUs(), Micros(160) + 1);
  driver.JumpTo(160, 160);
  EXPECT_TRUE(driver.Of("p").alerts.empty()) << "a mark at due does not fire";
  EXPECT_EQ(driver.NextMarkUs(), Micros(160) + 1);
  driver.JumpTo(160 + kMicro, 160.25);
  const AlertEffect alert = driver.Of("p").alert();
  EXPECT_EQ(alert.state, Alert::STATE_FIRING);
  EXPECT_EQ(alert.reason, Alert::REASON_DEADLINE_PASSED);
  EXPECT_EQ(alert.version, 1);
  EXPECT_TRUE(alert.notify);
  EXPECT_EQ(alert.fire_time_us, Micros(160.25)) << "the wall clock of the entry";
  EXPECT_EQ(alert.resolve_time_us, 0);
  EXPECT_FALSE(alert.detected_late);
}

TEST(FollowUpFiring, FiresOnceAlsoWhenNoFurtherEventEverArrives) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  for (int second = 161; second < 300; ++second) driver.JumpTo(second, second);
  EXPECT_EQ(driver.Of("p").alerts.size(), 1u);
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_MISSED);
}

TEST(FollowUpFiring, GraceDelaysFiringAndTheBooksSayPendingUntilThen) {
  FollowUpDriver driver(WithGrace(30));
  driver.Primary(100, "p1");
  driver.Primary(170, "p2");
  driver.MarkTo(190);
  EXPECT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_PENDING) << "judged missed, not fired";
  driver.MarkTo(190 + kMicro);
  EXPECT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_MISSED);
  EXPECT_EQ(driver.Of("p1").transitions.back().due_us, Micros(160));
}

struct DetectedCase {
  double write;
  bool detected_late;
};

TEST(FollowUpFiring, DetectedLateIsMoreThanASecondPastDuePlusGrace) {
  for (const auto& [write, detected_late] :
       {DetectedCase{170.5, false}, DetectedCase{171, false}, DetectedCase{171 + kMicro, true},
        DetectedCase{4'000, true}}) {
    FollowUpDriver driver(WithGrace(10));
    driver.Primary(100, "p");
    driver.JumpTo(170.1, write);
    EXPECT_EQ(driver.Of("p").alert().detected_late, detected_late) << write;
  }
}

TEST(FollowUpFiring, AnOverduePrimaryFiresAtItsReceiveTimePlusSettle) {
  FollowUpDriver driver(TestRules());
  driver.MarkTo(1'000);
  driver.Primary(100, "p");
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_PENDING);
  EXPECT_EQ(driver.NextMarkUs(), Micros(1'005) + 1);
  driver.MarkTo(1'005);
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_PENDING);
  driver.MarkTo(1'006);
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_MISSED);
  EXPECT_EQ(driver.Of("p").alert().reason, Alert::REASON_DEADLINE_PASSED);
  EXPECT_TRUE(driver.Of("p").alert().detected_late);
}

TEST(FollowUpFiring, APrimaryReceivedExactlyAtDuePlusGraceIsNotOverdue) {
  FollowUpDriver driver(TestRules());
  driver.MarkTo(160);
  driver.Primary(100, "p");
  EXPECT_EQ(driver.NextMarkUs(), Micros(160) + 1);
}

TEST(FollowUpFiring, TheFollowUpOfAnOverduePrimaryWithinSettleMakesNoAlert) {
  FollowUpDriver driver(TestRules());
  driver.MarkTo(1'000);
  driver.Primary(100, "p");
  driver.MarkTo(1'003);
  driver.Secondary(130, "s");
  driver.MarkAll();
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_MET);
  EXPECT_TRUE(driver.Of("p").alerts.empty());
}

TEST(FollowUpFiring, SeveralOverdueFireInOneMarkOldestFirst) {
  FollowUpDriver driver(TestRules(FollowUp::ON_REPEAT_STACK));
  driver.Primary(100, "p1");
  driver.Primary(101, "p2");
  driver.Primary(102, "p3");
  driver.JumpTo(500, 500);
  std::vector<int64_t> fired;
  for (const Transition& transition : driver.transitions()) {
    if (transition.has_alert) fired.push_back(transition.primary_sequence);
  }
  EXPECT_EQ(fired, (std::vector<int64_t>{1, 2, 3}));
}

TEST(FollowUpResolving, ALateFollowUpResolvesTheAlertAndSaysHowLate) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.MarkTo(162);
  driver.Secondary(163.2, "s");
  const Told& told = driver.Of("p");
  ASSERT_EQ(told.alerts.size(), 2u);
  EXPECT_EQ(told.verdict, lapse::v1::VERDICT_LATE);
  EXPECT_EQ(told.reason, lapse::v1::VERDICT_REASON_FOLLOWED_LATE);
  EXPECT_DOUBLE_EQ(told.lateness, 3.2);
  EXPECT_EQ(told.alert().state, Alert::STATE_RESOLVED);
  EXPECT_EQ(told.alert().reason, Alert::REASON_FOLLOWED_LATE);
  EXPECT_TRUE(told.alert().notify);
  EXPECT_EQ(told.alert().fire_time_us, told.alerts[0].fire_time_us);
  EXPECT_EQ(told.alert().resolve_time_us, Micros(163.2));
}

TEST(FollowUpResolving, ALateFollowUpKnownWithinGraceMakesAnAlertThatIsOnlyResolvedAndNotSent) {
  FollowUpDriver driver(WithGrace(30));
  driver.Primary(100, "p");
  driver.Secondary(165, "s");
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_PENDING) << "until its fire time";
  driver.MarkTo(191);
  const Told& told = driver.Of("p");
  ASSERT_EQ(told.alerts.size(), 1u);
  EXPECT_EQ(told.verdict, lapse::v1::VERDICT_LATE);
  EXPECT_DOUBLE_EQ(told.lateness, 5);
  EXPECT_EQ(told.alert().state, Alert::STATE_RESOLVED);
  EXPECT_EQ(told.alert().reason, Alert::REASON_FOLLOWED_LATE);
  EXPECT_FALSE(told.alert().notify);
  EXPECT_EQ(told.alert().fire_time_us, 0);
  EXPECT_FALSE(told.alert().detected_late);
}

TEST(FollowUpResolving, ItIsToldAlsoWhenBothEventsHaveLongSettledByThen) {
  FollowUpDriver driver(WithGrace(3'000));
  driver.Primary(100, "p");
  driver.Secondary(165, "s");
  driver.Primary(1'000, "p2");
  driver.Secondary(1'010, "s2");
  driver.Reparse();
  driver.MarkTo(3'200);
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_LATE);
  EXPECT_EQ(driver.Of("p").ended_by, "s");
}

TEST(FollowUpResolving, ACancelKnownWithinGraceMakesAnAlertThatIsOnlyResolvedAndNotSent) {
  FollowUpDriver driver(WithGrace(30));
  driver.Primary(100, "p");
  driver.Cancel(165, "c");
  driver.MarkTo(191);
  const Told& told = driver.Of("p");
  ASSERT_EQ(told.alerts.size(), 1u);
  EXPECT_EQ(told.verdict, lapse::v1::VERDICT_MISSED);
  EXPECT_EQ(told.alert().reason, Alert::REASON_CANCELLED_LATE);
  EXPECT_FALSE(told.alert().notify);
}

TEST(FollowUpResolving, AFollowUpReceivedAfterFiringThoughInTimeResolvesAsReceivedLate) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.MarkTo(200);
  driver.Secondary(155, "s");
  const Told& told = driver.Of("p");
  EXPECT_EQ(told.verdict, lapse::v1::VERDICT_MET);
  EXPECT_DOUBLE_EQ(told.elapsed, 55);
  ASSERT_EQ(told.alerts.size(), 2u);
  EXPECT_EQ(told.alert().state, Alert::STATE_RESOLVED);
  EXPECT_EQ(told.alert().reason, Alert::REASON_RECEIVED_LATE);
  EXPECT_TRUE(told.alert().notify);
}

TEST(FollowUpResolving, ACancelReceivedAfterFiringThoughInTimeResolvesAsReceivedLate) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.MarkTo(200);
  driver.Cancel(155, "c");
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_CANCELLED);
  EXPECT_EQ(driver.Of("p").alert().reason, Alert::REASON_RECEIVED_LATE);
}

TEST(FollowUpClosing, ClosingByHandResolvesAndTheVerdictStaysMissed) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.MarkTo(170);
  EXPECT_TRUE(driver.CloseAlert("p", "known outage"));
  const Told& told = driver.Of("p");
  EXPECT_EQ(told.verdict, lapse::v1::VERDICT_MISSED);
  EXPECT_EQ(told.alert().state, Alert::STATE_RESOLVED);
  EXPECT_EQ(told.alert().reason, Alert::REASON_CLOSED_BY_HAND);
  EXPECT_EQ(told.alert().close_note, "known outage");
  EXPECT_TRUE(told.alert().notify);
  EXPECT_FALSE(driver.key().IsLive());
}

TEST(FollowUpClosing, NothingAmendsOrFiresAgainWhatWasClosedByHand) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.MarkTo(165);
  ASSERT_TRUE(driver.CloseAlert("p", ""));
  driver.Secondary(150, "in time");
  driver.Secondary(166, "late");
  driver.Primary(99, "earlier");
  driver.Cancel(167, "c");
  driver.MarkAll();
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_MISSED);
  EXPECT_EQ(driver.Of("p").alerts.size(), 2u);
}

TEST(FollowUpClosing, AClosedOneNoLongerStandsInTheWayOfLaterEvents) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p1");
  driver.MarkTo(165);
  ASSERT_TRUE(driver.CloseAlert("p1", ""));
  driver.Primary(150, "p2");
  driver.Secondary(168, "s");
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_MET);
}

TEST(FollowUpClosing, AnEventJudgedAgainAfterAClosingIsJudgedAsBefore) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p1");
  driver.Primary(158, "ignored");
  driver.MarkTo(161);
  ASSERT_TRUE(driver.CloseAlert("p1", ""));
  driver.Cancel(157, "out of place");
  driver.MarkAll();
  EXPECT_EQ(driver.VerdictOf("ignored"), lapse::v1::VERDICT_UNSPECIFIED);
}

TEST(FollowUpClosing, OnlyAFiringAlertOfTheKeyIsClosed) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  EXPECT_FALSE(driver.CloseAlert("p", "")) << "pending";
  EXPECT_FALSE(driver.CloseAlert("unknown", ""));
  driver.MarkTo(161);
  EXPECT_TRUE(driver.CloseAlert("p", ""));
  EXPECT_FALSE(driver.CloseAlert("p", "")) << "closed already";
  EXPECT_EQ(driver.Of("p").alerts.size(), 2u);
}

TEST(FollowUpClosing, AMissedOneIsClosedByAgeAfterThirtyDays) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.MarkTo(160 + 30 * kDay);
  EXPECT_EQ(driver.Of("p").alert().state, Alert::STATE_FIRING);
  EXPECT_EQ(driver.NextMarkUs(), Micros(160 + 30 * kDay) + 1);
  driver.MarkTo(161 + 30 * kDay);
  EXPECT_EQ(driver.Of("p").alert().reason, Alert::REASON_CLOSED_BY_AGE);
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_MISSED);
  EXPECT_FALSE(driver.key().IsLive());
}

TEST(FollowUpClosing, ASecondaryAmendsUntilThen) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.Secondary(160 + 29 * kDay, "s");
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_LATE);
}

TEST(FollowUpClosing, APrimaryOlderThanThatStillFiresAndIsHeldThirtyDaysFromThen) {
  FollowUpDriver driver(TestRules());
  driver.MarkTo(100 * kDay);
  driver.Primary(100, "p");
  driver.MarkTo(101 * kDay);
  EXPECT_EQ(driver.Of("p").alert().state, Alert::STATE_FIRING);
  driver.MarkTo(131 * kDay);
  EXPECT_EQ(driver.Of("p").alert().reason, Alert::REASON_CLOSED_BY_AGE);
}

TEST(FollowUpClosing, BeyondAThousandAmendableOnesTheOldestIsClosedAsByAge) {
  FollowUpDriver driver(TestRules(FollowUp::ON_REPEAT_STACK));
  for (size_t i = 0; i < limits::kMaxAmendablePerKey + 2; ++i) {
    driver.Primary(100 + i * 0.2, "p" + std::to_string(i));
  }
  driver.MarkTo(10'000);
  EXPECT_EQ(driver.Of("p0").alert().reason, Alert::REASON_CLOSED_BY_AGE);
  EXPECT_EQ(driver.Of("p1").alert().reason, Alert::REASON_CLOSED_BY_AGE);
  EXPECT_EQ(driver.Of("p2").alert().state, Alert::STATE_FIRING);
  EXPECT_EQ(driver.VerdictOf("p0"), lapse::v1::VERDICT_MISSED);
}

TEST(FollowUpClosing, WhatIsMissedButNotYetFiredIsBoundedToo) {
  FollowUpRules rules = TestRules(FollowUp::ON_REPEAT_STACK);
  rules.grace_us = Micros(10 * kDay);
  FollowUpDriver driver(rules);
  for (size_t i = 0; i < limits::kMaxAmendablePerKey + 400; ++i) {
    driver.Primary(100 + i * 0.2, "p" + std::to_string(i));
  }
  driver.Primary(5'000, "last");
  const Told& told = driver.Of("p399");
  ASSERT_EQ(told.alerts.size(), 2u);
  EXPECT_EQ(told.alerts[0].reason, Alert::REASON_DEADLINE_PASSED);
  EXPECT_EQ(told.alerts[1].reason, Alert::REASON_CLOSED_BY_AGE);
  EXPECT_EQ(driver.VerdictOf("p400"), lapse::v1::VERDICT_PENDING);
}

TEST(FollowUpCancelling, DisablingOrDeletingCancelsWhatIsPendingWithThatReason) {
  for (const auto reason :
       {lapse::v1::VERDICT_REASON_MONITOR_DISABLED, lapse::v1::VERDICT_REASON_MONITOR_DELETED}) {
    FollowUpDriver driver(TestRules(FollowUp::ON_REPEAT_STACK));
    driver.Primary(100, "fired");
    driver.Primary(150, "p1");
    driver.Primary(155, "p2");
    driver.MarkTo(170);
    driver.CancelPending(reason);
    for (const char* id : {"p1", "p2"}) {
      EXPECT_EQ(driver.VerdictOf(id), lapse::v1::VERDICT_CANCELLED);
      EXPECT_EQ(driver.Of(id).reason, reason);
      EXPECT_TRUE(driver.Of(id).alerts.empty());
    }
    EXPECT_EQ(driver.Of("fired").alert().state, Alert::STATE_FIRING) << "firing alerts stay";
    driver.MarkTo(1'000);
    EXPECT_TRUE(driver.Of("p1").alerts.empty());
  }
}

TEST(FollowUpCancelling, AFiringAlertThatStayedCanStillBeAmended) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.MarkTo(170);
  driver.CancelPending(lapse::v1::VERDICT_REASON_MONITOR_DISABLED);
  driver.Secondary(180, "s");
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_LATE);
}

TEST(FollowUpCancelling, JudgingAgainPassesOverWhatWasCancelled) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.CancelPending(lapse::v1::VERDICT_REASON_MONITOR_DISABLED);
  driver.Secondary(105, "s1");
  driver.Primary(99, "earlier");
  driver.MarkAll();
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_CANCELLED);
  EXPECT_EQ(driver.Of("p").transitions.size(), 2u);
  EXPECT_EQ(driver.VerdictOf("earlier"), lapse::v1::VERDICT_MET);
}

TEST(FollowUpForgetting, AKeyIsForgottenWhenNothingIsLiveAndNoEventCameForTheRetention) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.Secondary(120, "s");
  EXPECT_FALSE(driver.key().IsLive());
  EXPECT_EQ(driver.NextMarkUs(), Micros(120 + 3'600));
  EXPECT_FALSE(driver.key().IsForgettable(driver.now()));
  driver.JumpTo(120 + 3'600, 120 + 3'600);
  EXPECT_TRUE(driver.key().IsForgettable(driver.now()));
  EXPECT_EQ(driver.NextMarkUs(), kNever);
}

TEST(FollowUpForgetting, AKeyWithAnythingPendingOrAmendableIsKept) {
  FollowUpRules rules = TestRules();
  rules.within_us = Micros(kDay);
  FollowUpDriver driver(rules);
  driver.Primary(100, "p");
  driver.MarkTo(100 + 0.9 * kDay);
  EXPECT_FALSE(driver.key().IsForgettable(driver.now())) << "pending";
  driver.MarkTo(20 * kDay);
  EXPECT_FALSE(driver.key().IsForgettable(driver.now())) << "amendable";
  driver.MarkTo(40 * kDay);
  EXPECT_TRUE(driver.key().IsForgettable(driver.now()));
}

TEST(FollowUpListing, OpenOnesAndTheNewestSixteenEndedAreListed) {
  FollowUpDriver driver(TestRules());
  for (int i = 0; i < 100; ++i) {
    driver.Primary(100 + 20 * i, "p" + std::to_string(i));
    driver.Secondary(101 + 20 * i, "s" + std::to_string(i));
  }
  driver.Primary(3'000, "open");
  const std::vector<ListedExpectation> listed = driver.List();
  ASSERT_EQ(listed.size(), 17u);
  EXPECT_EQ(listed.front().primary_time_us, Micros(100 + 20 * 84));
  EXPECT_EQ(listed.front().verdict, lapse::v1::VERDICT_MET);
  EXPECT_EQ(listed.front().elapsed_us, Micros(1));
  EXPECT_GT(listed.front().ending_sequence, listed.front().primary_sequence);
  EXPECT_EQ(listed.back().verdict, lapse::v1::VERDICT_PENDING);
  EXPECT_EQ(listed.back().due_us, Micros(3'060));
  driver.Reparse();
  EXPECT_EQ(driver.List().size(), 17u);
}

TEST(FollowUpListing, AlertVersionIsZeroWithoutAnAlert) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  EXPECT_EQ(driver.List().at(0).alert_version, 0);
  driver.MarkTo(170);
  EXPECT_EQ(driver.List().at(0).alert_version, 1);
}

TEST(FollowUpListing, AKeyThatGoesOnForLongStaysSmall) {
  for (const auto on_repeat :
       {FollowUp::ON_REPEAT_KEEP_FIRST, FollowUp::ON_REPEAT_RESTART, FollowUp::ON_REPEAT_STACK}) {
    FollowUpDriver driver(TestRules(on_repeat));
    size_t largest = 0;
    for (int i = 0; i < 2'000; ++i) {
      driver.Primary(100 + 3 * i, "p" + std::to_string(i));
      if (i % 7 != 0) driver.Secondary(101 + 3 * i, "s" + std::to_string(i));
      if (i % 50 == 0) driver.Cancel(102 + 3 * i, "c" + std::to_string(i));
      if (i % 100 == 99) largest = std::max(largest, driver.Bytes().size());
    }
    EXPECT_LT(largest, 10'000u) << on_repeat;
  }
}

}  // namespace
}  // namespace lapse::monitors
