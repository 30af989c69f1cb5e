#include "monitors/recovery.h"

#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "monitors/test_matcher.h"
#include "monitors/test_script.h"

namespace lapse::monitors {
namespace {

using ::testing::ElementsAre;

constexpr char kUid[] = "uid-order-delivered";
constexpr int kEntries = 200;

ControlRecord Create() { return Change(MonitorChange::ACTION_CREATE, OrderMonitor()); }

struct Outcome {
  std::map<std::string, std::vector<std::string>> alerts;
  std::vector<std::string> stats;
};

Outcome End(TestMatcher& test) {
  Outcome outcome;
  for (const char* uid : {"uid-first", "uid-stack"}) {
    const lapse::v1::MonitorStats stats = test.Stats(uid);
    EXPECT_TRUE(Balances(stats)) << stats.DebugString();
    EXPECT_GT(stats.opened(), 0);
    outcome.stats.push_back(stats.DebugString());
  }
  test.Stop();
  outcome.alerts = test.Alerts();
  return outcome;
}

// Feeds the script; `before` is called ahead of each entry and may kill, start and checkpoint.
Outcome Play(
    TestMatcher& test, const Script& script, int shard_count,
    const std::function<void(TestMatcher&)>& before = [](TestMatcher&) {}) {
  test.Start(shard_count);
  for (const auto& entry : script) {
    before(test);
    test.Append(entry);
  }
  return End(test);
}

Outcome Undisturbed(const Script& script) {
  TestMatcher test;
  return Play(test, script, 1);
}

void ExpectSame(const Outcome& actual, const Outcome& expected, uint64_t seed) {
  EXPECT_EQ(actual.stats, expected.stats) << "seed " << seed;
  EXPECT_EQ(actual.alerts.size(), expected.alerts.size()) << "seed " << seed;
  for (const auto& [name, versions] : expected.alerts) {
    const auto found = actual.alerts.find(name);
    ASSERT_NE(found, actual.alerts.end()) << name << " is missing, seed " << seed;
    EXPECT_EQ(found->second, versions) << name << ", seed " << seed;
  }
}

void KillAndStart(TestMatcher& test, int shard_count) {
  test.Kill();
  test.Start(shard_count);
}

TEST(RecoveryTest, TheShardCountChangesNothing) {
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    const Script script = ScriptMaker(seed).Make(kEntries);
    const Outcome expected = Undisturbed(script);
    EXPECT_GT(expected.alerts.size(), 20u);
    for (const int shards : {2, 7, 64}) {
      TestMatcher test;
      ExpectSame(Play(test, script, shards), expected, seed);
    }
  }
}

TEST(RecoveryTest, KilledAtAnyPointItComesToTheSameAlertsEachOnce) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const Script script = ScriptMaker(seed).Make(kEntries);
    std::mt19937_64 random(seed);
    TestMatcher test;
    test.record_changes = seed % 2 == 0;
    const Outcome outcome = Play(test, script, 3, [&](TestMatcher& matcher) {
      if (random() % 15 == 0) matcher.matcher().RequestCheckpoint();
      if (random() % 30 == 0) matcher.Checkpoint();
      if (random() % 15 == 0) KillAndStart(matcher, 1 + random() % 5);
    });
    ExpectSame(outcome, Undisturbed(script), seed);
  }
}

TEST(RecoveryTest, TheLogBeforeACheckpointIsNotNeeded) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const Script script = ScriptMaker(seed).Make(kEntries);
    std::mt19937_64 random(seed);
    TestMatcher test;
    test.record_changes = false;
    const Outcome outcome = Play(test, script, 3, [&](TestMatcher& matcher) {
      if (random() % 20 == 0) {
        matcher.Checkpoint();
        ASSERT_TRUE(matcher.log.Retire(matcher.log.LastPosition(), INT64_MAX).ok());
      }
      if (random() % 12 == 0) KillAndStart(matcher, 1 + random() % 5);
    });
    EXPECT_GT(test.log.FirstPosition(), 1);
    ExpectSame(outcome, Undisturbed(script), seed);
  }
}

