#include "storage/time_marks.h"

#include <algorithm>
#include <vector>

#include "base/limits.h"
#include "gtest/gtest.h"

namespace lapse::storage {
namespace {

constexpr int64_t kSecond = limits::kMicrosPerSecond;
constexpr int64_t kStart = 1'000'000 * kSecond;
constexpr int64_t kNothingWaits = INT64_MAX;
constexpr int64_t kNoRequest = TimeMarks::kNoRequest;

ClockReading At(int64_t seconds) { return {kStart + seconds * kSecond, seconds * kSecond}; }

// Logs entries until none is due; returns the marks in seconds from the start.
std::vector<int64_t> CatchUp(TimeMarks& marks, const ClockReading& now) {
  std::vector<int64_t> seconds;
  while (marks.IsDue(now, kNoRequest)) {
    const int64_t mark_us = marks.MarkAt(now, kNothingWaits, kNoRequest);
    marks.Logged(mark_us, now.wall_us);
    seconds.push_back((mark_us - kStart) / kSecond);
  }
  return seconds;
}

// Started without a settle time, at second 0, and up to date.
TimeMarks Settled(int64_t settle_us) {
  TimeMarks marks({.settle_us = settle_us}, kStart);
  marks.Start({kStart - settle_us, -settle_us});
  marks.Observe(At(0), INT64_MAX);
  marks.Logged(marks.MarkAt(At(0), kNothingWaits, kNoRequest), kStart);
  return marks;
}

TEST(TimeMarksTest, MarkIsTheClockButNotPastWhatWaits) {
  TimeMarks marks = Settled(0);
  EXPECT_EQ(marks.MarkAt(At(7), kNothingWaits, kNoRequest), kStart + 7 * kSecond);
  EXPECT_EQ(marks.MarkAt(At(7), kStart + 3 * kSecond, kNoRequest), kStart + 3 * kSecond);
}

TEST(TimeMarksTest, MarkNeverStepsBack) {
  TimeMarks marks = Settled(0);
  marks.Logged(kStart + 9 * kSecond, kStart + 9 * kSecond);
  EXPECT_EQ(marks.MarkAt(At(7), kNothingWaits, kNoRequest), kStart + 9 * kSecond);
}

TEST(TimeMarksTest, EntryIsDueWhenARequestIsReached) {
  TimeMarks marks = Settled(0);
  EXPECT_FALSE(marks.IsDue(At(4), kNoRequest));
  EXPECT_FALSE(marks.IsDue(At(4), kStart + 5 * kSecond));
  EXPECT_EQ(marks.NextDueUs(At(4), kStart + 5 * kSecond), kStart + 5 * kSecond);
  EXPECT_TRUE(marks.IsDue(At(5), kStart + 5 * kSecond));
}

TEST(TimeMarksTest, NewLogStartsAtTheClock) {
  TimeMarks marks({.settle_us = 5 * kSecond}, 0);
  marks.Start(At(0));
  EXPECT_EQ(marks.MarkAt(At(1), kNothingWaits, kNoRequest), kStart);
}

TEST(TimeMarksTest, StartHoldsForTheSettleTimeThenCatchesUpInSlices) {
  TimeMarks marks({.settle_us = 5 * kSecond}, kStart - 3 * kSecond);
  marks.Start(At(0));
  EXPECT_FALSE(marks.IsDue(At(4), kStart));
  EXPECT_EQ(marks.MarkAt(At(4), kNothingWaits, kStart), kStart - 3 * kSecond);
  EXPECT_EQ(marks.NextDueUs(At(4), kNoRequest), kStart + 5 * kSecond);
  marks.Observe(At(5), INT64_MAX);
  EXPECT_EQ(CatchUp(marks, At(5)), (std::vector<int64_t>{-2, -1, 0, 1, 2, 3, 4, 5}));
  EXPECT_FALSE(marks.IsDue(At(6), kNoRequest)) << "caught up";
}

TEST(TimeMarksTest, LongTimeIsCaughtUpInHundredthsOldestFirst) {
  TimeMarks marks({}, kStart - 100'000 * kSecond);
  marks.Start(At(0));
  const std::vector<int64_t> seconds = CatchUp(marks, At(0));
  EXPECT_EQ(seconds[0], -99'000);
  EXPECT_EQ(seconds[1], -98'010);
  EXPECT_EQ(seconds.back(), 0);
  EXPECT_LT(seconds.size(), 1'000u);
}

TEST(TimeMarksTest, CatchingUpSkipsToWhatWasAskedFor) {
  TimeMarks marks({}, kStart - 50 * kSecond);
  marks.Start(At(0));
  EXPECT_EQ(marks.MarkAt(At(0), kNothingWaits, kStart - 10 * kSecond), kStart - 9 * kSecond);
  EXPECT_EQ(marks.MarkAt(At(0), kNothingWaits, kStart + 10 * kSecond), kStart)
      << "nothing is due before now";
  EXPECT_EQ(marks.MarkAt(At(0), kStart - 20 * kSecond, kStart - 10 * kSecond),
            kStart - 20 * kSecond);
}

struct GapCase {
  const char* what;
  int64_t wall_us;
  int64_t steady_us;
  int64_t expected_us;
  bool gap;
};

TEST(TimeMarksTest, GapsAreStandstillsAndStepsOfMoreThanASecond) {
  const GapCase cases[] = {
      {"an ordinary wait", kSecond / 4, kSecond / 4, kSecond / 4, false},
      {"woken late by just a second", 5 * kSecond / 4, 5 * kSecond / 4, kSecond / 4, false},
      {"stopped", 5 * kSecond / 4 + 1, 5 * kSecond / 4 + 1, kSecond / 4, true},
      {"a slow follower", 60 * kSecond, 60 * kSecond, INT64_MAX, false},
      {"stepped forward", 2 * kSecond, kSecond / 4, kSecond / 4, true},
      {"stepped back", -2 * kSecond, kSecond / 4, kSecond / 4, true},
      {"suspended during a slow follower", 90 * kSecond, kSecond, INT64_MAX, true},
      {"slewed", kSecond / 2, kSecond / 4, kSecond / 4, false},
  };
  for (const GapCase& c : cases) {
    TimeMarks marks = Settled(5 * kSecond);
    const ClockReading now = {kStart + c.wall_us, c.steady_us};
    EXPECT_EQ(marks.Observe(now, c.expected_us), c.gap) << c.what;
    EXPECT_EQ(marks.MarkAt({now.wall_us + 4 * kSecond, now.steady_us + 4 * kSecond}, kNothingWaits,
                           kStart) == kStart,
              c.gap || c.wall_us < -kSecond)
        << c.what;
  }
}

// Commits that each take `commit_us`, one after the other, for ten minutes; returns how far the
// marks fell behind the clock at most.
int64_t LargestLag(int64_t commit_us) {
  TimeMarks marks = Settled(5 * kSecond);
  int64_t largest_us = 0;
  for (int64_t us = 0; us < 600 * kSecond; us += commit_us) {
    const ClockReading begin = {kStart + us, us};
    const int64_t mark_us = marks.MarkAt(begin, kNothingWaits, kNoRequest);
    largest_us = std::max(largest_us, begin.wall_us - mark_us);
    marks.Logged(mark_us, begin.wall_us);
    marks.Observe({begin.wall_us + commit_us, us + commit_us}, 0);
  }
  return largest_us;
}

TEST(TimeMarksTest, ADiskThatIsSlowForGoodDoesNotHoldTheMarksForGood) {
  EXPECT_LE(LargestLag(kSecond), kSecond);
  // Four settle times, and one more to catch up.
  for (const int64_t tenths : {11, 15, 20, 30, 60}) {
    EXPECT_GE(LargestLag(tenths * kSecond / 10), 15 * kSecond) << tenths;
    EXPECT_LE(LargestLag(tenths * kSecond / 10), 40 * kSecond) << tenths;
  }
}

TEST(TimeMarksTest, AStandstillThatBeginsWithinTheLimitExtendsTheHold) {
  TimeMarks marks = Settled(5 * kSecond);
  for (int second = 2; second <= 24; second += 2) marks.Observe(At(second), 0);
  EXPECT_FALSE(marks.IsDue(At(26), kStart)) << "that from second 20 began within 20 s of second 2";
  EXPECT_TRUE(marks.IsDue(At(27), kStart)) << "that from second 22 did not";
  marks.Observe(At(28), 0);
  EXPECT_TRUE(marks.IsDue(At(28), kStart)) << "no hold until the marks have caught up";
  marks.Observe({At(28).wall_us + 9 * kSecond, At(28).steady_us}, 0);
  EXPECT_FALSE(marks.IsDue(At(28), kStart)) << "but for a step of the clock";
}

TEST(TimeMarksTest, ALongStandstillWithinAHoldIsSettledAndCaughtUpInSlices) {
  TimeMarks marks({.settle_us = 5 * kSecond}, kStart);
  marks.Start(At(0));
  marks.Observe(At(3), 3 * kSecond);
  EXPECT_TRUE(marks.Observe(At(63), 0));
  EXPECT_FALSE(marks.IsDue(At(67), kStart)) << "what was sent meanwhile is still under way";
  EXPECT_EQ(marks.MarkAt(At(67), kNothingWaits, kStart), kStart);
  EXPECT_TRUE(marks.IsDue(At(68), kStart));
  EXPECT_EQ(marks.MarkAt(At(68), kNothingWaits, kNoRequest), kStart + kSecond);
}

TEST(TimeMarksTest, GapsAreNotLookedForWhereSwitchedOff) {
  TimeMarks marks({.settle_us = 5 * kSecond, .detect_gaps = false}, kStart);
  marks.Start(At(-5));
  EXPECT_FALSE(marks.Observe(At(1'000), 0));
}

TEST(TimeMarksTest, GapWithoutASettleTimeHoldsNothing) {
  TimeMarks marks = Settled(0);
  EXPECT_TRUE(marks.Observe(At(100), 0));
  EXPECT_EQ(marks.MarkAt(At(100), kNothingWaits, kNoRequest), kStart + 100 * kSecond);
}

}  // namespace
}  // namespace lapse::storage
