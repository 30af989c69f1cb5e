// Log files of every earlier version are read, sealed, and followed by new ones.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/sqlite/chunk_store.h"
#include "storage/sqlite/sqlite_db.h"
#include "storage/test_entries.h"

namespace lapse::storage {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kEvents = 31;
constexpr LogPosition kEntries = 9;

class ChunkStoreUpgrade : public testing::Test {
 protected:
  ChunkStoreUpgrade() {
    fs::remove_all(folder_);
    fs::create_directories(folder_ + "/log");
    std::stringstream sql;
    sql << std::ifstream("storage/testdata/log_v1.sql").rdbuf();
    const absl::Status restored =
        SqliteDb::Open(folder_ + "/log/000001.db", {}).value()->Execute(sql.str().c_str());
    EXPECT_TRUE(restored.ok()) << restored;
  }
  ~ChunkStoreUpgrade() override { fs::remove_all(folder_); }

  std::unique_ptr<SqliteChunkStore> OpenOrDie(bool seal_files) {
    auto store = SqliteChunkStore::Open({.folder = folder_, .seal_files = seal_files});
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }

  static std::vector<std::string> Events(const SqliteChunkStore& store) {
    std::vector<std::string> events;
    EXPECT_TRUE(store
                    .Read(1,
                          [&](const LogEntry& entry) {
                            for (const AcceptedEvent& event : entry.events)
                              events.push_back(absl::StrCat(event.sequence, " ", event.time_us));
                            return absl::OkStatus();
                          })
                    .ok());
    return events;
  }

  static std::vector<std::string> Ids(const SqliteChunkStore& store, const std::string& attribute,
                                      const std::string& value) {
    const auto matches = [&](const lapse::v1::Event& event) {
      return event.attributes().at(attribute).string_value() == value;
    };
    const auto page = store.List({.matches = matches, .attribute_equals = {{attribute, value}}});
    EXPECT_TRUE(page.ok()) << page.status();
    std::vector<std::string> ids;
    for (const auto& event : page->events) ids.push_back(event.id());
    return ids;
  }

  const std::string folder_ = absl::StrCat(testing::TempDir(), "/log_upgrade_", ::getpid());
};

TEST_F(ChunkStoreUpgrade, VersionOneIsReadSealedAndFollowed) {
  const auto orders = testing::ElementsAre("event-3", "event-11", "event-19", "event-27");
  std::vector<std::string> before;
  {
    const auto store = OpenOrDie(/*seal_files=*/false);
    EXPECT_EQ(store->LastPosition(), kEntries);
    EXPECT_EQ(store->NextSequence(), kEvents + 1);
    before = Events(*store);
    EXPECT_EQ(before.size(), static_cast<size_t>(kEvents));
    EXPECT_THAT(Ids(*store, "order_id", "A-3"), orders);
  }
  const auto store = OpenOrDie(/*seal_files=*/true);
  store->AwaitMaintenance();
  EXPECT_TRUE(fs::exists(folder_ + "/log/000001.sealed"));
  EXPECT_FALSE(fs::exists(folder_ + "/log/000001.db"));
  EXPECT_EQ(Events(*store), before);
  EXPECT_THAT(Ids(*store, "order_id", "A-3"), orders);
  EXPECT_EQ(Ids(*store, "city", "Lima").size(), 15u);
  ASSERT_TRUE(store
                  ->Append(TestEntry(kEntries + 1, kEvents + 1, kTestTimeUs,
                                     {TestEvent("new", "A-3", kTestTimeUs)}))
                  .ok());
  EXPECT_EQ(Ids(*store, "order_id", "A-3").size(), 5u);
}

}  // namespace
}  // namespace lapse::storage
