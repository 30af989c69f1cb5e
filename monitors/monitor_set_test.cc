#include "monitors/monitor_set.h"

#include <string>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "monitors/test_monitors.h"

namespace lapse::monitors {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

MonitorChange Made(MonitorChange::Action action, const lapse::v1::Monitor& monitor) {
  return Change(action, monitor).monitor_change();
}

lapse::v1::Monitor Revised(int64_t revision) {
  lapse::v1::Monitor monitor = OrderMonitor();
  monitor.set_revision(revision);
  return monitor;
}

lapse::v1::Monitor Disabled() {
  lapse::v1::Monitor monitor = OrderMonitor();
  monitor.set_disabled(true);
  return monitor;
}

// "2" for revision 2 in force, "1 old" for an old one.
std::vector<std::string> Watchers(MonitorSet& set, const std::string& type = "created") {
  std::vector<std::string> texts;
  for (const Watcher& watcher : set.WatchersOf(type)) {
    texts.push_back(std::to_string(watcher.revision->revision()) +
                    (watcher.in_force ? "" : " old"));
  }
  return texts;
}

MonitorUpdate Apply(MonitorSet& set, MonitorChange::Action action,
                    const lapse::v1::Monitor& monitor, storage::LogPosition position) {
  auto update = set.Apply(Made(action, monitor), position);
  EXPECT_TRUE(update.ok()) << update.status();
  return *update;
}

TEST(MonitorSetTest, AMonitorSeesTheTypesOfItsPatternsFromItsCreateOn) {
  MonitorSet set;
  EXPECT_THAT(Watchers(set), IsEmpty());
  Apply(set, MonitorChange::ACTION_CREATE, OrderMonitor(), 5);
  EXPECT_THAT(Watchers(set, "created"), ElementsAre("1"));
  EXPECT_THAT(Watchers(set, "delivered"), ElementsAre("1"));
  EXPECT_THAT(Watchers(set, "cancelled"), ElementsAre("1"));
  EXPECT_THAT(Watchers(set, "other"), IsEmpty());
}

TEST(MonitorSetTest, ANewRevisionTakesForceAndTheOldOneStillSees) {
  MonitorSet set;
  Apply(set, MonitorChange::ACTION_CREATE, OrderMonitor(), 5);
  Apply(set, MonitorChange::ACTION_UPDATE, Revised(2), 6);
  EXPECT_THAT(Watchers(set), ElementsAre("1 old", "2"));
}

TEST(MonitorSetTest, AnEditThatKeepsTheConditionKeepsTheRevisionAndChangesTheFacts) {
  MonitorSet set;
  Apply(set, MonitorChange::ACTION_CREATE, OrderMonitor(), 5);
  const CompiledMonitor* before = set.WatchersOf("created")[0].revision;
  lapse::v1::Monitor renamed = OrderMonitor();
  renamed.set_display_name("Renamed");
  const MonitorUpdate update = Apply(set, MonitorChange::ACTION_UPDATE, renamed, 6);
  EXPECT_EQ(update.monitor->display_name(), "Renamed");
  EXPECT_EQ(update.cancel_reason, lapse::v1::VERDICT_REASON_UNSPECIFIED);
  EXPECT_THAT(Watchers(set), ElementsAre("1"));
  EXPECT_EQ(set.WatchersOf("created")[0].revision, before);
}

TEST(MonitorSetTest, DisablingCancelsAndSeesNothingUntilEnabled) {
  MonitorSet set;
  Apply(set, MonitorChange::ACTION_CREATE, OrderMonitor(), 5);
  EXPECT_EQ(Apply(set, MonitorChange::ACTION_DISABLE, Disabled(), 6).cancel_reason,
            lapse::v1::VERDICT_REASON_MONITOR_DISABLED);
  EXPECT_THAT(Watchers(set), IsEmpty());
  EXPECT_EQ(Apply(set, MonitorChange::ACTION_ENABLE, OrderMonitor(), 7).cancel_reason,
            lapse::v1::VERDICT_REASON_UNSPECIFIED);
  EXPECT_THAT(Watchers(set), ElementsAre("1"));
}

TEST(MonitorSetTest, DeletingCancelsAndSeesNothing) {
  MonitorSet set;
  Apply(set, MonitorChange::ACTION_CREATE, OrderMonitor(), 5);
  EXPECT_EQ(Apply(set, MonitorChange::ACTION_DELETE, OrderMonitor(), 6).cancel_reason,
            lapse::v1::VERDICT_REASON_MONITOR_DELETED);
  EXPECT_THAT(Watchers(set), IsEmpty());
}

TEST(MonitorSetTest, ApplyingAChangeAgainChangesNothing) {
  MonitorSet set;
  Apply(set, MonitorChange::ACTION_CREATE, OrderMonitor(), 5);
  Apply(set, MonitorChange::ACTION_UPDATE, Revised(2), 6);
  Apply(set, MonitorChange::ACTION_UPDATE, Revised(2), 6);
  EXPECT_THAT(Watchers(set), ElementsAre("1 old", "2"));
}

TEST(MonitorSetTest, OldRevisionsWithoutKeysAreLetGoWhenEveryShardKnowsThatTheyAreOld) {
  MonitorSet set;
  Apply(set, MonitorChange::ACTION_CREATE, OrderMonitor(), 5);
  set.WatchersOf("created")[0].revision->AddKeys(1);
  const CompiledMonitor* old = set.WatchersOf("created")[0].revision;
  Apply(set, MonitorChange::ACTION_UPDATE, Revised(2), 6);
  EXPECT_THAT(set.DropUnused(10, 10), IsEmpty());
  EXPECT_THAT(Watchers(set), ElementsAre("1 old", "2"));
  old->AddKeys(-1);
  set.DropUnused(5, 10);
  EXPECT_THAT(Watchers(set), ElementsAre("1 old", "2")) << "a shard may still add a key";
  EXPECT_THAT(set.DropUnused(6, 10), IsEmpty());
  EXPECT_THAT(Watchers(set), ElementsAre("2"));
}

TEST(MonitorSetTest, ADeletedMonitorIsGoneWithItsLastKey) {
  MonitorSet set;
  Apply(set, MonitorChange::ACTION_CREATE, OrderMonitor(), 5);
  const CompiledMonitor* revision = set.WatchersOf("created")[0].revision;
  revision->AddKeys(1);
  Apply(set, MonitorChange::ACTION_DELETE, OrderMonitor(), 6);
  EXPECT_THAT(set.DropUnused(6, 6), IsEmpty());
  EXPECT_EQ(set.Snapshot().size(), 1u);
  revision->AddKeys(-1);
  EXPECT_THAT(set.DropUnused(6, 6), ElementsAre("uid-order-delivered"));
  EXPECT_THAT(set.Snapshot(), IsEmpty());
}

std::vector<storage::RecordedMonitorChange> History() {
  lapse::v1::Monitor renamed = OrderMonitor();
  renamed.set_display_name("Renamed");
  return {
      {10, 0, Made(MonitorChange::ACTION_CREATE, OrderMonitor())},
      {20, 0, Made(MonitorChange::ACTION_UPDATE, renamed)},
      {30, 0, Made(MonitorChange::ACTION_UPDATE, Revised(2))},
      {40, 0, Made(MonitorChange::ACTION_DELETE, Revised(2))},
  };
}

TEST(MonitorSetTest, LoadGivesTheMonitorsAsOfAPosition) {
  struct Case {
    storage::LogPosition position;
    std::vector<std::string> watchers;
    std::string display_name;
  };
  const Case cases[] = {
      {9, {}, "Order delivered"},     {10, {"1"}, "Order delivered"}, {20, {"1"}, "Renamed"},
      {30, {"2"}, "Order delivered"}, {40, {}, "Order delivered"},
  };
  for (const Case& c : cases) {
    MonitorSet set;
    ASSERT_TRUE(set.Load(History(), c.position).ok());
    EXPECT_EQ(Watchers(set), c.watchers) << c.position;
    EXPECT_EQ(set.Snapshot()[0].monitor->display_name(), c.display_name) << c.position;
  }
}

TEST(MonitorSetTest, ARevisionThatACheckpointHasKeysOfSeesEventsAgain) {
  MonitorSet set;
  ASSERT_TRUE(set.Load(History(), 30).ok());
  ASSERT_TRUE(set.FindRevision("uid-order-delivered", 1).ok());
  EXPECT_THAT(Watchers(set), ElementsAre("1 old", "2"));
}

TEST(MonitorSetTest, ARevisionThatTheReplayHasNotReachedSeesNothingUntilItsChange) {
  MonitorSet set;
  ASSERT_TRUE(set.Load(History(), 10).ok());
  ASSERT_TRUE(set.FindRevision("uid-order-delivered", 2).ok());
  EXPECT_THAT(Watchers(set), ElementsAre("1"));
  Apply(set, MonitorChange::ACTION_UPDATE, Revised(2), 30);
  EXPECT_THAT(Watchers(set), ElementsAre("1 old", "2"));
}

TEST(MonitorSetTest, ARevisionThatTheHistoryDoesNotHaveIsDataLoss) {
  MonitorSet set;
  ASSERT_TRUE(set.Load(History(), 30).ok());
  const absl::Status status = set.FindRevision("uid-order-delivered", 3).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DetailsOf(status).reason, "MONITOR_HISTORY_INCOMPLETE");
}

}  // namespace
}  // namespace lapse::monitors
