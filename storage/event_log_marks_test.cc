#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "storage/event_log.h"
#include "storage/event_log_fixture.h"

namespace lapse::storage {
namespace {

constexpr int64_t kSecond = limits::kMicrosPerSecond;

TEST_F(EventLogTest, RequestedMarkIsLoggedWhenTheClockReachesItAndNotBefore) {
  Start();
  const size_t before = follower_->count();
  log_->RequestMark(kTestTimeUs + 20 * kSecond);
  log_->RequestMark(kTestTimeUs + 10 * kSecond);
  log_->RequestMark(kTestTimeUs + 15 * kSecond);
  clock_.AdvanceTo(kTestTimeUs + 10 * kSecond - 1);
  ASSERT_TRUE(AppendAndWait({TestEvent("a", "1")}).ok());
  EXPECT_EQ(follower_->AwaitCount(before + 1).back()->mark_time_us, kTestTimeUs + 10 * kSecond - 1);
  clock_.AdvanceTo(kTestTimeUs + 10 * kSecond);
  const auto entries = follower_->AwaitCount(before + 2);
  EXPECT_EQ(entries.back()->mark_time_us, kTestTimeUs + 10 * kSecond);
  EXPECT_TRUE(entries.back()->events.empty());
  clock_.AdvanceTo(kTestTimeUs + 30 * kSecond);
  ASSERT_TRUE(AppendAndWait({TestEvent("b", "1")}).ok());
  EXPECT_EQ(follower_->AwaitCount(before + 3).size(), before + 3) << "the request was used up";
}

TEST_F(EventLogTest, GroupCommitCarriesARequestedMark) {
  Start();
  HoldBack();
  log_->RequestMark(kTestTimeUs + 10 * kSecond);
  Answers answers;
  ASSERT_TRUE(log_->Append(Batch({TestEvent("a", "1")}), answers.Next()).ok());
  clock_.AdvanceTo(kTestTimeUs + 11 * kSecond);
  const size_t before = follower_->count();
  follower_->Block(false);
  answers.Await();
  EXPECT_EQ(follower_->AwaitCount(before + 1)[before]->mark_time_us, kTestTimeUs + 11 * kSecond);
}

TEST_F(EventLogTest, MarkNeverPassesWhatIsStillQueued) {
  Start();
  HoldBack();
  Answers answers;
  ASSERT_TRUE(log_->Append(LargeBatch("a"), answers.Next()).ok());
  clock_.AdvanceBy(3 * kSecond);
  ASSERT_TRUE(log_->Append(LargeBatch("b"), answers.Next()).ok());
  clock_.AdvanceBy(4 * kSecond);
  const size_t before = follower_->count();
  follower_->Block(false);
  answers.Await();
  const auto entries = follower_->AwaitCount(before + 2);
  EXPECT_EQ(entries[before]->mark_time_us, kTestTimeUs + 3 * kSecond);
  EXPECT_EQ(entries[before + 1]->events[0].receive_time_us, kTestTimeUs + 3 * kSecond);
  EXPECT_EQ(entries[before + 1]->mark_time_us, kTestTimeUs + 7 * kSecond);
  EXPECT_EQ(entries[before + 1]->write_time_us, kTestTimeUs + 7 * kSecond);
}

TEST_F(EventLogTest, ReceiveTimesNeverFallBehindTheMark) {
  Start();
  clock_.AdvanceBy(100 * kSecond);
  ASSERT_TRUE(AppendAndWait({TestEvent("a", "1")}).ok());
  clock_.StepWall(-50 * kSecond);
  ASSERT_TRUE(AppendAndWait({TestEvent("b", "1")}).ok());
  const auto entries = follower_->Await(
      [](const auto& e) { return Ids(*e.back()) == std::vector<std::string>{"b"}; });
  EXPECT_EQ(entries.back()->events[0].receive_time_us, kTestTimeUs + 100 * kSecond);
  EXPECT_EQ(entries.back()->mark_time_us, kTestTimeUs + 100 * kSecond);
}

TEST_F(EventLogTest, MarksAreHeldForTheSettleTimeThenCatchUpInSlices) {
  Start();
  log_->Stop();
  clock_.AdvanceBy(30 * kSecond);
  Start({.settle_us = 5 * kSecond, .detect_gaps = false});
  log_->RequestMark(kTestTimeUs + kSecond);
  ASSERT_TRUE(AppendAndWait({TestEvent("a", "1")}).ok());
  clock_.AdvanceBy(5 * kSecond - 1);
  ASSERT_TRUE(AppendAndWait({TestEvent("b", "1")}).ok());
  for (const auto& entry : follower_->AwaitCount(3)) EXPECT_EQ(entry->mark_time_us, kTestTimeUs);
  clock_.AdvanceBy(1);
  const auto entries = follower_->AwaitMark(kTestTimeUs + 35 * kSecond);
  EXPECT_EQ(entries[3]->mark_time_us, kTestTimeUs + 2 * kSecond)
      << "a second past what was asked for";
  for (size_t i = 4; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i]->mark_time_us, entries[i - 1]->mark_time_us + kSecond);
  }
}

TEST_F(EventLogTest, StoppedProcessAndSteppedClockHoldTheMarksAnew) {
  for (const bool stepped : {false, true}) {
    Start({.settle_us = kSecond});
    // Up to date, in steps that are no gap.
    for (int i = 0; i < 6; ++i) {
      clock_.AdvanceBy(kSecond / 4);
      ASSERT_TRUE(AppendAndWait({TestEvent("", "1")}).ok());
    }
    const int64_t now_us = clock_.NowUs();
    follower_->AwaitMark(now_us);
    EXPECT_EQ(log_->Metrics().gaps, 0);
    if (stepped) {
      clock_.StepWall(5 * kSecond);
    } else {
      clock_.AdvanceBy(5 * kSecond);
    }
    while (log_->Metrics().gaps == 0) std::this_thread::yield();
    ASSERT_TRUE(AppendAndWait({TestEvent("", "1")}).ok());
    const auto entries = follower_->Await([](const auto& e) { return !e.back()->events.empty(); });
    EXPECT_EQ(entries.back()->mark_time_us, now_us) << "held";
    clock_.AdvanceBy(kSecond);
    follower_->AwaitMark(now_us + 6 * kSecond);
  }
}

}  // namespace
}  // namespace lapse::storage
