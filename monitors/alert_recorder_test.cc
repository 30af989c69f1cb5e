#include "monitors/alert_recorder.h"

#include <atomic>
#include <future>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/errors.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "monitors/test_alerts.h"

namespace lapse::monitors {
namespace {

using lapse::v1::Alert;
using ::testing::ElementsAre;

storage::AlertWrite Write(const std::string& name, int64_t version,
                          const std::string& display_name = "Monitor") {
  Alert alert;
  alert.set_name("alerts/" + name);
  alert.set_version(version);
  alert.set_state(version % 2 == 1 ? Alert::STATE_FIRING : Alert::STATE_RESOLVED);
  alert.set_monitor_display_name(display_name);
  return {alert};
}

class AlertRecorderTest : public testing::Test {
 protected:
  // "name version", in the order of the feed.
  std::vector<std::string> Feed() {
    std::vector<std::string> texts;
    const auto feed = store_.ReadFeed(0, 1'000);
    for (const storage::FeedChange& change : *feed) {
      texts.push_back(change.alert.name().substr(7) + " " + std::to_string(change.alert.version()));
    }
    return texts;
  }

  SimulatedClock clock_{1'700'000'000'000'000};
  FailingAlertStore store_;
  RecordingListener listener_;
  AlertRecorder recorder_{store_, clock_, listener_};
};

TEST_F(AlertRecorderTest, StoresInOrderAndThenPublishes) {
  recorder_.Start();
  recorder_.Push({Write("a", 1), Write("b", 1)});
  recorder_.Push({Write("a", 2)});
  recorder_.Stop();
  EXPECT_THAT(Feed(), ElementsAre("a 1", "b 1", "a 2"));
  EXPECT_EQ(listener_.committed(), 3);
}

TEST_F(AlertRecorderTest, WhatIsStoredAlreadyIsNotPublishedAgain) {
  recorder_.Start();
  recorder_.Push({Write("a", 1), Write("a", 2)});
  recorder_.Push({Write("a", 1), Write("a", 2), Write("a", 3)});
  recorder_.Stop();
  EXPECT_THAT(Feed(), ElementsAre("a 1", "a 2", "a 3"));
}

TEST_F(AlertRecorderTest, LaterVersionsKeepTheFactsTheAlertWasMadeWith) {
  ASSERT_TRUE(store_.CommitAlerts({Write("stored", 1, "Before")}, 1).ok());
  recorder_.Start();
  recorder_.Push({Write("new", 1, "Before"), Write("stored", 2, "After"), Write("new", 2, "After"),
                  Write("new", 3, "Later")});
  recorder_.Stop();
  EXPECT_EQ(store_.GetAlert("alerts/stored")->monitor_display_name(), "Before");
  EXPECT_EQ(store_.GetAlert("alerts/new")->monitor_display_name(), "Before");
  EXPECT_EQ(store_.GetAlert("alerts/new")->version(), 3);
}

TEST_F(AlertRecorderTest, ABarrierComesAfterWhatWasPushedBefore) {
  recorder_.Start();
  recorder_.Push({Write("a", 1)});
  std::promise<size_t> seen;
  recorder_.PushBarrier([&] { seen.set_value(Feed().size()); });
  EXPECT_EQ(seen.get_future().get(), 1u);
}

TEST_F(AlertRecorderTest, AFullDiskIsWaitedForAndNothingIsLost) {
  store_.FailCommits(DiskFull(), 3);
  recorder_.Start();
  recorder_.Push({Write("a", 1)});
  listener_.WaitFor([](const RecordingListener::Seen& seen) { return seen.held_up == 1; });
  recorder_.Push({Write("b", 1)});
  EXPECT_THAT(Feed(), testing::IsEmpty());
  while (!listener_.Get().held_up_over) clock_.AdvanceBy(limits::kAlertStoreRetryUs);
  recorder_.Stop();
  EXPECT_THAT(Feed(), ElementsAre("a 1", "b 1"));
  EXPECT_EQ(listener_.Get().held_up, 1) << "said once";
}

TEST_F(AlertRecorderTest, AnyOtherFailureStopsItAndIsTold) {
  store_.FailCommits(absl::InternalError("disk on fire"), 1);
  recorder_.Start();
  recorder_.Push({Write("a", 1)});
  listener_.WaitFor([](const RecordingListener::Seen& seen) { return !seen.failed.ok(); });
  EXPECT_EQ(recorder_.status().message(), "disk on fire");
  recorder_.Push({Write("b", 1)});
  bool called = false;
  recorder_.PushBarrier([&] { called = true; });
  recorder_.Stop();
  EXPECT_THAT(Feed(), testing::IsEmpty());
  EXPECT_FALSE(called);
}

TEST_F(AlertRecorderTest, PushWaitsWhileTheQueueIsFull) {
  store_.FailCommits(DiskFull(), 1'000'000);
  recorder_.Start();
  std::atomic<bool> pushed{false};
  std::thread pusher([&] {
    for (size_t i = 0; i < limits::kMaxQueuedAlerts + limits::kMaxAlertsPerCommit + 1; ++i) {
      recorder_.Push({Write(std::to_string(i), 1)});
    }
    pushed = true;
  });
  listener_.WaitFor([](const RecordingListener::Seen& seen) { return seen.held_up == 1; });
  EXPECT_FALSE(pushed);
  recorder_.Abort();
  pusher.join();
}

TEST_F(AlertRecorderTest, TellsOfRoomBeforeWhatMadeItIsStored) {
  store_.FailCommits(DiskFull(), 1'000'000);
  std::vector<storage::AlertWrite> writes;
  for (size_t i = 0; i < limits::kMaxQueuedAlerts / 2 + limits::kMaxAlertsPerCommit - 1; ++i) {
    writes.push_back(Write(std::to_string(i), 1));
  }
  recorder_.Push(std::move(writes));
  std::promise<void> room;
  EXPECT_FALSE(recorder_.HasRoom([&] { room.set_value(); }));
  recorder_.Start();
  room.get_future().get();
  EXPECT_THAT(Feed(), testing::IsEmpty());
  EXPECT_TRUE(recorder_.HasRoom([] { FAIL(); }));
  recorder_.Abort();
}

TEST_F(AlertRecorderTest, StopDoesNotWaitForAFullDisk) {
  store_.FailCommits(DiskFull(), 1'000'000);
  recorder_.Start();
  recorder_.Push({Write("a", 1)});
  recorder_.Stop();
  EXPECT_THAT(Feed(), testing::IsEmpty());
}

}  // namespace
}  // namespace lapse::monitors
