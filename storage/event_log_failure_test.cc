#include <thread>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/event_log.h"
#include "storage/event_log_fixture.h"

namespace lapse::storage {
namespace {

using testing::ElementsAre;

constexpr int64_t kSecond = limits::kMicrosPerSecond;

TEST_F(EventLogTest, CopyInFlightWaitsForTheFirstsCommitAndFailsWithIt) {
  Start();
  HoldBack();
  store_.FailNextAppends(Overloaded("DISK_FULL", "full", kSecond), 1);
  Answers answers;
  ASSERT_TRUE(log_->Append(Batch({TestEvent("a", "1")}), answers.Next()).ok());
  ASSERT_TRUE(log_->Append(Batch({TestEvent("a", "1")}), answers.Next()).ok());
  follower_->Block(false);
  for (const auto& result : answers.Await()) {
    EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(DetailsOf(result.status()).reason, "DISK_FULL");
    EXPECT_TRUE(DetailsOf(result.status()).retry_after_us.has_value());
  }
  const auto retried = AppendAndWait({TestEvent("a", "1")});
  ASSERT_TRUE(retried.ok()) << retried.status();
  EXPECT_THAT(Sequences(retried), ElementsAre(1)) << "its sequence was given back";
  EXPECT_FALSE(retried->events[0].duplicate) << "its fingerprint was forgotten";
  EXPECT_FALSE(log_->Metrics().stopped);
}

TEST_F(EventLogTest, UncertainWriteStopsTheLog) {
  Start();
  HoldBack();
  store_.FailNextAppends(absl::InternalError("I/O error"), 1);
  Answers answers;
  ASSERT_TRUE(log_->Append(LargeBatch("a"), answers.Next()).ok());
  ASSERT_TRUE(log_->Append(LargeBatch("b"), answers.Next()).ok());
  follower_->Block(false);
  for (const auto& result : answers.Await()) {
    EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(DetailsOf(result.status()).reason, "LOG_STOPPED");
  }
  EXPECT_TRUE(log_->Metrics().stopped);
  const absl::Status later =
      log_->Append(Batch({TestEvent("c", "1")}), [](absl::StatusOr<AppendResult>) { FAIL(); });
  EXPECT_EQ(later.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(DetailsOf(later).reason, "LOG_STOPPED");
}

TEST_F(EventLogTest, StartThatCannotWriteFails) {
  Open();
  store_.FailNextAppends(Overloaded("DISK_FULL", "full", kSecond), 1);
  EXPECT_EQ(log_->Start(*follower_).code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(EventLogTest, FullDiskDelaysAMarkAndDoesNotLoseIt) {
  Start();
  const size_t before = follower_->count();
  store_.FailNextAppends(Overloaded("DISK_FULL", "full", kSecond), 1);
  log_->RequestMark(kTestTimeUs + 10 * kSecond);
  clock_.AdvanceBy(10 * kSecond);
  while (true) {
    clock_.AdvanceBy(kSecond);
    if (follower_->count() > before) break;
    std::this_thread::yield();
  }
  EXPECT_GE(follower_->AwaitCount(before + 1).back()->mark_time_us, kTestTimeUs + 10 * kSecond);
}

}  // namespace
}  // namespace lapse::storage
