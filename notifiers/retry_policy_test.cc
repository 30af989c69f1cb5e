#include "notifiers/retry_policy.h"

#include "base/limits.h"
#include "gtest/gtest.h"

namespace lapse::notifiers {
namespace {

using lapse::v1::Delivery;
using limits::kMicrosPerSecond;

TEST(BackoffTest, DoublesUpToFiveMinutesLessAQuarterAtMost) {
  const struct {
    SendOutcome outcome;
    int failures;
    int64_t seconds;
  } kCases[] = {
      {SendOutcome::kRetry, 1, 1},           {SendOutcome::kRetry, 2, 2},
      {SendOutcome::kRetry, 3, 4},           {SendOutcome::kReceiverDown, 4, 8},
      {SendOutcome::kReceiverDown, 9, 256},  {SendOutcome::kRetry, 10, 300},
      {SendOutcome::kRetry, 1'000'000, 300}, {SendOutcome::kMisconfigured, 1, 60},
      {SendOutcome::kMisconfigured, 2, 120}, {SendOutcome::kMisconfigured, 4, 300},
  };
  for (const auto& c : kCases) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const int64_t wait_us = BackoffUs(c.outcome, c.failures, seed);
      EXPECT_LE(wait_us, c.seconds * kMicrosPerSecond) << c.failures;
      EXPECT_GT(wait_us, c.seconds * kMicrosPerSecond * 3 / 4) << c.failures;
    }
  }
}

TEST(BackoffTest, FollowsFromTheSeedAlone) {
  EXPECT_EQ(BackoffUs(SendOutcome::kRetry, 3, 7), BackoffUs(SendOutcome::kRetry, 3, 7));
  EXPECT_NE(BackoffUs(SendOutcome::kRetry, 3, 7), BackoffUs(SendOutcome::kRetry, 3, 8));
}

TEST(DecideAfterTryTest, StateFollowsFromOutcomeAndAge) {
  constexpr int64_t kDay = limits::kMaxDeliveryAgeUs;
  const struct {
    int64_t age_us;
    SendOutcome outcome;
    Delivery::State state;
  } kCases[] = {
      {0, SendOutcome::kSent, Delivery::STATE_SENT},
      {2 * kDay, SendOutcome::kSent, Delivery::STATE_SENT},
      {0, SendOutcome::kRefused, Delivery::STATE_DEAD},
      {0, SendOutcome::kRetry, Delivery::STATE_PENDING},
      {kDay - 1, SendOutcome::kReceiverDown, Delivery::STATE_PENDING},
      {kDay - 1, SendOutcome::kMisconfigured, Delivery::STATE_PENDING},
      {kDay, SendOutcome::kRetry, Delivery::STATE_DEAD},
      {kDay, SendOutcome::kReceiverDown, Delivery::STATE_DEAD},
      {kDay, SendOutcome::kMisconfigured, Delivery::STATE_DEAD},
  };
  constexpr int64_t kCreated = 1'000 * kMicrosPerSecond;
  for (const auto& c : kCases) {
    const int64_t now_us = kCreated + c.age_us;
    const TryDecision decision = DecideAfterTry(c.outcome, 1, kCreated, now_us, 0);
    EXPECT_EQ(decision.state, c.state) << c.age_us;
    EXPECT_EQ(decision.next_try_time_us > now_us, c.state == Delivery::STATE_PENDING);
  }
}

}  // namespace
}  // namespace lapse::notifiers