TEST(RecoveryTest, TheShardCountMayChangeOverACheckpoint) {
  const Script script = ScriptMaker(11).Make(kEntries);
  TestMatcher test;
  size_t entry = 0;
  const Outcome outcome = Play(test, script, 1, [&](TestMatcher& matcher) {
    ++entry;
    if (entry == 50 || entry == 100) {
      matcher.Checkpoint();
      KillAndStart(matcher, entry == 50 ? 7 : 2);
    }
  });
  ExpectSame(outcome, Undisturbed(script), 11);
}

TEST(RecoveryTest, ACrashInTheMidstOfACheckpointLeavesPartitionsAtPositionsOfTheirOwn) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const Script script = ScriptMaker(seed).Make(kEntries);
    std::mt19937_64 random(seed);
    TestMatcher test;
    test.record_changes = false;
    const Outcome outcome = Play(test, script, 3, [&](TestMatcher& matcher) {
      if (random() % 10 == 0) {
        matcher.checkpoints.FailAfter(static_cast<int>(random() % 10));
        matcher.matcher().RequestCheckpoint();
      } else if (random() % 20 == 0) {
        matcher.checkpoints.FailAfter(-1);
        KillAndStart(matcher, 1 + random() % 5);
      }
    });
    ExpectSame(outcome, Undisturbed(script), seed);
  }
}

TEST(RecoveryTest, AfterACheckpointThatFailedTheNextOneHasEverything) {
  const Script script = ScriptMaker(12).Make(kEntries);
  TestMatcher test;
  test.Start(3);
  for (size_t i = 0; i < 100; ++i) test.Append(script[i]);
  test.checkpoints.FailAfter(2);
  test.matcher().RequestCheckpoint();
  // The last entry is handed over after the failed cycle took partitions.
  for (size_t i = 100; i < script.size(); ++i) test.Append(script[i]);
  test.Stats("uid-first");
  test.checkpoints.FailAfter(-1);
  test.Checkpoint();
  ASSERT_TRUE(test.log.Retire(test.log.LastPosition(), INT64_MAX).ok());
  KillAndStart(test, 2);
  ExpectSame(End(test), Undisturbed(script), 12);
}

