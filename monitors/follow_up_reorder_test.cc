// Events out of place: judging again, stragglers, and what it does to verdicts and alerts.
#include <string>

#include "base/limits.h"
#include "gtest/gtest.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/follow_up_driver.h"

namespace lapse::monitors {
namespace {

using lapse::v1::Alert;
using lapse::v1::FollowUp;

FollowUpRules WithGrace(double grace) {
  FollowUpRules rules = TestRules();
  rules.grace_us = Micros(grace);
  return rules;
}

TEST(FollowUpReorder, OutOfPlaceByExactlyTheToleranceIsPutInItsPlace) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p1");
  driver.Primary(110, "p2");
  driver.Secondary(100, "s");
  EXPECT_EQ(driver.stragglers(), 0);
  EXPECT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_MET);
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_PENDING) << "no longer a repeat";
}

TEST(FollowUpReorder, FurtherOutOfPlaceIsAStragglerAndCounted) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p1");
  driver.Primary(110 + 1e-6, "p2");
  driver.Secondary(100, "s");
  EXPECT_EQ(driver.stragglers(), 1);
  EXPECT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_MET);
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_UNSPECIFIED) << "p1 was open at its time";
}

TEST(FollowUpReorder, FiringNeverChangesWhatIsOutOfPlace) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.MarkTo(5'000);
  driver.Secondary(159, "s");
  EXPECT_EQ(driver.stragglers(), 0) << "H is the newest event's time, not the mark";
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_MET);
}

TEST(FollowUpReorder, ASecondaryBeforeItsPrimaryIsPutAfterIt) {
  FollowUpDriver driver(TestRules());
  driver.Secondary(105, "s");
  driver.Primary(100, "p");
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_MET);
  EXPECT_DOUBLE_EQ(driver.Of("p").elapsed, 5);
  EXPECT_EQ(driver.Of("p").reason, lapse::v1::VERDICT_REASON_FOLLOWED);
  driver.Primary(105.5, "p2");
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_PENDING) << "s is used up";
}

TEST(FollowUpReorder, AnEarlierSecondaryTakesTheLaterOnesPlace) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.Secondary(130, "s2");
  driver.Secondary(125, "s1");
  const Told& told = driver.Of("p");
  EXPECT_EQ(told.ended_by, "s1");
  EXPECT_DOUBLE_EQ(told.elapsed, 25);
  EXPECT_EQ(told.transitions.back().from, lapse::v1::VERDICT_MET) << "percentiles take 30 s back";
  driver.Primary(130.5, "p2");
  EXPECT_EQ(driver.Of("p2").ended_by, "s2");
}

TEST(FollowUpReorder, AnEarlierCancelEndsWhatALaterSecondaryHadMet) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.Secondary(130, "s");
  driver.Cancel(125, "c");
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_CANCELLED);
}

TEST(FollowUpReorder, AnEarlierPrimaryMakesTheLaterOneWithdrawnAndOpensInItsStead) {
  FollowUpDriver driver(TestRules());
  driver.Primary(105, "later");
  driver.Primary(100, "earlier");
  EXPECT_EQ(driver.VerdictOf("later"), lapse::v1::VERDICT_WITHDRAWN);
  EXPECT_EQ(driver.Of("later").reason, lapse::v1::VERDICT_REASON_SUPERSEDED);
  EXPECT_EQ(driver.VerdictOf("earlier"), lapse::v1::VERDICT_PENDING);
  driver.MarkAll();
  EXPECT_TRUE(driver.Of("later").alerts.empty());
  EXPECT_EQ(driver.Of("earlier").alerts[0].reason, Alert::REASON_DEADLINE_PASSED);
  EXPECT_EQ(driver.ignored(), 0) << "the later one was opened, so it is withdrawn, not ignored";
}

