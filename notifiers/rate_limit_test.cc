#include "notifiers/rate_limit.h"

#include <vector>

#include "base/limits.h"
#include "gtest/gtest.h"

namespace lapse::notifiers {
namespace {

using limits::kMicrosPerMinute;
using limits::kMicrosPerSecond;
using Action = SendPlan::Action;

constexpr int64_t kStart = 1'000'000 * kMicrosPerSecond;

// Sends singly at `now_us` while it may; returns how many went.
int SendAll(RateLimit& rate, int64_t now_us, int due) {
  int sent = 0;
  while (due > 0 && rate.Plan(now_us, due).action == Action::kSendOne) {
    rate.Add(now_us);
    --due;
    ++sent;
  }
  return sent;
}

TEST(RateLimitTest, TenGoSinglyThenTheRestWaitsForTheMinuteAndBecomesADigest) {
  RateLimit rate;
  EXPECT_EQ(SendAll(rate, kStart, 25), 10);
  const SendPlan wait = rate.Plan(kStart + kMicrosPerSecond, 15);
  EXPECT_EQ(wait.action, Action::kWait);
  EXPECT_EQ(wait.until_us, kStart + kMicrosPerMinute);
  EXPECT_EQ(rate.Plan(wait.until_us - 1, 15).action, Action::kWait);
  EXPECT_EQ(rate.Plan(wait.until_us, 15).action, Action::kMakeDigest);
  rate.DigestMade();
  EXPECT_EQ(rate.Plan(wait.until_us, 1).action, Action::kSendOne);
}

TEST(RateLimitTest, ASingleOneThatWaitedGoesAsItIs) {
  RateLimit rate;
  SendAll(rate, kStart, 11);
  EXPECT_EQ(rate.Plan(kStart + kMicrosPerMinute, 1).action, Action::kSendOne);
}

TEST(RateLimitTest, NothingDueIsIdleAndForgetsThatSomethingWaited) {
  RateLimit rate;
  SendAll(rate, kStart, 11);
  EXPECT_EQ(rate.Plan(kStart + kMicrosPerSecond, 0).action, Action::kIdle);
  EXPECT_EQ(rate.Plan(kStart + kMicrosPerMinute, 5).action, Action::kSendOne);
}

TEST(RateLimitTest, NoSlidingMinuteHoldsMoreThanTen) {
  RateLimit rate;
  std::vector<int64_t> sent;
  int due = 0;
  for (int64_t now = kStart; now < kStart + 20 * kMicrosPerMinute; now += kMicrosPerSecond) {
    // Bursts of one to three a second, with pauses.
    due +=
        static_cast<int>((now / kMicrosPerSecond) % 37 < 20 ? 1 + (now / kMicrosPerSecond) % 3 : 0);
    for (SendPlan plan = rate.Plan(now, due);
         plan.action != Action::kWait && plan.action != Action::kIdle; plan = rate.Plan(now, due)) {
      if (plan.action == Action::kMakeDigest) {
        due = 1;
        rate.DigestMade();
        continue;
      }
      rate.Add(now);
      sent.push_back(now);
      --due;
    }
  }
  ASSERT_GT(sent.size(), 100u);
  for (size_t i = 10; i < sent.size(); ++i) {
    EXPECT_GE(sent[i] - sent[i - 10], kMicrosPerMinute) << i;
  }
}

TEST(RateLimitTest, AClockThatSteppedBackBlocksForAMinuteAtMost) {
  RateLimit rate;
  SendAll(rate, kStart + 60 * kMicrosPerMinute, 10);
  EXPECT_EQ(rate.Plan(kStart, 1).until_us, kStart + kMicrosPerMinute);
  EXPECT_EQ(rate.Plan(kStart + kMicrosPerMinute, 1).action, Action::kSendOne);
}

TEST(RateLimitTest, TakesRecordedTimesInAnyOrder) {
  RateLimit rate;
  for (int i = 9; i >= 0; --i) rate.Add(kStart + i * kMicrosPerSecond);
  EXPECT_EQ(rate.Plan(kStart + 20 * kMicrosPerSecond, 1).until_us, kStart + kMicrosPerMinute);
}

}  // namespace
}  // namespace lapse::notifiers
