// Each row and sentence of the table of follow_up, as literal small cases: within 10, clock_skew 2,
// end at 1,000, in microseconds. "p1@3" is a primary with id p1 at 3; s is a secondary and c a
// cancel.
#include "bench/workload/oracle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "base/proto_time.h"
#include "bench/workload/generator.h"

namespace lapse::bench {
namespace {

using lapse::v1::FollowUp;

WorkloadMonitor MakeWatched(FollowUp::OnRepeat on_repeat, int64_t grace_us) {
  WorkloadMonitor watched;
  FollowUp& rule = *watched.monitor.mutable_follow_up();
  rule.mutable_primary()->set_event_type("p");
  rule.mutable_secondary()->set_event_type("s");
  rule.mutable_cancel()->set_event_type("c");
  for (lapse::v1::EventPattern* pattern :
       {rule.mutable_primary(), rule.mutable_secondary(), rule.mutable_cancel()}) {
    pattern->set_key_attribute("k");
  }
  SetDuration(10, rule.mutable_within());
  SetDuration(2, rule.mutable_clock_skew());
  SetDuration(grace_us, rule.mutable_grace());
  rule.set_on_repeat(on_repeat);
  return watched;
}

// From "p1@3".
lapse::v1::Event ParseEvent(const std::string& word) {
  const size_t at = word.find('@');
  lapse::v1::Event event;
  event.set_type(word.substr(0, 1));
  event.set_id(word.substr(0, at));
  SetTimestamp(1'000'000 + std::stoll(word.substr(at + 1)), event.mutable_occur_time());
  (*event.mutable_attributes())["k"].set_string_value("K");
  return event;
}

std::vector<lapse::v1::Event> ParseEvents(const std::string& text) {
  std::vector<lapse::v1::Event> events;
  size_t start = 0;
  while (start < text.size()) {
    const size_t end = std::min(text.find(' ', start), text.size());
    events.push_back(ParseEvent(text.substr(start, end - start)));
    start = end + 1;
  }
  return events;
}

// "p1 MET s1 elapsed 4", "p1 LATE s1 elapsed 13 late 3 RESOLVED", and so on; joined by "; ".
std::string Show(const std::vector<lapse::v1::Event>& events, const ExpectedVerdict& one) {
  std::string text = events[one.primary_event].id();
  text += lapse::v1::Verdict_Name(one.verdict).substr(sizeof("VERDICT") - 1).replace(0, 1, " ");
  if (one.reason == lapse::v1::VERDICT_REASON_RESTARTED) text += " restarted";
  if (one.reason == lapse::v1::VERDICT_REASON_FOLLOWED_EARLY) text += " early";
  if (one.ending_event >= 0) text += " " + events[one.ending_event].id();
  if (one.elapsed_us >= 0) text += " elapsed " + std::to_string(one.elapsed_us);
  if (one.lateness_us >= 0) text += " late " + std::to_string(one.lateness_us);
  if (one.alert_state == lapse::v1::Alert::STATE_FIRING) text += " FIRING";
  if (one.alert_reason == lapse::v1::Alert::REASON_FOLLOWED_LATE) text += " RESOLVED";
  if (one.alert_reason == lapse::v1::Alert::REASON_CANCELLED_LATE) text += " RESOLVED cancelled";
  return text;
}

std::string Judge(const WorkloadMonitor& watched, const std::string& text, int64_t end_us = 1'000) {
  const std::vector<lapse::v1::Event> events = ParseEvents(text);
  std::string result;
  for (const ExpectedVerdict& one : ExpectedVerdicts(watched, events, 1'000'000 + end_us)) {
    result += (result.empty() ? "" : "; ") + Show(events, one);
  }
  return result;
}

struct Case {
  const char* says;
  const char* events;
  const char* verdicts;
};

void ExpectAll(const WorkloadMonitor& watched, const std::vector<Case>& cases) {
  for (const Case& one : cases) EXPECT_EQ(Judge(watched, one.events), one.verdicts) << one.says;
}

TEST(OracleTest, JudgesDeadlines) {
  ExpectAll(
      MakeWatched(FollowUp::ON_REPEAT_UNSPECIFIED, 0),
      {
          {"nothing follows", "p1@0", "p1 MISSED FIRING"},
          {"a secondary meets it", "p1@0 s1@4", "p1 MET s1 elapsed 4"},
          {"exactly at due is in time", "p1@0 s1@10", "p1 MET s1 elapsed 10"},
          {"after due is late", "p1@0 s1@11", "p1 LATE s1 elapsed 11 late 1 RESOLVED"},
          {"the order given plays no part", "s1@11 p1@0", "p1 LATE s1 elapsed 11 late 1 RESOLVED"},
          {"at the same time the primary comes first", "s1@0 p1@0", "p1 MET s1 elapsed 0"},
          {"nothing was opened", "s1@0 c1@1", ""},
      });
}

TEST(OracleTest, JudgesRepeatedPrimariesByOnRepeat) {
  const char* const kTwice = "p1@0 p2@3 s1@5";
  EXPECT_EQ(Judge(MakeWatched(FollowUp::ON_REPEAT_UNSPECIFIED, 0), kTwice), "p1 MET s1 elapsed 5");
  EXPECT_EQ(Judge(MakeWatched(FollowUp::ON_REPEAT_KEEP_FIRST, 0), kTwice), "p1 MET s1 elapsed 5");
  EXPECT_EQ(Judge(MakeWatched(FollowUp::ON_REPEAT_RESTART, 0), kTwice),
            "p1 CANCELLED restarted p2; p2 MET s1 elapsed 2");
  EXPECT_EQ(Judge(MakeWatched(FollowUp::ON_REPEAT_STACK, 0), kTwice),
            "p1 MET s1 elapsed 5; p2 MISSED FIRING");
}

TEST(OracleTest, RepeatAfterTheEndOpensAnew) {
  for (const FollowUp::OnRepeat on_repeat :
       {FollowUp::ON_REPEAT_KEEP_FIRST, FollowUp::ON_REPEAT_RESTART, FollowUp::ON_REPEAT_STACK}) {
    ExpectAll(
        MakeWatched(on_repeat, 0),
        {
            {"after MET", "p1@0 s1@1 p2@5 s2@7", "p1 MET s1 elapsed 1; p2 MET s2 elapsed 2"},
            {"after MISSED", "p1@0 p2@11 s1@12", "p1 MISSED FIRING; p2 MET s1 elapsed 1"},
            {"after CANCELLED", "p1@0 c1@5 p2@6 s1@7", "p1 CANCELLED c1; p2 MET s1 elapsed 1"},
        });
  }
  EXPECT_EQ(Judge(MakeWatched(FollowUp::ON_REPEAT_KEEP_FIRST, 0), "p1@0 p2@10 s1@11"),
            "p1 LATE s1 elapsed 11 late 1 RESOLVED")
      << "exactly at due the first one is still open";
}

TEST(OracleTest, OrdersEqualTimesBySourceThenId) {
  EXPECT_EQ(Judge(MakeWatched(FollowUp::ON_REPEAT_KEEP_FIRST, 0), "p2@0 p1@0"), "p1 MISSED FIRING");
  EXPECT_EQ(Judge(MakeWatched(FollowUp::ON_REPEAT_RESTART, 0), "p2@0 p1@0"),
            "p1 CANCELLED restarted p2; p2 MISSED FIRING");
  std::vector<lapse::v1::Event> events = ParseEvents("p1@0 p2@0");
  events[0].set_source("b");
  events[1].set_source("a");
  const std::vector<ExpectedVerdict> verdicts =
      ExpectedVerdicts(MakeWatched(FollowUp::ON_REPEAT_KEEP_FIRST, 0), events, 2'000'000);
  ASSERT_EQ(verdicts.size(), 1);
  EXPECT_EQ(verdicts[0].primary_event, 1);
}

TEST(OracleTest, UnmatchedSecondaryMeetsAPrimaryWithinClockSkew) {
  ExpectAll(MakeWatched(FollowUp::ON_REPEAT_STACK, 0),
            {
                {"exactly the skew older", "s1@0 p1@2", "p1 MET early s1 elapsed 0"},
                {"older than the skew", "s1@0 p1@3", "p1 MISSED FIRING"},
                {"it is used up", "s1@0 p1@1 p2@2", "p1 MET early s1 elapsed 0; p2 MISSED FIRING"},
                {"a later one replaces it", "s1@0 s2@1 p1@3", "p1 MET early s2 elapsed 0"},
                {"only one is kept", "s1@0 s2@1 p1@2 p2@2",
                 "p1 MET early s2 elapsed 0; p2 MISSED FIRING"},
                {"one that amended is not kept", "p1@0 s1@20 p2@21",
                 "p1 LATE s1 elapsed 20 late 10 RESOLVED; p2 MISSED FIRING"},
                {"a cancel leaves it", "s1@0 c1@1 p1@2", "p1 MET early s1 elapsed 0"},
            });
}

TEST(OracleTest, SecondaryMeetsTheOldestOpenElseAmendsTheNewestMissed) {
  ExpectAll(MakeWatched(FollowUp::ON_REPEAT_STACK, 0),
            {
                {"oldest first", "p1@0 p2@1 s1@4 s2@6", "p1 MET s1 elapsed 4; p2 MET s2 elapsed 5"},
                {"open before missed", "p1@0 p2@5 s1@12", "p1 MISSED FIRING; p2 MET s1 elapsed 7"},
                {"newest missed first", "p1@0 p2@5 s1@20 s2@30",
                 "p1 LATE s2 elapsed 30 late 20 RESOLVED; p2 LATE s1 elapsed 15 late 5 RESOLVED"},
                {"when all are amended it is kept", "p1@0 s1@20 s2@30 p2@31",
                 "p1 LATE s1 elapsed 20 late 10 RESOLVED; p2 MET early s2 elapsed 0"},
            });
}

TEST(OracleTest, CancelEndsWhatIsOpenAndResolvesWhatWasMissed) {
  ExpectAll(
      MakeWatched(FollowUp::ON_REPEAT_STACK, 0),
      {
          {"all open ones", "p1@0 p2@1 c1@2", "p1 CANCELLED c1; p2 CANCELLED c1"},
          {"exactly at due", "p1@0 c1@10", "p1 CANCELLED c1"},
          {"a secondary at its time comes first", "p1@0 c1@5 s1@5", "p1 MET s1 elapsed 5"},
          {"a late one resolves", "p1@0 c1@11", "p1 MISSED RESOLVED cancelled"},
          {"and no later secondary amends", "p1@0 c1@11 s1@12", "p1 MISSED RESOLVED cancelled"},
          {"that secondary is kept", "p1@0 c1@11 s1@12 p2@13",
           "p1 MISSED RESOLVED cancelled; p2 MET early s1 elapsed 0"},
          {"an amended one stays", "p1@0 s1@11 c1@12", "p1 LATE s1 elapsed 11 late 1 RESOLVED"},
          {"open and missed ones at once", "p1@0 p2@5 c1@12",
           "p1 MISSED RESOLVED cancelled; p2 CANCELLED c1"},
          {"a later one is not touched", "p1@0 c1@11 p2@20",
           "p1 MISSED RESOLVED cancelled; p2 MISSED FIRING"},
      });
}

TEST(OracleTest, GraceMovesTheFiringAndNotTheVerdict) {
  const WorkloadMonitor watched = MakeWatched(FollowUp::ON_REPEAT_KEEP_FIRST, 5);
  EXPECT_EQ(Judge(watched, "p1@0", 15), "p1 PENDING");
  EXPECT_EQ(Judge(watched, "p1@0", 16), "p1 MISSED FIRING");
  EXPECT_EQ(Judge(watched, "p1@0 s1@12", 15), "p1 PENDING");
  EXPECT_EQ(Judge(watched, "p1@0 s1@12", 16), "p1 LATE s1 elapsed 12 late 2 RESOLVED");
  EXPECT_EQ(Judge(watched, "p1@0 s1@7", 8), "p1 MET s1 elapsed 7");
  EXPECT_EQ(Judge(watched, "p1@0 p2@12", 16), "p1 MISSED FIRING; p2 PENDING");
}

TEST(OracleTest, StackShedsBeyondAThousandOpen) {
  std::vector<lapse::v1::Event> events;
  for (int i = 0; i < 1'002; ++i) {
    events.push_back(ParseEvent("p" + std::to_string(10'000 + i) + "@0"));
  }
  events.push_back(ParseEvent("s1@1"));
  events.push_back(ParseEvent("p2@2"));
  const std::vector<ExpectedVerdict> verdicts =
      ExpectedVerdicts(MakeWatched(FollowUp::ON_REPEAT_STACK, 0), events, 2'000'000);
  EXPECT_EQ(CountVerdicts(verdicts),
            (ExpectedBooks{.opened = 1'003, .met = 1, .missed = 1'000, .shed = 2}));
  EXPECT_EQ(verdicts[1'000].verdict, lapse::v1::VERDICT_SHED);
  EXPECT_EQ(verdicts[1'001].reason, lapse::v1::VERDICT_REASON_TOO_MANY_OPEN);
  EXPECT_EQ(verdicts[1'002].verdict, lapse::v1::VERDICT_MISSED);
}

TEST(OracleTest, KeysAreScalarTextAndKeptApart) {
  const WorkloadMonitor watched = MakeWatched(FollowUp::ON_REPEAT_KEEP_FIRST, 0);
  std::vector<lapse::v1::Event> events = ParseEvents("p1@0 s1@1 p2@0 s2@1 p3@0 p4@0 p5@0 p6@0");
  const auto key = [&events](int i) -> lapse::v1::Value& {
    return (*events[i].mutable_attributes())["k"];
  };
  key(0).set_string_value("7");
  key(1).set_int64_value(7);
  key(2).set_bool_value(true);
  key(3).set_string_value("true");
  key(4).set_string_value("other");
  key(5).set_double_value(7);
  key(6).set_string_value("");
  events[7].clear_attributes();
  const std::vector<ExpectedVerdict> verdicts = ExpectedVerdicts(watched, events, 2'000'000);
  ASSERT_EQ(verdicts.size(), 3);
  EXPECT_EQ(verdicts[0].key + " " + Show(events, verdicts[0]), "7 p1 MET s1 elapsed 1");
  EXPECT_EQ(verdicts[1].key + " " + Show(events, verdicts[1]), "other p3 MISSED FIRING");
  EXPECT_EQ(verdicts[2].key + " " + Show(events, verdicts[2]), "true p2 MET s2 elapsed 1");
}

TEST(OracleTest, EventPlaysItsFirstRoleForAKeyAndOneForEachOtherKey) {
  WorkloadMonitor watched = MakeWatched(FollowUp::ON_REPEAT_KEEP_FIRST, 0);
  FollowUp& rule = *watched.monitor.mutable_follow_up();
  rule.mutable_secondary()->set_event_type("p");
  rule.mutable_secondary()->set_key_attribute("next");
  std::vector<lapse::v1::Event> events = ParseEvents("p1@0 p2@5");
  EXPECT_EQ(ExpectedVerdicts(watched, events, 2'000'000).size(), 1) << "p2 is a repeat";
  (*events[1].mutable_attributes())["k"].set_string_value("L");
  (*events[1].mutable_attributes())["next"].set_string_value("K");
  const std::vector<ExpectedVerdict> verdicts = ExpectedVerdicts(watched, events, 2'000'000);
  ASSERT_EQ(verdicts.size(), 2);
  EXPECT_EQ(Show(events, verdicts[0]), "p1 MET p2 elapsed 5");
  EXPECT_EQ(Show(events, verdicts[1]), "p2 MISSED FIRING");
}

TEST(OracleTest, PrimaryThatTheFilterRefusesTakesNoPart) {
  WorkloadMonitor watched = MakeWatched(FollowUp::ON_REPEAT_KEEP_FIRST, 0);
  watched.accepts_primary = [](const lapse::v1::Event& event) { return event.id() != "p1"; };
  EXPECT_EQ(Judge(watched, "p1@0 p2@1 s1@11"), "p2 MET s1 elapsed 10");
}

TEST(OracleTest, DefaultClockSkewIsOneSecond) {
  WorkloadMonitor watched = MakeWatched(FollowUp::ON_REPEAT_KEEP_FIRST, 0);
  watched.monitor.mutable_follow_up()->clear_clock_skew();
  EXPECT_EQ(Judge(watched, "s1@0 p1@1000000", 3'000'000), "p1 MET early s1 elapsed 0");
  EXPECT_EQ(Judge(watched, "s1@0 p1@1000001", 3'000'000), "p1 MISSED FIRING");
}

TEST(OracleTest, GeneratedWorkloadsHaveEveryVerdictAndBalance) {
  for (const Shape shape : {Shape::kPayments, Shape::kOrders, Shape::kDrivers}) {
    SCOPED_TRACE(std::string(ShapeName(shape)));
    const Workload workload =
        GenerateWorkload({.shape = shape, .event_count = 20'000, .hot_key_primaries = 1'100});
    ExpectedBooks sum;
    for (const WorkloadMonitor& watched : workload.monitors) {
      const ExpectedBooks books =
          CountVerdicts(ExpectedVerdicts(watched, workload.events, workload.end_time_us));
      EXPECT_EQ(books.opened, books.met + books.late + books.missed + books.cancelled + books.shed);
      sum.met += books.met;
      sum.late += books.late;
      sum.missed += books.missed;
      sum.cancelled += books.cancelled;
      sum.shed += books.shed;
    }
    for (const int64_t count : {sum.met, sum.late, sum.missed, sum.cancelled, sum.shed}) {
      EXPECT_GT(count, 0);
    }
  }
}

}  // namespace
}  // namespace lapse::bench
