// The table of docs/design/time-and-matching.md, row by row, on events that come in order.
#include "base/limits.h"
#include "gtest/gtest.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/follow_up_driver.h"

namespace lapse::monitors {
namespace {

using lapse::v1::Alert;
using lapse::v1::FollowUp;

TEST(FollowUpTable, PrimaryOpensAnExpectation) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  const Told& told = driver.Of("p");
  EXPECT_EQ(told.verdict, lapse::v1::VERDICT_PENDING);
  EXPECT_EQ(told.reason, lapse::v1::VERDICT_REASON_OPEN);
  EXPECT_EQ(told.transitions[0].due_us, Micros(160));
  EXPECT_TRUE(driver.key().IsLive());
}

TEST(FollowUpTable, SecondaryMeetsTheOpenOneWithTheTimeBetweenThem) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.Secondary(130.5, "s");
  const Told& told = driver.Of("p");
  EXPECT_EQ(told.verdict, lapse::v1::VERDICT_MET);
  EXPECT_EQ(told.reason, lapse::v1::VERDICT_REASON_FOLLOWED);
  EXPECT_EQ(told.ended_by, "s");
  EXPECT_DOUBLE_EQ(told.elapsed, 30.5);
  driver.MarkAll();
  EXPECT_TRUE(told.alerts.empty());
}

TEST(FollowUpTable, SecondaryExactlyAtDueIsInTime) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.Secondary(160, "s");
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_MET);
}

TEST(FollowUpTable, SecondaryAMicrosecondAfterDueIsLate) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.Secondary(160.000001, "s");
  driver.MarkTo(161);
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_LATE);
  EXPECT_DOUBLE_EQ(driver.Of("p").lateness, 0.000001);
}

TEST(FollowUpTable, WithNoSecondaryItIsMissed) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.MarkTo(160);
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_PENDING);
  driver.MarkTo(161);
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_MISSED);
  EXPECT_EQ(driver.Of("p").reason, lapse::v1::VERDICT_REASON_DEADLINE_PASSED);
}

TEST(FollowUpTable, KeepFirstIgnoresAndCountsARepeat) {
  FollowUpDriver driver(TestRules(FollowUp::ON_REPEAT_KEEP_FIRST));
  driver.Primary(100, "p1");
  driver.Primary(110, "p2");
  driver.Secondary(120, "s");
  EXPECT_DOUBLE_EQ(driver.Of("p1").elapsed, 20);
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_UNSPECIFIED);
  EXPECT_EQ(driver.ignored(), 1);
}

TEST(FollowUpTable, KeepFirstIsTheDefault) {
  FollowUpDriver driver(TestRules(FollowUp::ON_REPEAT_UNSPECIFIED));
  driver.Primary(100, "p1");
  driver.Primary(110, "p2");
  EXPECT_EQ(driver.ignored(), 1);
}

TEST(FollowUpTable, KeepFirstOpensAnewAtOnceAfterTheFirstIsMissed) {
  FollowUpDriver driver(TestRules(FollowUp::ON_REPEAT_KEEP_FIRST));
  driver.Primary(100, "p1");
  driver.Primary(160, "p2");
  driver.Primary(160.000001, "p3");
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_UNSPECIFIED) << "still open at its due";
  EXPECT_EQ(driver.VerdictOf("p3"), lapse::v1::VERDICT_PENDING);
}

TEST(FollowUpTable, RestartCancelsTheOpenOneAndOpensANewOne) {
  FollowUpDriver driver(TestRules(FollowUp::ON_REPEAT_RESTART));
  driver.Primary(100, "p1");
  driver.Primary(110, "p2");
  driver.Primary(120, "p3");
  driver.Secondary(175, "s");
  for (const char* id : {"p1", "p2"}) {
    EXPECT_EQ(driver.VerdictOf(id), lapse::v1::VERDICT_CANCELLED);
    EXPECT_EQ(driver.Of(id).reason, lapse::v1::VERDICT_REASON_RESTARTED);
  }
  EXPECT_EQ(driver.Of("p1").ended_by, "p2");
  EXPECT_EQ(driver.VerdictOf("p3"), lapse::v1::VERDICT_MET);
  EXPECT_DOUBLE_EQ(driver.Of("p3").elapsed, 55);
  EXPECT_EQ(driver.ignored(), 0);
}

TEST(FollowUpTable, StackOpensOneMoreAndSecondariesMeetTheOldest) {
  FollowUpDriver driver(TestRules(FollowUp::ON_REPEAT_STACK));
  driver.Primary(100, "p1");
  driver.Primary(110, "p2");
  driver.Secondary(120, "s1");
  driver.Secondary(130, "s2");
  EXPECT_EQ(driver.Of("p1").ended_by, "s1");
  EXPECT_EQ(driver.Of("p2").ended_by, "s2");
  EXPECT_DOUBLE_EQ(driver.Of("p2").elapsed, 20);
}