TEST(FollowUpReorder, TheAlertOfAWithdrawnOneIsSuperseded) {
  FollowUpDriver driver(TestRules());
  driver.Primary(105, "later");
  driver.MarkTo(166);
  ASSERT_EQ(driver.Of("later").alert().state, Alert::STATE_FIRING);
  driver.Primary(100, "earlier");
  EXPECT_EQ(driver.VerdictOf("later"), lapse::v1::VERDICT_WITHDRAWN);
  EXPECT_EQ(driver.Of("later").alert().state, Alert::STATE_RESOLVED);
  EXPECT_EQ(driver.Of("later").alert().reason, Alert::REASON_SUPERSEDED);
  EXPECT_TRUE(driver.Of("later").alert().notify);
  driver.MarkTo(180);
  EXPECT_EQ(driver.Of("earlier").alert().state, Alert::STATE_FIRING);
}

TEST(FollowUpReorder, AWithdrawnOneThatOpensAnewIsNotOpenedTwice) {
  FollowUpDriver driver(TestRules());
  driver.Primary(105, "p2");
  driver.Primary(100, "p1");
  ASSERT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_WITHDRAWN);
  driver.Secondary(103, "s");
  EXPECT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_MET);
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_PENDING);
  EXPECT_EQ(driver.Of("p2").transitions.back().from, lapse::v1::VERDICT_WITHDRAWN);
}

TEST(FollowUpReorder, AnAlertThatWasSupersededFiresAgainUnderTheSameName) {
  FollowUpDriver driver(TestRules());
  driver.Primary(105, "p2");
  driver.MarkTo(166);
  driver.Primary(100, "p1");
  driver.Secondary(103, "s");
  const Told& told = driver.Of("p2");
  EXPECT_EQ(told.verdict, lapse::v1::VERDICT_MISSED);
  ASSERT_EQ(told.alerts.size(), 3u);
  EXPECT_EQ(told.alerts[1].reason, Alert::REASON_SUPERSEDED);
  EXPECT_EQ(told.alert().state, Alert::STATE_FIRING);
  EXPECT_EQ(told.alert().reason, Alert::REASON_REJUDGED);
  EXPECT_EQ(told.alert().version, 3);
  EXPECT_TRUE(told.alert().notify);
  EXPECT_EQ(told.alert().fire_time_us, told.alerts[0].fire_time_us) << "when it fired first";
}

TEST(FollowUpReorder, AnAlertResolvedAsReceivedLateFiresAgainWhenItWasMissedAfterAll) {
  FollowUpDriver driver(TestRules(FollowUp::ON_REPEAT_STACK));
  driver.Primary(105, "p2");
  driver.MarkTo(170);
  driver.Secondary(108, "s");
  ASSERT_EQ(driver.Of("p2").alert().reason, Alert::REASON_RECEIVED_LATE);
  driver.Primary(100, "p1");
  EXPECT_EQ(driver.Of("p1").ended_by, "s");
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_MISSED);
  EXPECT_EQ(driver.Of("p2").alert().reason, Alert::REASON_REJUDGED);
  EXPECT_EQ(driver.Of("p2").alert().version, 3);
}

TEST(FollowUpReorder, OneMetBeforeItsFireTimeFiresAtOnceWhenItWasMissedAfterAll) {
  FollowUpDriver driver(TestRules(FollowUp::ON_REPEAT_STACK));
  driver.Primary(105, "p2");
  driver.Secondary(108, "s");
  driver.MarkTo(170);
  ASSERT_TRUE(driver.Of("p2").alerts.empty());
  driver.Primary(100, "p1");
  const Told& told = driver.Of("p2");
  EXPECT_EQ(told.verdict, lapse::v1::VERDICT_MISSED);
  ASSERT_EQ(told.alerts.size(), 1u);
  EXPECT_EQ(told.alert().reason, Alert::REASON_REJUDGED);
  EXPECT_EQ(told.alert().fire_time_us, Micros(170));
  EXPECT_TRUE(told.alert().detected_late);
  EXPECT_TRUE(told.alert().notify);
}

