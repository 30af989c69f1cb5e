// A sync of the live log file failed, the server was restarted, read the entry from the system's
// cache as if it were on disk, and acknowledged what came after it; a power failure then took both.
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "storage/sqlite/chunk_store.h"
#include "storage/test_entries.h"
#include "test/simulation/world.h"

namespace lapse {
namespace {

using simulation::World;

constexpr char kFolder[] = "/lapse-simulation/data";
// So many that a sector is lost somewhere.
constexpr int kRounds = 12;

TEST(FailedSyncTest, WhatIsAcknowledgedAfterARestartSurvivesAPowerFailure) {
  World world(1, storage::kTestTimeUs);
  const auto run = [&world](std::function<void()> work) {
    ASSERT_EQ(world.Do(std::move(work)), World::Ending::kDone);
  };
  const auto append = [](storage::ChunkStore& store) {
    return store.Append(storage::TestEntry(store.LastPosition() + 1, store.NextSequence(),
                                           storage::kTestTimeUs,
                                           {storage::TestEvent("an event", "a key")}));
  };
  run([] {
    simulation::InodeRef made;
    simulation::Disk::Get().Create(kFolder, true, &made);
    simulation::Disk::Get().SyncFolder(simulation::kDiskRoot);
  });
  for (int round = 0; round < kRounds; ++round) {
    run([&] {
      auto store = storage::SqliteChunkStore::Open({.folder = kFolder});
      ASSERT_TRUE(store.ok()) << store.status();
      (*store)->AwaitMaintenance();
      ASSERT_TRUE(append(**store).ok());
      simulation::Disk::Get().FailAfter(simulation::Operation::kSync, 0);
      EXPECT_FALSE(append(**store).ok());
    });
    world.Kill();
    storage::LogPosition acknowledged = 0;
    run([&] {
      auto store = storage::SqliteChunkStore::Open({.folder = kFolder});
      ASSERT_TRUE(store.ok()) << store.status();
      ASSERT_TRUE(append(**store).ok());
      acknowledged = (*store)->LastPosition();
    });
    world.PowerOff();
    run([&] {
      auto store = storage::SqliteChunkStore::Open({.folder = kFolder});
      ASSERT_TRUE(store.ok()) << store.status();
      EXPECT_GE((*store)->LastPosition(), acknowledged);
    });
  }
}

}  // namespace
}  // namespace lapse