TEST(FollowUpTable, StackShedsBeyondAThousandOpen) {
  FollowUpDriver driver(TestRules(FollowUp::ON_REPEAT_STACK));
  for (size_t i = 0; i < limits::kMaxOpenPerKey; ++i) {
    driver.Primary(100 + i * 0.001, "p" + std::to_string(i));
  }
  driver.Primary(102, "shed");
  EXPECT_EQ(driver.VerdictOf("shed"), lapse::v1::VERDICT_SHED);
  EXPECT_EQ(driver.Of("shed").reason, lapse::v1::VERDICT_REASON_TOO_MANY_OPEN);
  driver.Secondary(103, "s");
  driver.Primary(104, "again");
  EXPECT_EQ(driver.VerdictOf("p0"), lapse::v1::VERDICT_MET);
  EXPECT_EQ(driver.VerdictOf("again"), lapse::v1::VERDICT_PENDING);
  driver.MarkAll();
  EXPECT_EQ(driver.VerdictOf("shed"), lapse::v1::VERDICT_SHED);
  EXPECT_TRUE(driver.Of("shed").alerts.empty());
}

TEST(FollowUpTable, PrimaryWithinSkewOfTheUnmatchedSecondaryIsMetAtOnceWithTimeZero) {
  FollowUpDriver driver(TestRules());
  driver.Secondary(99, "s");
  driver.Primary(100, "p");
  const Told& told = driver.Of("p");
  EXPECT_EQ(told.transitions.size(), 1u) << "from nothing to MET in one step";
  EXPECT_EQ(told.verdict, lapse::v1::VERDICT_MET);
  EXPECT_EQ(told.reason, lapse::v1::VERDICT_REASON_FOLLOWED_EARLY);
  EXPECT_EQ(told.ended_by, "s");
  EXPECT_DOUBLE_EQ(told.elapsed, 0);
}

TEST(FollowUpTable, TheUnmatchedSecondaryIsUsedUp) {
  FollowUpDriver driver(TestRules());
  driver.Secondary(99.5, "s");
  driver.Primary(100, "p1");
  driver.Primary(100.1, "p2");
  EXPECT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_MET);
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_PENDING);
}

TEST(FollowUpTable, AnUnmatchedSecondaryOlderThanSkewMeetsNothing) {
  FollowUpDriver driver(TestRules());
  driver.Secondary(98.999999, "s");
  driver.Primary(100, "p");
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_PENDING);
}

TEST(FollowUpTable, ANewUnmatchedSecondaryReplacesTheEarlierOne) {
  FollowUpDriver driver(TestRules());
  driver.Secondary(99.2, "s1");
  driver.Secondary(99.4, "s2");
  driver.Primary(100, "p1");
  driver.Primary(100.1, "p2");
  EXPECT_EQ(driver.Of("p1").ended_by, "s2");
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_PENDING) << "s1 is gone";
}

TEST(FollowUpTable, SecondaryMakesTheNewestMissedOneLate) {
  FollowUpDriver driver(TestRules(FollowUp::ON_REPEAT_STACK));
  driver.Primary(100, "p1");
  driver.Primary(110, "p2");
  driver.Secondary(175, "s1");
  EXPECT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_MISSED);
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_LATE);
  EXPECT_DOUBLE_EQ(driver.Of("p2").lateness, 5);
  EXPECT_DOUBLE_EQ(driver.Of("p2").elapsed, 65);
  driver.Secondary(180, "s2");
  EXPECT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_LATE) << "the newest not yet amended";
  EXPECT_DOUBLE_EQ(driver.Of("p1").lateness, 20);
}

TEST(FollowUpTable, SecondaryPrefersAnOpenOneToAMissedOne) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p1");
  driver.Primary(170, "p2");
  driver.Secondary(180, "s");
  EXPECT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_MISSED);
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_MET);
}

TEST(FollowUpTable, ALateOneIsAmendedOnceOnly) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p1");
  driver.Secondary(165, "s1");
  driver.Secondary(169.5, "s2");
  EXPECT_EQ(driver.Of("p1").ended_by, "s1");
  driver.Primary(170, "p2");
  EXPECT_EQ(driver.Of("p2").ended_by, "s2") << "s2 is the unmatched one";
}

TEST(FollowUpTable, CancelEndsAllOpenOnes) {
  FollowUpDriver driver(TestRules(FollowUp::ON_REPEAT_STACK));
  driver.Primary(100, "p1");
  driver.Primary(110, "p2");
  driver.Cancel(120, "c");
  for (const char* id : {"p1", "p2"}) {
    EXPECT_EQ(driver.VerdictOf(id), lapse::v1::VERDICT_CANCELLED);
    EXPECT_EQ(driver.Of(id).reason, lapse::v1::VERDICT_REASON_CANCEL_EVENT);
    EXPECT_EQ(driver.Of(id).ended_by, "c");
  }
  driver.MarkAll();
  EXPECT_TRUE(driver.Of("p1").alerts.empty());
}

TEST(FollowUpTable, CancelExactlyAtDueIsInTime) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p");
  driver.Cancel(160, "c");
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_CANCELLED);
}