TEST(FollowUpReorder, ARepeatThatWasIgnoredOpensAndFiresAtOnceInOneStep) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p1");
  driver.Primary(105, "p2");
  EXPECT_EQ(driver.ignored(), 1);
  driver.MarkTo(170);
  driver.Secondary(102, "s");
  EXPECT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_MET);
  EXPECT_EQ(driver.Of("p1").alert().reason, Alert::REASON_RECEIVED_LATE);
  ASSERT_EQ(driver.Of("p2").transitions.size(), 1u);
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_MISSED);
  EXPECT_EQ(driver.Of("p2").alert().reason, Alert::REASON_REJUDGED);
  EXPECT_EQ(driver.ignored(), 1) << "counted as judged on arrival";
}

TEST(FollowUpReorder, OneMetBeforeItsFireTimeThatTurnsOutLateIsResolvedOnlyAndNotSent) {
  FollowUpRules rules = TestRules(FollowUp::ON_REPEAT_STACK);
  rules.reorder_tolerance_us = Micros(100);
  FollowUpDriver driver(rules);
  driver.Primary(105, "p2");
  driver.Secondary(108, "s1");
  driver.Secondary(168, "s2");
  ASSERT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_MET);
  driver.Primary(100, "p1");
  const Told& told = driver.Of("p2");
  EXPECT_EQ(told.verdict, lapse::v1::VERDICT_LATE);
  EXPECT_EQ(told.ended_by, "s2");
  ASSERT_EQ(told.alerts.size(), 1u);
  EXPECT_EQ(told.alert().reason, Alert::REASON_FOLLOWED_LATE);
  EXPECT_FALSE(told.alert().notify);
  EXPECT_EQ(told.alert().fire_time_us, 0);
}

TEST(FollowUpReorder, ALateOneKnownWithinGraceThatTurnsOutMetMakesNoAlertAtAll) {
  FollowUpDriver driver(WithGrace(30));
  driver.Primary(100, "p");
  driver.Secondary(165, "late");
  driver.Secondary(158, "in time");
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_MET);
  EXPECT_EQ(driver.Of("p").ended_by, "in time");
  driver.MarkAll();
  EXPECT_TRUE(driver.Of("p").alerts.empty());
}

TEST(FollowUpReorder, ALateOneWhoseFollowUpInTimeArrivesThenIsMetAndReceivedLate) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.Secondary(165, "late");
  ASSERT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_LATE);
  driver.Secondary(158, "in time");
  const Told& told = driver.Of("p");
  EXPECT_EQ(told.verdict, lapse::v1::VERDICT_MET);
  EXPECT_DOUBLE_EQ(told.elapsed, 58);
  ASSERT_EQ(told.alerts.size(), 3u);
  EXPECT_EQ(told.alert().state, Alert::STATE_RESOLVED);
  EXPECT_EQ(told.alert().reason, Alert::REASON_RECEIVED_LATE);
  EXPECT_TRUE(told.alert().notify);
}

TEST(FollowUpReorder, AnEarlierLateFollowUpCorrectsTheAlertAndNobodyIsTold) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.Secondary(168, "s2");
  driver.Secondary(163, "s1");
  const Told& told = driver.Of("p");
  EXPECT_EQ(told.verdict, lapse::v1::VERDICT_LATE);
  EXPECT_DOUBLE_EQ(told.lateness, 3);
  ASSERT_EQ(told.alerts.size(), 3u);
  EXPECT_EQ(told.alert().reason, Alert::REASON_FOLLOWED_LATE);
  EXPECT_FALSE(told.alert().notify);
}

