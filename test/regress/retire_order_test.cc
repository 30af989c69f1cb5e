// A log file that could not be removed stayed while those after it went: the next start found a gap
// and refused the folder as damaged.
#include <functional>
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

TEST(RetireOrderTest, NoFileGoesBeforeOneThatCannotBeRemoved) {
  World world(1, storage::kTestTimeUs);
  const storage::SqliteChunkStoreOptions options = {.folder = kFolder, .file_bytes = 64 << 10};
  const auto run = [&world](std::function<void()> work) {
    ASSERT_EQ(world.Do(std::move(work)), World::Ending::kDone);
  };
  run([&] {
    simulation::InodeRef made;
    simulation::Disk::Get().Create(kFolder, true, &made);
    auto store = storage::SqliteChunkStore::Open(options);
    ASSERT_TRUE(store.ok()) << store.status();
    for (int i = 1; i <= 200; ++i) {
      ASSERT_TRUE((*store)
                      ->Append(storage::TestEntry(i, i, storage::kTestTimeUs + i,
                                                  {storage::TestEvent(std::to_string(i), "key")}))
                      .ok());
      if (i % 10 == 0) (*store)->AwaitMaintenance();
    }
    simulation::Disk::Get().FailAfter(simulation::Operation::kName, 0);
    EXPECT_FALSE((*store)->Retire(150, INT64_MAX).ok()) << "it is told";
    EXPECT_EQ((*store)->FirstPosition(), 1);
  });
  world.Kill();
  run([&] {
    auto store = storage::SqliteChunkStore::Open(options);
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_EQ((*store)->LastPosition(), 200);
    EXPECT_TRUE((*store)->Retire(150, INT64_MAX).ok());
    EXPECT_GT((*store)->FirstPosition(), 1) << "it is tried again";
    EXPECT_LE((*store)->FirstPosition(), 150);
  });
}

}  // namespace
}  // namespace lapse
