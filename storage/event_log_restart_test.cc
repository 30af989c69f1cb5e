#include <cstdio>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/event_log.h"
#include "storage/event_log_fixture.h"

namespace lapse::storage {
namespace {

using testing::ElementsAre;

constexpr int64_t kSecond = limits::kMicrosPerSecond;

class EventLogRestartTest : public EventLogTest, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override { std::remove(path_.c_str()); }

  EventLogOptions Options(size_t window = 1'000) const {
    return {.settle_us = 0,
            .duplicate_window_events = window,
            .duplicate_window_path = GetParam() ? path_ : "",
            .detect_gaps = false};
  }

  void Save() {
    if (!GetParam()) return;
    ASSERT_TRUE(log_->SaveDuplicateWindow().ok());
  }

  const std::string path_ = testing::TempDir() + "/event_log_window";
};

INSTANTIATE_TEST_SUITE_P(SavedOrRebuilt, EventLogRestartTest, testing::Bool());

TEST_P(EventLogRestartTest, CopiesAreRecognisedAcrossARestart) {
  Start(Options());
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(AppendAndWait({TestEvent("a" + std::to_string(i), "1")}).ok());
  Save();
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(AppendAndWait({TestEvent("b" + std::to_string(i), "1")}).ok());
  Start(Options());
  EXPECT_EQ(log_->Metrics().duplicate_window_events, 100);
  EXPECT_THAT(
      Sequences(AppendAndWait({TestEvent("a7", "1"), TestEvent("b7", "1"), TestEvent("c", "1")})),
      ElementsAre(8, 58, 101));
  EXPECT_TRUE(AppendAndWait({TestEvent("a8", "2")})->events[0].conflicting);
}

TEST_P(EventLogRestartTest, ReachIsTheSameAfterARestart) {
  Start(Options(10));
  for (int i = 1; i <= 100; ++i)
    ASSERT_TRUE(AppendAndWait({TestEvent(std::to_string(i), "1")}).ok());
  Save();
  Start(Options(10));
  EXPECT_EQ(log_->Metrics().duplicate_window_events, 10);
  EXPECT_EQ(log_->Metrics().duplicate_window_oldest_us, kTestTimeUs);
  EXPECT_TRUE(AppendAndWait({TestEvent("91", "1")})->events[0].duplicate);
  EXPECT_FALSE(AppendAndWait({TestEvent("90", "1")})->events[0].duplicate);
}

TEST_P(EventLogRestartTest, DamageInTheLogShortensTheReachOnly) {
  Start(Options());
  for (int i = 1; i <= 9; ++i) ASSERT_TRUE(AppendAndWait({TestEvent(std::to_string(i), "1")}).ok());
  const LogPosition last = store_.LastPosition();
  log_->Stop();
  store_.Damage(last - 3);
  Start(Options());
  EXPECT_TRUE(AppendAndWait({TestEvent("9", "1")})->events[0].duplicate);
  EXPECT_FALSE(AppendAndWait({TestEvent("2", "1")})->events[0].duplicate);
}

TEST_P(EventLogRestartTest, DamagedWindowFileIsRebuiltFromTheLog) {
  Start(Options());
  ASSERT_TRUE(AppendAndWait({TestEvent("a", "1")}).ok());
  Save();
  std::FILE* file = std::fopen(path_.c_str(), "r+b");
  if (file != nullptr) {
    std::fseek(file, 50, SEEK_SET);
    std::fputc(0x55, file);
    std::fclose(file);
  }
  Start(Options());
  EXPECT_TRUE(AppendAndWait({TestEvent("a", "1")})->events[0].duplicate);
}

TEST_F(EventLogTest, CopyAfterADayIsANewEvent) {
  Start();
  ASSERT_TRUE(AppendAndWait({TestEvent("a", "1")}).ok());
  clock_.AdvanceBy(limits::kDuplicateWindowUs);
  EXPECT_TRUE(AppendAndWait({TestEvent("a", "1")})->events[0].duplicate);
  clock_.AdvanceBy(kSecond);
  EXPECT_FALSE(AppendAndWait({TestEvent("a", "1")})->events[0].duplicate);
}

}  // namespace
}  // namespace lapse::storage
