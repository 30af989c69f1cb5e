#include "monitors/sharded_matcher.h"

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "monitors/test_matcher.h"

namespace lapse::monitors {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kUid[] = "uid-order-delivered";

ControlRecord Create() { return Change(MonitorChange::ACTION_CREATE, OrderMonitor()); }

std::string Key(int number) { return "order-" + std::to_string(number); }

// More than the recorder's queue and a commit hold.
constexpr int kBurst = 15'000;

void AwaitApplied(TestMatcher& test) {
  while (test.matcher().Metrics().applied_position < test.maker().position()) {
    std::this_thread::yield();
  }
}

TEST(ShardedMatcherTest, FiresStoresAndPublishes) {
  TestMatcher test;
  test.Start(3);
  test.Append(0, {}, {ServerStart(0, 3'600), Create()});
  test.Append(1, {MakeEvent("created", "A", 1), MakeEvent("created", "B", 1)});
  test.Append(2, {MakeEvent("delivered", "A", 2)});
  test.Append(12, {});
  test.listener.WaitFor([](const RecordingListener::Seen& seen) { return seen.committed == 1; });
  EXPECT_THAT(test.Feed(), ElementsAre("FIRING B"));
  test.Append(13, {MakeEvent("delivered", "B", 13)});
  test.listener.WaitFor([](const RecordingListener::Seen& seen) { return seen.committed == 2; });
  EXPECT_THAT(test.Feed(), ElementsAre("FIRING B", "RESOLVED B"));
}

TEST(ShardedMatcherTest, AsksForTheMarkThatFiresNext) {
  TestMatcher test;
  test.Start(2);
  test.Append(0, {}, {ServerStart(0, 3'600), Create()});
  test.Append(1, {MakeEvent("created", "A", 1), MakeEvent("created", "B", 4)});
  EXPECT_EQ(test.marks.Take(), At(11) + 1);
}

TEST(ShardedMatcherTest, AnAlertKeepsTheFactsItWasMadeWith) {
  TestMatcher test;
  test.Start(2);
  test.Append(0, {}, {ServerStart(0, 3'600), Create()});
  test.Append(1, {MakeEvent("created", "A", 1)});
  test.Append(12, {MakeEvent("created", "B", 12)});
  lapse::v1::Monitor renamed = OrderMonitor();
  renamed.set_display_name("Renamed");
  test.Append(13, {}, {Change(MonitorChange::ACTION_UPDATE, renamed)});
  test.Append(14, {MakeEvent("delivered", "A", 14)});
  test.Append(23, {});
  test.Stop();
  const auto feed = test.state.ReadFeed(0, 10);
  std::vector<std::string> names;
  for (const auto& change : *feed) {
    names.push_back(change.alert.key() + " " + change.alert.monitor_display_name());
  }
  // The feed has no order between shards.
  EXPECT_THAT(names, UnorderedElementsAre("A Order delivered", "A Order delivered", "B Renamed"));
}

TEST(ShardedMatcherTest, StatsAreOfOneLogPositionAndBalanceUnderLoad) {
  TestMatcher test;
  test.Start(7);
  test.Append(0, {}, {ServerStart(0, 3'600), Create()});
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done) {
      const lapse::v1::MonitorStats stats = test.Stats(kUid);
      EXPECT_TRUE(Balances(stats)) << stats.DebugString();
      // Each entry from the second on opens one in each of ten keys.
      EXPECT_EQ(stats.opened(), std::max<int64_t>(0, stats.log_position() - 1) * 10);
    }
  });
  for (int i = 0; i < 300; ++i) {
    std::vector<lapse::v1::Event> events;
    for (int k = 0; k < 10; ++k) {
      events.push_back(MakeEvent("created", Key(i * 10 + k), i));
      if (i >= 5 && k % 2 == 0) {
        events.push_back(MakeEvent("delivered", Key((i - 5) * 10 + k), i));
      }
    }
    test.Append(i, std::move(events));
  }
  done = true;
  reader.join();
  const lapse::v1::MonitorStats stats = test.Stats(kUid);
  EXPECT_EQ(stats.log_position(), 301);
  EXPECT_EQ(stats.opened(), 3'000);
  EXPECT_EQ(stats.met(), 295 * 5);
  EXPECT_NEAR(ToMicros(stats.elapsed_p50()), 5 * kSecond, 250'000);
}

TEST(ShardedMatcherTest, ExpectationsAreListedOverAllShardsInPages) {
  TestMatcher test;
  test.Start(5);
  test.Append(0, {}, {ServerStart(0, 3'600), Create()});
  std::vector<lapse::v1::Event> events;
  for (int i = 0; i < 250; ++i) events.push_back(MakeEvent("created", Key(i), 1 + i * 0.01));
  test.Append(5, std::move(events));
  ExpectationQuery query;
  query.monitor_uid = kUid;
  std::vector<std::string> keys;
  int pages = 0;
  do {
    const auto page = test.List(query);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_EQ(page->position, 2);
    for (const auto& expectation : page->expectations) keys.push_back(expectation.key());
    query.after = page->next_after;
    ++pages;
  } while (query.after.has_value());
  EXPECT_EQ(pages, 3);
  ASSERT_EQ(keys.size(), 250u);
  for (int i = 0; i < 250; ++i) EXPECT_EQ(keys[i], Key(i));
  query.key = Key(17);
  EXPECT_EQ(test.List(query)->expectations.size(), 1u);
  query.verdicts = {lapse::v1::VERDICT_MET};
  EXPECT_THAT(test.List(query)->expectations, IsEmpty());
}

TEST(ShardedMatcherTest, QuestionsAreRefusedWhenItHasEnded) {
  TestMatcher test;
  test.Start(2);
  test.matcher().Stop();
  std::promise<absl::Status> answer;
  test.matcher().GetMonitorStats(kUid, [&](auto stats) { answer.set_value(stats.status()); });
  const absl::Status status = answer.get_future().get();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(DetailsOf(status).reason, "MATCHER_STOPPED");
}

TEST(ShardedMatcherTest, AFullDiskLosesNoAlertAndShowsNoneBeforeItIsStored) {
  TestMatcher test;
  test.Start(2);
  test.state.FailCommits(DiskFull(), 1'000'000);
  test.Append(0, {}, {ServerStart(0, 3'600), Create()});
  test.Append(1, {MakeEvent("created", "A", 1), MakeEvent("created", "B", 2)});
  test.Append(30, {});
  test.listener.WaitFor([](const RecordingListener::Seen& seen) { return seen.held_up == 1; });
  EXPECT_EQ(test.listener.committed(), 0);
  EXPECT_EQ(test.Stats(kUid).missed(), 2) << "questions are still answered";
  test.state.FailCommits(DiskFull(), 0);
  while (!test.listener.Get().held_up_over) test.clock.AdvanceBy(kSecond);
  test.Stop();
  EXPECT_EQ(test.Feed().size(), 2u);
}

TEST(ShardedMatcherTest, NoCheckpointIsAheadOfItsAlerts) {
  TestMatcher test;
  test.Start(2);
  test.state.FailCommits(DiskFull(), 1'000'000);
  test.Append(0, {}, {ServerStart(0, 3'600), Create()});
  test.Append(1, {MakeEvent("created", "A", 1)});
  test.Append(30, {});
  test.listener.WaitFor([](const RecordingListener::Seen& seen) { return seen.held_up == 1; });
  test.matcher().RequestCheckpoint();
  EXPECT_EQ(test.Stats(kUid).missed(), 1);
  test.Kill();
  EXPECT_EQ(test.listener.Get().checkpoints, 0);
  test.state.FailCommits(DiskFull(), 0);
  test.Start(2);
  test.Stop();
  EXPECT_THAT(test.Feed(), ElementsAre("FIRING A"));
}

TEST(ShardedMatcherTest, StoppingOnAFullDiskDoesNotHangAndARestartMakesTheAlerts) {
  TestMatcher test;
  test.Start(2);
  test.state.FailCommits(DiskFull(), 1'000'000);
  test.Append(0, {}, {ServerStart(0, 3'600), Create()});
  test.Append(1, {MakeEvent("created", "A", 1)});
  test.Append(30, {});
  test.Stop();
  EXPECT_THAT(test.Feed(), IsEmpty());
  test.state.FailCommits(DiskFull(), 0);
  test.Start(2);
  test.Stop();
  EXPECT_THAT(test.Feed(), ElementsAre("FIRING A"));
}

TEST(ShardedMatcherTest, BeginStopFreesALogThatIsHeldBackByAFullDisk) {
  TestMatcher test;
  test.Start(2);
  test.state.FailCommits(DiskFull(), 1'000'000);
  test.Append(0, {}, {ServerStart(0, 3'600), Create()});
  std::vector<lapse::v1::Event> events;
  for (int i = 0; i < 15'000; ++i) events.push_back(MakeEvent("created", Key(i), 1));
  test.Append(1, std::move(events));
  std::thread appender([&] {
    for (int i = 0; i < 200; ++i) test.Append(30 + i, {});
  });
  test.matcher().BeginStop();
  appender.join();
  test.Stop();
  EXPECT_EQ(test.listener.Get().checkpoints, 0);
  EXPECT_THAT(test.Feed(), IsEmpty());
}

TEST(ShardedMatcherTest, AShardThatWaitsForRoomForAlertsGoesOnWhenTheyAreGivenUp) {
  TestMatcher test;
  test.Start(1);
  test.state.FailCommits(DiskFull(), 1'000'000);
  test.Append(0, {}, {ServerStart(0, 3'600), Create()});
  std::vector<lapse::v1::Event> events;
  for (int i = 0; i < 15'000; ++i) events.push_back(MakeEvent("created", Key(i), 1));
  test.Append(1, std::move(events));
  // Some alerts are made between two entries, until the recorder has no more room.
  for (int i = 0; i < 200; ++i) test.Append(30 + i * 0.01, {});
  test.Append(33, {MakeEvent("created", "later", 33)});
  AwaitApplied(test);
  test.marks.Take();
  test.matcher().BeginStop();
  // Asked for when nothing is due any more.
  EXPECT_GT(test.marks.Take(), At(30));
  test.Stop();
}

TEST(ShardedMatcherTest, AQuestionInABurstHoldsUpNoEntryAndSeesWhatWasDueAtItsPlace) {
  TestMatcher test;
  test.Start(2);
  test.Append(0, {}, {ServerStart(0, 3'600), Create()});
  std::vector<lapse::v1::Event> events;
  for (int i = 0; i < kBurst; ++i) events.push_back(MakeEvent("created", Key(i), 1));
  test.Append(1, std::move(events));
  // From now on alerts are held up, so that the burst cannot end.
  test.state.FailCommits(DiskFull(), 1'000'000);
  test.Append(30, {MakeEvent("created", "open", 30)});
  std::promise<lapse::v1::MonitorStats> stats;
  test.matcher().GetMonitorStats(kUid, [&](auto answer) { stats.set_value(*answer); });
  std::promise<ExpectationPage> page;
  ExpectationQuery missed{.monitor_uid = kUid, .key = Key(7)};
  test.matcher().ListExpectations(missed, [&](auto answer) { page.set_value(*answer); });
  for (int i = 1; i <= 200; ++i) test.Append(30 + i, {MakeEvent("created", Key(i), 30 + i)});
  AwaitApplied(test);

  test.state.FailCommits(absl::OkStatus(), 0);
  auto answer = stats.get_future();
  while (answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    test.clock.AdvanceBy(limits::kAlertStoreRetryUs);
  }
  const lapse::v1::MonitorStats seen = answer.get();
  EXPECT_EQ(seen.log_position(), 3);
  EXPECT_EQ(seen.opened(), kBurst + 1);
  EXPECT_EQ(seen.missed(), kBurst);
  EXPECT_EQ(seen.pending(), 1);
  const ExpectationPage listed = page.get_future().get();
  EXPECT_EQ(listed.position, 3);
  ASSERT_FALSE(listed.expectations.empty());
  EXPECT_EQ(listed.expectations[0].verdict(), lapse::v1::VERDICT_MISSED);
}

TEST(ShardedMatcherTest, ShardsThatLagByTooManyMarksHoldTheLogBack) {
  TestMatcher test;
  test.Start(1);
  test.Append(0, {}, {ServerStart(0, 3'600), Create()});
  std::vector<lapse::v1::Event> events;
  for (int i = 0; i < kBurst; ++i) events.push_back(MakeEvent("created", Key(i), 1));
  test.Append(1, std::move(events));
  test.state.FailCommits(DiskFull(), 1'000'000);
  constexpr int kEntries = static_cast<int>(limits::kMaxPendingMarks) + 1'000;
  std::atomic<int> appended{0};
  std::thread appender([&] {
    for (; appended < kEntries; ++appended) test.Append(30 + appended * 0.001, {});
  });
  test.listener.WaitFor([](const RecordingListener::Seen& seen) { return seen.held_up == 1; });
  const storage::LogPosition held_at = 2 + static_cast<int>(limits::kMaxPendingMarks);
  while (test.matcher().Metrics().applied_position < held_at) std::this_thread::yield();
  EXPECT_LT(appended, kEntries);
  test.state.FailCommits(absl::OkStatus(), 0);
  while (appended < kEntries) test.clock.AdvanceBy(limits::kAlertStoreRetryUs);
  appender.join();
  AwaitApplied(test);
  test.Stop();
  EXPECT_EQ(test.Feed().size(), static_cast<size_t>(kBurst));
}

TEST(ShardedMatcherTest, AlertsThatCannotBeStoredAreTold) {
  TestMatcher test;
  test.Start(2);
  test.state.FailCommits(absl::InternalError("disk on fire"), 1);
  test.Append(0, {}, {ServerStart(0, 3'600), Create()});
  test.Append(1, {MakeEvent("created", "A", 1)});
  test.Append(30, {});
  test.listener.WaitFor([](const RecordingListener::Seen& seen) { return !seen.failed.ok(); });
  test.Stop();
  EXPECT_EQ(test.listener.Get().checkpoints, 0);
}

TEST(ShardedMatcherTest, AChangeThatCannotBeAppliedIsTold) {
  TestMatcher test;
  test.Start(2);
  lapse::v1::Monitor bad = OrderMonitor();
  bad.mutable_follow_up()->mutable_primary()->set_filter("amount >");
  test.Append(0, {}, {Change(MonitorChange::ACTION_CREATE, bad)});
  EXPECT_EQ(test.listener.Get().matcher_failed.code(), absl::StatusCode::kInvalidArgument);
}

TEST(ShardedMatcherTest, AFullShardQueueHoldsTheLogBackAndAbortFreesIt) {
  TestMatcher test;
  test.Start(2);
  test.state.FailCommits(DiskFull(), 1'000'000);
  test.Append(0, {}, {ServerStart(0, 3'600), Create()});
  std::vector<lapse::v1::Event> events;
  for (int i = 0; i < 15'000; ++i) events.push_back(MakeEvent("created", Key(i), 1));
  test.Append(1, std::move(events));
  test.Append(30, {});
  std::atomic<int> appended{0};
  std::thread appender([&] {
    for (int i = 0; i < 200; ++i, ++appended) test.Append(31 + i, {});
  });
  test.listener.WaitFor([](const RecordingListener::Seen& seen) { return seen.held_up == 1; });
  test.matcher().Abort();
  appender.join();
  EXPECT_EQ(appended, 200);
}

TEST(ShardedMatcherTest, CheckpointsComeAtTheirInterval) {
  TestMatcher test;
  MatcherOptions options;
  options.shard_count = 2;
  options.checkpoint_interval_us = 30 * kSecond;
  RecordingListener listener;
  auto matcher = RecoverMatcher(
      options,
      MatcherDeps{test.state, test.state, test.checkpoints, test.clock, listener, test.log.Seed()},
      test.log);
  ASSERT_TRUE(matcher.ok());
  (*matcher)->Start(test.marks);
  while (listener.Get().checkpoints < 3) test.clock.AdvanceBy(10 * kSecond);
  // Also where the wall clock goes backwards all the time.
  while (listener.Get().checkpoints < 6) {
    test.clock.StepWall(-20 * kSecond);
    test.clock.AdvanceBy(10 * kSecond);
  }
  (*matcher)->Stop();
}

}  // namespace
}  // namespace lapse::monitors
