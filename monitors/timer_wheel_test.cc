#include "monitors/timer_wheel.h"

#include <random>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "gtest/gtest.h"

namespace lapse::monitors {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kStart = 1'700'000'000 * kSecond;

// Keys with timers, and beside them an ordered set that says what must come next.
class TimerWheelTest : public testing::Test, public TimerOwner {
 protected:
  using Expected = std::tuple<int64_t, Fingerprint, TimerPlace>;

  int64_t TimerAt(TimerPlace place) const override {
    const auto found = timers_.find(place);
    return found == timers_.end() ? kNever : found->second.at_us;
  }
  std::optional<KeyTimer> ExactTimerAt(TimerPlace place) const override {
    const auto found = timers_.find(place);
    if (found == timers_.end()) return std::nullopt;
    return found->second;
  }
  void Prefetch(TimerPlace) const override {}

  void Set(TimerPlace place, int64_t at_us) {
    Unset(place);
    // Fingerprints are in another order than places.
    const Fingerprint key{place * 0x9e3779b97f4a7c15, place};
    timers_[place] = {at_us, key};
    expected_.insert({at_us, key, place});
    wheel_.Add(at_us, place);
  }
  void Unset(TimerPlace place) {
    const auto found = timers_.find(place);
    if (found == timers_.end()) return;
    const KeyTimer timer = found->second;
    expected_.erase({timer.at_us, timer.key, place});
    timers_.erase(found);
    wheel_.Clear(timer.at_us);
  }

  // What is due up to `mark_us`, as the wheel says; each is unset as it comes.
  void ExpectDueUpTo(int64_t mark_us) {
    for (auto due = wheel_.PopDue(mark_us); due.has_value(); due = wheel_.PopDue(mark_us)) {
      ASSERT_FALSE(expected_.empty());
      ASSERT_EQ(due->at_us, std::get<0>(*expected_.begin()));
      ASSERT_EQ(due->place, std::get<2>(*expected_.begin()));
      Unset(due->place);
    }
    ASSERT_TRUE(expected_.empty() || std::get<0>(*expected_.begin()) > mark_us);
  }

  int64_t EarliestExpected() const {
    return expected_.empty() ? kNever : std::get<0>(*expected_.begin());
  }

  std::unordered_map<TimerPlace, KeyTimer> timers_;
  std::set<Expected> expected_;
  TimerWheel wheel_{*this};
};

TEST_F(TimerWheelTest, FiresOldestFirstAndAtEqualTimesByKey) {
  for (TimerPlace place = 1; place <= 100; ++place) {
    Set(place, kStart + static_cast<int64_t>(place % 7) * kSecond);
  }
  EXPECT_EQ(wheel_.NextUs(), kStart);
  ExpectDueUpTo(kStart - 1);
  EXPECT_EQ(expected_.size(), 100u);
  ExpectDueUpTo(kStart + 3 * kSecond);
  ExpectDueUpTo(kStart + 10 * kSecond);
  EXPECT_TRUE(expected_.empty());
  EXPECT_EQ(wheel_.NextUs(), kNever);
}

TEST_F(TimerWheelTest, ATimerThatIsClearedIsForgotten) {
  Set(1, kStart);
  Set(2, kStart + kSecond);
  Unset(1);
  EXPECT_EQ(wheel_.NextUs(), kStart + kSecond);
  Unset(2);
  EXPECT_EQ(wheel_.NextUs(), kNever);
}

TEST_F(TimerWheelTest, TimersOfEveryDistanceFireInOrderWhateverComesBetween) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    int64_t now_us = kStart;
    wheel_.PopDue(now_us);
    for (int i = 0; i < 5'000; ++i) {
      const TimerPlace place = 1 + random() % 500;
      const int shift = static_cast<int>(random() % 46);
      switch (random() % 8) {
        case 0:
          now_us += static_cast<int64_t>(random() % (uint64_t{1} << (random() % 38)));
          ASSERT_NO_FATAL_FAILURE(ExpectDueUpTo(now_us)) << "seed " << seed;
          break;
        case 1:
          Unset(place);
          break;
        case 2:
          // Few: exact.
          ASSERT_EQ(wheel_.NextUs(), EarliestExpected()) << "seed " << seed;
          break;
        default:
          Set(place, now_us + 1 + static_cast<int64_t>(random() % (uint64_t{1} << shift)));
      }
    }
    ExpectDueUpTo(kStart + (int64_t{1} << 50));
    now_us = kStart;
    timers_.clear();
    expected_.clear();
  }
}

TEST_F(TimerWheelTest, WhatIsClearedDoesNotPileUp) {
  std::mt19937_64 random(1);
  constexpr TimerPlace kKeys = 20'000;
  for (int i = 0; i < 1'000'000; ++i) {
    Set(1 + random() % kKeys, kStart + static_cast<int64_t>(random() % (3'600 * kSecond)));
  }
  EXPECT_LT(wheel_.size(), 2 * kKeys);
  ExpectDueUpTo(kStart + 3'600 * kSecond);
}

TEST_F(TimerWheelTest, ManyAtOneInstantFireByKey) {
  for (TimerPlace place = 1; place <= 20'000; ++place) Set(place, kStart);
  ExpectDueUpTo(kStart);
  EXPECT_TRUE(expected_.empty());
}

}  // namespace
}  // namespace lapse::monitors
