#include "base/clock.h"

#include <atomic>
#include <thread>

#include "base/limits.h"
#include "base/mutex.h"
#include "gtest/gtest.h"

namespace lapse {
namespace {

constexpr int64_t kStartUs = 1'700'000'000 * limits::kMicrosPerSecond;

TEST(RealClockTest, ReadsTheWallAndASteadyTimeThatNeverStepsBack) {
  Clock& clock = RealClock();
  EXPECT_GT(clock.NowUs(), kStartUs);
  const int64_t before_us = clock.SteadyUs();
  EXPECT_GE(clock.SteadyUs(), before_us);
}

TEST(RealClockTest, WaitEndsAtTheDeadline) {
  Clock& clock = RealClock();
  Mutex mutex;
  CondVar cond;
  MutexLock lock(mutex);
  const int64_t deadline_us = clock.NowUs() + 2 * limits::kMicrosPerMilli;
  while (clock.NowUs() < deadline_us) clock.WaitUntil(lock, cond, deadline_us);
  EXPECT_GE(clock.NowUs(), deadline_us);
}

TEST(RealClockTest, WaitWithADeadlineLongPastReturnsAtOnce) {
  Clock& clock = RealClock();
  Mutex mutex;
  CondVar cond;
  MutexLock lock(mutex);
  const int64_t before_us = clock.SteadyUs();
  clock.WaitUntil(lock, cond, INT64_MIN);
  EXPECT_LT(clock.SteadyUs() - before_us, limits::kMicrosPerSecond);
}

TEST(SimulatedClockTest, MovesOnlyWhenTold) {
  SimulatedClock clock(kStartUs);
  EXPECT_EQ(clock.NowUs(), kStartUs);
  clock.AdvanceBy(5);
  EXPECT_EQ(clock.NowUs(), kStartUs + 5);
  clock.AdvanceTo(kStartUs + 3);
  EXPECT_EQ(clock.NowUs(), kStartUs + 5);
}

TEST(SimulatedClockTest, SteadyTimeFollowsAdvancesAndNotSteps) {
  SimulatedClock clock(kStartUs);
  const int64_t steady_us = clock.SteadyUs();
  clock.StepWall(-10);
  EXPECT_EQ(clock.NowUs(), kStartUs - 10);
  EXPECT_EQ(clock.SteadyUs(), steady_us);
  clock.AdvanceBy(4);
  EXPECT_EQ(clock.SteadyUs(), steady_us + 4);
}

TEST(SimulatedClockTest, AnAdvanceWakesAWaiterWhoseDeadlineItReaches) {
  SimulatedClock clock(kStartUs);
  std::atomic<bool> done = false;
  std::thread waiter([&] {
    Mutex mutex;
    CondVar cond;
    MutexLock lock(mutex);
    while (clock.NowUs() < kStartUs + 100) clock.WaitUntil(lock, cond, kStartUs + 100);
    done = true;
  });
  clock.AdvanceBy(99);
  EXPECT_FALSE(done);
  clock.AdvanceBy(1);
  waiter.join();
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace lapse
