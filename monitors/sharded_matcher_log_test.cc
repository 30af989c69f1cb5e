// The matcher behind the real event log, which gives it the marks it asks for.
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "monitors/test_matcher.h"
#include "storage/event_log.h"

namespace lapse::monitors {
namespace {

using ::testing::ElementsAre;

class MatcherOnLogTest : public testing::Test {
 protected:
  ~MatcherOnLogTest() override { Kill(); }

  void Start(double settle) {
    storage::EventLogOptions options;
    options.settle_us = static_cast<int64_t>(settle * kSecond);
    options.detect_gaps = false;
    options.id_seed = 1;
    auto log = storage::EventLog::Open(options, chunks_, clock_);
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
    MatcherOptions matcher_options;
    matcher_options.checkpoint_interval_us = 0;
    auto matcher = RecoverMatcher(
        matcher_options,
        MatcherDeps{state_, state_, checkpoints_, clock_, listener_, chunks_.Seed()}, chunks_);
    ASSERT_TRUE(matcher.ok()) << matcher.status();
    matcher_ = *std::move(matcher);
    matcher_->Start(*log_);
    ASSERT_TRUE(log_->Start(*matcher_).ok());
  }

  void Kill() {
    if (matcher_ != nullptr) matcher_->Abort();
    log_.reset();
    matcher_.reset();
  }

  void Send(std::vector<lapse::v1::Event> events) {
    auto batch = storage::EventBatch::Of({events.begin(), events.end()});
    std::promise<absl::Status> done;
    ASSERT_TRUE(
        log_->Append(std::move(batch), [&](auto result) { done.set_value(result.status()); }).ok());
    EXPECT_TRUE(done.get_future().get().ok());
  }

  void Control(const ControlRecord& control) {
    std::promise<absl::Status> done;
    ASSERT_TRUE(
        log_->AppendControl(control, [&](auto position) { done.set_value(position.status()); })
            .ok());
    EXPECT_TRUE(done.get_future().get().ok());
  }

  void AwaitAlerts(storage::FeedPosition count) {
    listener_.WaitFor(
        [count](const RecordingListener::Seen& seen) { return seen.committed >= count; });
  }

  // "FIRING A", in the order of the feed.
  std::vector<std::string> Feed() {
    std::vector<std::string> texts;
    const auto feed = state_.ReadFeed(0, 100);
    for (const storage::FeedChange& change : *feed) {
      const bool firing = change.alert.state() == lapse::v1::Alert::STATE_FIRING;
      texts.push_back((firing ? "FIRING " : "RESOLVED ") + change.alert.key());
    }
    return texts;
  }

  SimulatedClock clock_{At(0)};
  storage::MemoryChunkStore chunks_;
  FailingAlertStore state_;
  storage::MemoryCheckpointStore checkpoints_;
  RecordingListener listener_;
  std::unique_ptr<ShardedMatcher> matcher_;
  std::unique_ptr<storage::EventLog> log_;
};

TEST_F(MatcherOnLogTest, DeadlinesFireByTheClockWithoutAnyFurtherEvent) {
  Start(0);
  Control(Change(MonitorChange::ACTION_CREATE, OrderMonitor()));
  clock_.AdvanceTo(At(1));
  Send({MakeEvent("created", "A", 1), MakeEvent("created", "B", 0.5)});
  clock_.AdvanceTo(At(10.7));
  AwaitAlerts(1);
  EXPECT_THAT(Feed(), ElementsAre("FIRING B"));
  clock_.AdvanceTo(At(11.1));
  AwaitAlerts(2);
  EXPECT_THAT(Feed(), ElementsAre("FIRING B", "FIRING A"));
  Send({MakeEvent("delivered", "A", 11.1)});
  AwaitAlerts(3);
  EXPECT_THAT(Feed(), ElementsAre("FIRING B", "FIRING A", "RESOLVED A"));
}

TEST_F(MatcherOnLogTest, WhatIsOverdueAfterARestartFiresOnceAfterTheSettleTime) {
  Start(0);
  Control(Change(MonitorChange::ACTION_CREATE, OrderMonitor()));
  Send({MakeEvent("created", "A", 0), MakeEvent("created", "B", 0)});
  Kill();
  clock_.AdvanceTo(At(100));
  Start(5);
  // The sender had it queued while the server was down.
  Send({MakeEvent("delivered", "B", 3)});
  clock_.AdvanceTo(At(104));
  Send({MakeEvent("other", "X", 104)});
  EXPECT_EQ(listener_.committed(), 0);
  clock_.AdvanceTo(At(106));
  AwaitAlerts(1);
  EXPECT_THAT(Feed(), ElementsAre("FIRING A"));
  const auto feed = state_.ReadFeed(0, 10);
  EXPECT_TRUE((*feed)[0].alert.detected_late());
  EXPECT_EQ(ToMicros((*feed)[0].alert.due_time()), At(10));
  Kill();
  Start(5);
  clock_.AdvanceTo(At(120));
  Send({MakeEvent("delivered", "A", 120)});
  AwaitAlerts(2);
  EXPECT_THAT(Feed(), ElementsAre("FIRING A", "RESOLVED A"));
}

}  // namespace
}  // namespace lapse::monitors
