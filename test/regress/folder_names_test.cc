// A folder was made and its name never synced: a power failure took the data folder, or the log in
// it, with every event that had been acknowledged. So did a kill between the making and the sync,
// since the next start found the folder there.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "gtest/gtest.h"
#include "storage/sqlite/chunk_store.h"
#include "storage/sqlite/data_folder.h"
#include "storage/test_entries.h"
#include "test/simulation/world.h"

namespace lapse {
namespace {

using simulation::World;

class FolderNamesTest : public testing::Test {
 protected:
  static World& TheWorld() {
    static World* const world = new World(1, storage::kTestTimeUs);
    return *world;
  }

  static void Do(std::function<void()> work) {
    ASSERT_EQ(TheWorld().Do(std::move(work)), World::Ending::kDone);
  }

  static bool IsThere(const std::string& path) { return TheWorld().disk().Find(path) != nullptr; }
};

TEST_F(FolderNamesTest, APowerFailureLeavesTheDataFolder) {
  TheWorld();
  const std::string deep = std::string(simulation::kDiskRoot) + "/var/lib/lapse";
  for (int i = 0; i < 8; ++i) {
    const std::string path = deep + std::to_string(i);
    Do([&] { EXPECT_TRUE(storage::DataFolder::Open(path).ok()); });
    TheWorld().PowerOff();
    EXPECT_TRUE(IsThere(path));
  }
}

TEST_F(FolderNamesTest, AStartSyncsWhatAnEarlierOneMade) {
  TheWorld();
  for (int i = 0; i < 8; ++i) {
    const std::string path = std::string(simulation::kDiskRoot) + "/data" + std::to_string(i);
    // As far as a start came that was killed then.
    Do([&] {
      ::mkdir(path.c_str(), 0755);
      ::mkdir((path + "/log").c_str(), 0755);
      ::mkdir((path + "/checkpoints").c_str(), 0755);
    });
    TheWorld().Kill();
    Do([&] {
      EXPECT_TRUE(storage::DataFolder::Open(path).ok());
      auto chunks = storage::SqliteChunkStore::Open({.folder = path});
      ASSERT_TRUE(chunks.ok()) << chunks.status();
      EXPECT_TRUE((*chunks)->Append(storage::TestEntry(1, 1, storage::kTestTimeUs, {})).ok());
    });
    TheWorld().PowerOff();
    Do([&] {
      auto chunks = storage::SqliteChunkStore::Open({.folder = path});
      ASSERT_TRUE(chunks.ok()) << chunks.status();
      EXPECT_EQ((*chunks)->LastPosition(), 1);
    });
  }
}

}  // namespace
}  // namespace lapse