TEST(RecoveryTest, AnIdlePartitionIsNotSavedAgainAndDoesNotPinTheLog) {
  TestMatcher test;
  test.Start(2);
  test.Append(0, {}, {ServerStart(0, 3'600), Create()});
  test.Append(1, {MakeEvent("created", "A", 1)});
  test.Checkpoint();
  const int saved = test.checkpoints.saved();
  EXPECT_EQ(saved, 1);
  test.Checkpoint();
  for (int i = 2; i < 8; ++i) test.Append(i, {MakeEvent("other", "B", i)});
  test.Checkpoint();
  EXPECT_EQ(test.checkpoints.saved(), saved);
  EXPECT_EQ(test.matcher().Metrics().checkpointed_position, test.log.LastPosition());
  ASSERT_TRUE(test.log.Retire(test.log.LastPosition(), INT64_MAX).ok());
  KillAndStart(test, 3);
  test.Append(20, {});
  test.Stop();
  EXPECT_THAT(test.Feed(), ElementsAre("FIRING A"));
}

TEST(RecoveryTest, ACleanStopLeavesNothingToReplay) {
  TestMatcher test;
  test.Start(2);
  test.Append(0, {}, {ServerStart(0, 3'600), Create()});
  test.Append(1, {MakeEvent("created", "A", 1)});
  test.Stop();
  EXPECT_EQ(test.listener.Get().checkpointed, 2);
  ASSERT_TRUE(test.log.Retire(test.log.LastPosition() + 1, INT64_MAX).ok());
  test.Start(2);
  EXPECT_EQ(test.Stats(kUid).pending(), 1);
}

TEST(RecoveryTest, ADeadlineThatPassedWhileDownFiresOnceDetectedLateWithItsDueTime) {
  TestMatcher test;
  test.Start(2);
  test.Append(0, {}, {ServerStart(5, 3'600), Create()});
  test.Append(1, {MakeEvent("created", "A", 1)});
  KillAndStart(test, 2);
  EXPECT_EQ(test.marks.Take(), At(11) + 1);
  test.Append(100, {}, {ServerStart(5, 3'600)});
  KillAndStart(test, 2);
  test.Append(101, {});
  test.Stop();
  ASSERT_THAT(test.Feed(), ElementsAre("FIRING A"));
  const auto feed = test.state.ReadFeed(0, 10);
  EXPECT_TRUE((*feed)[0].alert.detected_late());
  EXPECT_EQ(ToMicros((*feed)[0].alert.due_time()), At(11));
  EXPECT_EQ(ToMicros((*feed)[0].alert.fire_time()), At(100));
}

TEST(RecoveryTest, CopiesWithAnotherContentAreCountedLiveOnly) {
  TestMatcher test;
  test.Start(2);
  test.Append(0, {}, {ServerStart(0, 3'600), Create()});
  auto entry = test.maker().Make(1, {MakeEvent("created", "A", 1)});
  entry->conflicts = {{"created"}};
  test.Append(entry);
  EXPECT_EQ(test.Stats(kUid).conflicts(), 1);
  test.Checkpoint();
  KillAndStart(test, 2);
  EXPECT_EQ(test.Stats(kUid).conflicts(), 1) << "what a checkpoint has stays";
}

class RecoveryErrorTest : public testing::Test {
 protected:
  RecoveryErrorTest() {
    test_.Start(2);
    test_.Append(0, {}, {ServerStart(0, 3'600), Create()});
    test_.Append(1, {MakeEvent("created", "A", 1)});
    test_.Checkpoint();
    test_.Append(2, {});
    test_.Append(3, {});
    test_.Kill();
  }

  void ExpectDataLoss(const std::string& reason) {
    const absl::Status status = test_.TryStart(2);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(DetailsOf(status).reason, reason);
  }

  TestMatcher test_;
};

TEST_F(RecoveryErrorTest, ALogThatLacksEntriesAfterTheCheckpoint) {
  ASSERT_TRUE(test_.log.Retire(4, INT64_MAX).ok());
  ExpectDataLoss("LOG_INCOMPLETE");
}

TEST_F(RecoveryErrorTest, ACheckpointAheadOfTheLog) {
  ASSERT_TRUE(test_.checkpoints.Save({{7, 99, ""}}).ok());
  ExpectDataLoss("CHECKPOINT_AHEAD_OF_LOG");
}

TEST_F(RecoveryErrorTest, ADamagedCheckpoint) {
  ASSERT_TRUE(test_.checkpoints.Save({{7, 2, "\x01garbage"}}).ok());
  ExpectDataLoss("CHECKPOINT_DAMAGED");
}

TEST_F(RecoveryErrorTest, ADamagedLog) {
  test_.log.Damage(3);
  const absl::Status status = test_.TryStart(2);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
}

TEST(RecoveryTest, AMonitorHistoryThatLacksARevisionWithKeys) {
  TestMatcher test;
  test.Start(2);
  test.Append(0, {}, {ServerStart(0, 3'600), Create()});
  test.Append(1, {MakeEvent("created", "A", 1)});
  test.Stop();
  FailingAlertStore empty;
  RecordingListener listener;
  const auto matcher = RecoverMatcher(
      MatcherOptions{},
      MatcherDeps{empty, empty, test.checkpoints, test.clock, listener, test.log.Seed()}, test.log);
  EXPECT_EQ(DetailsOf(matcher.status()).reason, "MONITOR_HISTORY_INCOMPLETE");
}

}  // namespace
}  // namespace lapse::monitors