TEST(FollowUpReorder, ALateOneThatTurnsOutMissedFiresAgain) {
  FollowUpDriver driver(TestRules(FollowUp::ON_REPEAT_STACK));
  driver.Primary(100, "p1");
  driver.Secondary(165, "s");
  ASSERT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_LATE);
  driver.Primary(160.5, "p2");
  EXPECT_EQ(driver.Of("p2").ended_by, "s") << "an open one goes first";
  EXPECT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_MISSED);
  EXPECT_EQ(driver.Of("p1").alert().state, Alert::STATE_FIRING);
  EXPECT_EQ(driver.Of("p1").alert().reason, Alert::REASON_REJUDGED);
}

TEST(FollowUpReorder, RestartChainsAreRelinked) {
  FollowUpDriver driver(TestRules(FollowUp::ON_REPEAT_RESTART));
  driver.Primary(100, "p1");
  driver.Primary(108, "p3");
  driver.Primary(104, "p2");
  EXPECT_EQ(driver.Of("p1").ended_by, "p2");
  EXPECT_EQ(driver.Of("p2").ended_by, "p3");
  EXPECT_EQ(driver.VerdictOf("p3"), lapse::v1::VERDICT_PENDING);
  driver.Secondary(106, "s");
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_MET);
  EXPECT_EQ(driver.VerdictOf("p3"), lapse::v1::VERDICT_PENDING);
}

TEST(FollowUpReorder, OneThatWasShedOpensWhenJudgingAgainMakesRoom) {
  FollowUpDriver driver(TestRules(FollowUp::ON_REPEAT_STACK));
  for (size_t i = 0; i < limits::kMaxOpenPerKey; ++i) {
    driver.Primary(100 + i * 0.001, "p" + std::to_string(i));
  }
  driver.Primary(103, "shed");
  ASSERT_EQ(driver.VerdictOf("shed"), lapse::v1::VERDICT_SHED);
  driver.Secondary(102, "s");
  EXPECT_EQ(driver.VerdictOf("p0"), lapse::v1::VERDICT_MET);
  EXPECT_EQ(driver.VerdictOf("shed"), lapse::v1::VERDICT_PENDING);
  driver.Primary(102.5, "before");
  EXPECT_EQ(driver.VerdictOf("shed"), lapse::v1::VERDICT_SHED) << "its place is taken";
}

TEST(FollowUpReorder, AnExpectationWhosePrimaryHasSettledIsStillJudgedAgain) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.Secondary(150, "s2");
  driver.Secondary(145, "s1");
  EXPECT_EQ(driver.Of("p").ended_by, "s1");
  driver.Cancel(148, "c");
  EXPECT_EQ(driver.Of("p").ended_by, "s1");
}

TEST(FollowUpReorder, AnAlertSentAndWithdrawnInTurnsKeepsItsVersionsInOrder) {
  FollowUpDriver driver(TestRules());
  driver.Primary(105, "p2");
  driver.MarkTo(166);
  driver.Primary(100, "p1");
  driver.Secondary(103, "s");
  driver.Cancel(102, "c");
  driver.Secondary(106, "s2");
  EXPECT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_CANCELLED);
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_MET);
}

// Stragglers. H is 200 in each, and the tolerance 10 s.

// Brings H to 200 and leaves nothing open.
void Reach200(FollowUpDriver& driver) {
  driver.Secondary(199.5, "h1");
  driver.Primary(200, "h2");
  ASSERT_EQ(driver.VerdictOf("h2"), lapse::v1::VERDICT_MET);
}

TEST(FollowUpStraggler, APrimaryKeepsItsTimeForDueAndDurations) {
  FollowUpDriver driver(TestRules());
  Reach200(driver);
  driver.Primary(150, "p");
  EXPECT_EQ(driver.stragglers(), 1);
  EXPECT_EQ(driver.Of("p").transitions[0].due_us, Micros(210));
  driver.Secondary(205, "s");
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_MET);
  EXPECT_DOUBLE_EQ(driver.Of("p").elapsed, 55);
}