TEST(FollowUpTable, CancelResolvesTheAlertsOfMissedOnesAndTheirVerdictStays) {
  FollowUpDriver driver(TestRules(FollowUp::ON_REPEAT_STACK));
  driver.Primary(100, "p1");
  driver.Primary(101, "p2");
  driver.Primary(165, "open");
  driver.Cancel(170, "c");
  for (const char* id : {"p1", "p2"}) {
    EXPECT_EQ(driver.VerdictOf(id), lapse::v1::VERDICT_MISSED);
    EXPECT_EQ(driver.Of(id).alert().state, Alert::STATE_RESOLVED);
    EXPECT_EQ(driver.Of(id).alert().reason, Alert::REASON_CANCELLED_LATE);
  }
  EXPECT_EQ(driver.VerdictOf("open"), lapse::v1::VERDICT_CANCELLED);
}

TEST(FollowUpTable, NoSecondaryAmendsWhatWasCancelledLate) {
  FollowUpDriver driver(TestRules());
  driver.Primary(100, "p1");
  driver.Cancel(170, "c");
  driver.Secondary(171, "s");
  EXPECT_EQ(driver.VerdictOf("p1"), lapse::v1::VERDICT_MISSED);
  EXPECT_EQ(driver.Of("p1").alerts.size(), 2u);
  driver.Primary(171.5, "p2");
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_MET) << "s was the unmatched one";
}

TEST(FollowUpTable, CancelWithNothingOpenChangesNothing) {
  FollowUpDriver driver(TestRules());
  driver.Cancel(100, "c");
  driver.Primary(100, "p");
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_CANCELLED) << "a primary comes first";
  driver.Primary(101, "p2");
  EXPECT_EQ(driver.VerdictOf("p2"), lapse::v1::VERDICT_PENDING);
}

struct TieCase {
  const char* name;
  const char* order;
  lapse::v1::Verdict verdict;
};

class FollowUpTie : public testing::TestWithParam<TieCase> {};

// P, S and C at the same time, in the order of arrival that the name says.
TEST_P(FollowUpTie, PrimaryComesBeforeSecondaryBeforeCancel) {
  FollowUpDriver driver(TestRules());
  for (const char* role = GetParam().order; *role != 0; ++role) {
    if (*role == 'P') driver.Primary(100, "p");
    if (*role == 'S') driver.Secondary(100, "s");
    if (*role == 'C') driver.Cancel(100, "c");
  }
  EXPECT_EQ(driver.VerdictOf("p"), GetParam().verdict);
}

INSTANTIATE_TEST_SUITE_P(All, FollowUpTie,
                         testing::Values(TieCase{"PSC", "PSC", lapse::v1::VERDICT_MET},
                                         TieCase{"PCS", "PCS", lapse::v1::VERDICT_MET},
                                         TieCase{"SPC", "SPC", lapse::v1::VERDICT_MET},
                                         TieCase{"SCP", "SCP", lapse::v1::VERDICT_MET},
                                         TieCase{"CPS", "CPS", lapse::v1::VERDICT_MET},
                                         TieCase{"CSP", "CSP", lapse::v1::VERDICT_MET},
                                         TieCase{"PC", "PC", lapse::v1::VERDICT_CANCELLED},
                                         TieCase{"CP", "CP", lapse::v1::VERDICT_CANCELLED}),
                         [](const auto& info) { return info.param.name; });

TEST(FollowUpTable, EventsOfOneRoleAtTheSameTimeGoBySourceThenId) {
  FollowUpDriver driver(TestRules());
  driver.Event(Role::kPrimary, 100, "1", "b");
  driver.Event(Role::kPrimary, 100, "3", "a");
  driver.Event(Role::kPrimary, 100, "2", "a");
  EXPECT_EQ(driver.VerdictOf("2"), lapse::v1::VERDICT_PENDING);
  EXPECT_EQ(driver.VerdictOf("3"), lapse::v1::VERDICT_WITHDRAWN);
  EXPECT_EQ(driver.VerdictOf("1"), lapse::v1::VERDICT_WITHDRAWN);
}

TEST(FollowUpTable, DefaultsAreFilledIn) {
  FollowUp condition;
  condition.mutable_within()->set_seconds(60);
  const FollowUpRules rules = MakeFollowUpRules(condition);
  EXPECT_EQ(rules.within_us, Micros(60));
  EXPECT_EQ(rules.grace_us, 0);
  EXPECT_EQ(rules.reorder_tolerance_us, limits::kDefaultReorderToleranceUs);
  EXPECT_EQ(rules.clock_skew_us, limits::kDefaultClockSkewUs);
  EXPECT_EQ(rules.on_repeat, FollowUp::ON_REPEAT_KEEP_FIRST);
}

TEST(FollowUpTable, AToleranceAndSkewOfZeroAreKept) {
  FollowUp condition;
  condition.mutable_within()->set_seconds(60);
  condition.mutable_reorder_tolerance();
  condition.mutable_clock_skew();
  EXPECT_EQ(MakeFollowUpRules(condition).reorder_tolerance_us, 0);
  EXPECT_EQ(MakeFollowUpRules(condition).clock_skew_us, 0);
}

}  // namespace
}  // namespace lapse::monitors
