#include "bench/load/load_report.h"

#include "base/limits.h"
#include "bench/load/load_clock.h"
#include "gtest/gtest.h"

namespace lapse::bench {
namespace {

constexpr int64_t kSecond = limits::kMicrosPerSecond;
// A request of 100 events each 100 ms, for two seconds of which the first is no part.
constexpr LoadPlan kPaced = {
    .events_per_second = 1'000, .duration_us = kSecond, .warm_up_us = kSecond};

TEST(LoadReportTest, WhatAPacedLoadCouldNotSendCountsWithTheTimeItWaited) {
  LoadClock clock(kPaced, 100);
  for (int i = 0; i < 17; ++i) clock.Take(clock.NowUs());
  LoadReport report;
  report.AddUnsent(clock, 100, clock.measure_until_us() + 5 * kSecond);
  EXPECT_EQ(report.unsent, 300) << "those of 1.7, 1.8 and 1.9 s";
  EXPECT_EQ(report.ack.count(), 3u);
  EXPECT_EQ(report.ack.AtMs(0), 5'100);
  EXPECT_EQ(report.ack.AtMs(1), 5'300);
  EXPECT_NE(report.ToJson().find("\"unsent\": 300"), std::string::npos);
}

TEST(LoadReportTest, WhatWasToBeSentBeforeTheMeasuredTimeIsNoPartOfIt) {
  LoadClock clock(kPaced, 100);
  LoadReport report;
  report.AddUnsent(clock, 100, clock.measure_until_us());
  EXPECT_EQ(report.unsent, 1'000);
}

TEST(LoadReportTest, ALoadThatKeptUpOrKeepsNoRateHasNothingUnsent) {
  LoadClock paced(kPaced, 100);
  for (int i = 0; i < 20; ++i) paced.Take(paced.NowUs());
  EXPECT_EQ(paced.UnsentAt(paced.measure_until_us()), 0);
  LoadClock free({.duration_us = kSecond}, 100);
  EXPECT_EQ(free.UnsentAt(free.measure_until_us()), 0);
}

}  // namespace
}  // namespace lapse::bench