TEST(FollowUpStraggler, APrimaryPastItsDueIsOverdue) {
  FollowUpDriver driver(TestRules());
  Reach200(driver);
  driver.Primary(50, "p");
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_PENDING);
  driver.MarkTo(206);
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_MISSED);
  driver.Secondary(207, "s");
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_LATE);
  EXPECT_DOUBLE_EQ(driver.Of("p").lateness, 97);
}

TEST(FollowUpStraggler, ASecondaryTouchesOnlyExpectationsWhosePrimaryIsAtMostSkewAfterIt) {
  FollowUpDriver driver(TestRules());
  driver.Primary(200, "p");
  driver.Secondary(180, "s");
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_PENDING);
  FollowUpRules rules = TestRules();
  rules.clock_skew_us = Micros(20);
  FollowUpDriver skewed(rules);
  skewed.Primary(200, "p");
  skewed.Secondary(180, "s");
  EXPECT_EQ(skewed.VerdictOf("p"), lapse::v1::VERDICT_MET);
  EXPECT_DOUBLE_EQ(skewed.Of("p").elapsed, 0) << "never below 0";
}

TEST(FollowUpStraggler, ACancelTouchesOnlyExpectationsWhosePrimaryIsAtMostSkewAfterIt) {
  FollowUpDriver driver(TestRules(FollowUp::ON_REPEAT_STACK));
  driver.Primary(170, "p1");
  driver.Primary(200, "p2");
  driver.Cancel(180, "c");
  EXPECT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_CANCELLED);
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_PENDING);
}

TEST(FollowUpStraggler, ASecondaryAtOrBeforeDueMeetsAlsoOneThatIsMissedAlready) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p1");
  driver.Primary(200, "p2");
  ASSERT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_MISSED);
  driver.Secondary(160, "at due");
  EXPECT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_MET);
  EXPECT_DOUBLE_EQ(driver.Of("p1").elapsed, 60);
  EXPECT_EQ(driver.Of("p1").alert().reason, Alert::REASON_RECEIVED_LATE);
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_PENDING);
}

TEST(FollowUpStraggler, ASecondaryAfterDueMakesAMissedOneLate) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p1");
  driver.Primary(200, "p2");
  driver.Secondary(163, "s");
  EXPECT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_LATE);
  EXPECT_DOUBLE_EQ(driver.Of("p1").lateness, 3);
}

TEST(FollowUpStraggler, AnUnmatchedSecondaryKeepsItsTime) {
  FollowUpDriver driver(TestRules());
  Reach200(driver);
  driver.Secondary(180, "s");
  driver.Primary(201, "p1");
  EXPECT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_PENDING) << "s is older than skew";
}

TEST(FollowUpStraggler, ItsPrimaryFindsTheUnmatchedSecondaryThatFollowedIt) {
  struct Case {
    double primary;
    lapse::v1::Verdict verdict;
    double elapsed;
  };
  for (const auto& [primary, verdict, elapsed] :
       {Case{185, lapse::v1::VERDICT_MET, 15}, Case{140, lapse::v1::VERDICT_MET, 60},
        Case{139, lapse::v1::VERDICT_LATE, 61}}) {
    FollowUpDriver driver(TestRules());
    driver.Secondary(200, "s");
    driver.Primary(primary, "p");
    driver.MarkTo(210);
    EXPECT_EQ(driver.VerdictOf("p"), verdict) << primary;
    EXPECT_DOUBLE_EQ(driver.Of("p").elapsed, elapsed) << primary;
  }
}

TEST(FollowUpStraggler, ItStandsAtHForGood) {
  FollowUpDriver driver(TestRules());
  Reach200(driver);
  driver.Primary(150, "straggler");
  driver.Cancel(195, "out of place");
  EXPECT_EQ(driver.VerdictOf("straggler"), lapse::v1::VERDICT_PENDING);
  EXPECT_EQ(driver.stragglers(), 1);
}

}  // namespace
}  // namespace lapse::monitors
