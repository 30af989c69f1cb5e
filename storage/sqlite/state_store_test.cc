#include "storage/sqlite/state_store.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "storage/sqlite/sqlite_db.h"
#include "storage/state_store_contract.h"

namespace lapse::storage {
namespace {

using testing::HasSubstr;

// A folder of its own for each use.
std::string NewFolder() {
  static std::atomic<int> count = 0;
  const std::string path = absl::StrCat(testing::TempDir(), "/state_", getpid(), "_", ++count);
  std::filesystem::create_directories(path);
  return path;
}

class SqliteHolder : public StateStoreHolder {
 public:
  SqliteHolder() : path_(NewFolder() + "/state.db") { Reopen(); }
  ~SqliteHolder() override {
    store_.reset();
    std::filesystem::remove_all(std::filesystem::path(path_).parent_path());
  }

  StateStore& store() override { return *store_; }
  void Reopen() override {
    store_.reset();
    store_ = SqliteStateStore::Open(path_).value();
  }

 private:
  const std::string path_;
  std::unique_ptr<SqliteStateStore> store_;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, StateStoreContract,
                         testing::Values(StateStoreMaker{
                             "sqlite", [] { return std::make_unique<SqliteHolder>(); }}),
                         [](const auto& info) { return info.param.name; });

void Overwrite(const std::string& path, int64_t offset, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(offset);
  file << bytes;
  ASSERT_TRUE(file.good());
}

// A closed database with some alerts.
std::string MakeDatabase() {
  const std::string path = NewFolder() + "/state.db";
  auto store = SqliteStateStore::Open(path).value();
  std::vector<AlertWrite> writes;
  for (int i = 0; i < 200; ++i) writes.push_back({Firing(absl::StrCat("alerts/", i))});
  EXPECT_TRUE(store->CommitAlerts(writes, 1).ok());
  return path;
}

TEST(SqliteStateStore, RefusesADatabaseFromALaterVersion) {
  const std::string path = MakeDatabase();
  ASSERT_TRUE(SqliteDb::Open(path, {}).value()->SetUserVersion(99).ok());
  const absl::Status status = SqliteStateStore::Open(path).status();
  EXPECT_CODE_AND_REASON(status, kFailedPrecondition, "DATA_FOLDER_NEWER");
  EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  EXPECT_EQ(SqliteDb::Open(path, {}).value()->UserVersion().value(), 99);
}

struct Damage {
  const char* what;
  void (*inflict)(const std::string& path);
};

const Damage kDamages[] = {
    {"not a database", [](const std::string& path) { Overwrite(path, 0, std::string(4096, 'x')); }},
    {"a table of another program",
     [](const std::string& path) {
       std::filesystem::remove(path);
       ASSERT_TRUE(SqliteDb::Open(path, {}).value()->Execute("CREATE TABLE t (c)").ok());
     }},
    {"schema overwritten",
     [](const std::string& path) { Overwrite(path, 100, std::string(1000, '\xee')); }},
    {"a table is missing",
     [](const std::string& path) {
       ASSERT_TRUE(SqliteDb::Open(path, {}).value()->Execute("DROP TABLE feed").ok());
     }},
    {"cut short", [](const std::string& path) { std::filesystem::resize_file(path, 8192); }},
};

TEST(SqliteStateStore, NamesADamagedDatabaseAndSaysWhatToDo) {
  for (const Damage& damage : kDamages) {
    SCOPED_TRACE(damage.what);
    const std::string path = MakeDatabase();
    damage.inflict(path);
    const absl::Status status = SqliteStateStore::Open(path).status();
    EXPECT_CODE_AND_REASON(status, kDataLoss, "DATA_FOLDER_DAMAGED");
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
    EXPECT_THAT(std::string(status.message()), HasSubstr("restore the data folder"));
  }
}

TEST(SqliteStateStore, NamesADatabaseWhoseRowsAreDamaged) {
  const std::string path = MakeDatabase();
  {
    auto db = SqliteDb::Open(path, {}).value();
    ASSERT_TRUE(db->Execute("UPDATE feed SET alert = x'ff' WHERE position = 8").ok());
    ASSERT_TRUE(db->Execute("DELETE FROM feed WHERE position = 7").ok());
  }
  auto store = SqliteStateStore::Open(path).value();
  for (const char* name : {"alerts/6", "alerts/7"}) {
    EXPECT_CODE_AND_REASON(store->GetAlert(name), kDataLoss, "DATA_FOLDER_DAMAGED");
  }
  const auto any = [](const lapse::v1::Alert&) { return true; };
  EXPECT_CODE_AND_REASON(store->ListAlerts(any, 8, 1, 1), kDataLoss, "DATA_FOLDER_DAMAGED");
  EXPECT_CODE_AND_REASON(store->ReadFiringAt(200, 6, 1), kDataLoss, "DATA_FOLDER_DAMAGED");
  EXPECT_TRUE(store->GetAlert("alerts/8").ok());
}

// Permissions do not bind root: for as long as this lives, the process is another user.
class OrdinaryUser {
 public:
  OrdinaryUser() : was_root_(geteuid() == 0) {
    if (was_root_) {
      EXPECT_EQ(seteuid(65534), 0);
    }
  }
  ~OrdinaryUser() {
    if (was_root_) {
      EXPECT_EQ(seteuid(0), 0);
    }
  }

 private:
  const bool was_root_;
};

TEST(SqliteStateStore, SaysThatTheDatabaseCannotBeWritten) {
  const std::string path = MakeDatabase();
  const std::string folder = std::filesystem::path(path).parent_path();
  ASSERT_EQ(chmod(path.c_str(), 0444), 0);
  ASSERT_EQ(chmod(folder.c_str(), 0555), 0);
  const OrdinaryUser user;
  const absl::Status status = SqliteStateStore::Open(path).status();
  EXPECT_CODE_AND_REASON(status, kFailedPrecondition, "DATA_FOLDER_READ_ONLY");
  EXPECT_THAT(std::string(status.message()), HasSubstr(path));
}

TEST(SqliteStateStore, KeepsNothingOfACommitThatFails) {
  const std::string path = MakeDatabase();
  auto store = SqliteStateStore::Open(path).value();
  {
    auto db = SqliteDb::Open(path, {}).value();
    ASSERT_TRUE(db->Execute("CREATE TRIGGER fail BEFORE INSERT ON feed WHEN new.position = 203 "
                            "BEGIN SELECT RAISE(ABORT, 'as the test wants'); END")
                    .ok());
  }
  const std::vector<AlertWrite> writes = {
      {Firing("alerts/x")}, {Firing("alerts/y")}, {Firing("alerts/z")}};
  EXPECT_FALSE(store->CommitAlerts(writes, 1).ok());
  EXPECT_CODE_AND_REASON(store->GetAlert("alerts/x"), kNotFound, "ALERT_NOT_FOUND");
  EXPECT_EQ(store->GetFeedInfo().value().last, 200);
  ASSERT_TRUE(SqliteDb::Open(path, {}).value()->Execute("DROP TRIGGER fail").ok());
  EXPECT_EQ(store->CommitAlerts(writes, 1).value().count, 3);
  EXPECT_EQ(store->GetFeedInfo().value().last, 203);
}

TEST(SqliteStateStore, SaysThatTheDiskIsFullAndGoesOnWhenItIsNot) {
  const std::string folder = NewFolder();
  if (mount("none", folder.c_str(), "tmpfs", 0, "size=4m") != 0) {
    GTEST_SKIP() << "may not mount a small disk";
  }
  auto store = SqliteStateStore::Open(folder + "/state.db").value();
  ASSERT_TRUE(store->CommitAlerts({{Firing("alerts/a")}}, 1).ok());
  std::ofstream(folder + "/filler") << std::string(4 << 20, 'x');
  auto large = Firing("alerts/b");
  large.set_close_note(std::string(1 << 20, 'x'));
  EXPECT_CODE_AND_REASON(store->CommitAlerts({{large}}, 2), kResourceExhausted, "DISK_FULL");
  EXPECT_EQ(store->GetFeedInfo().value().last, 1);
  std::filesystem::remove(folder + "/filler");
  EXPECT_EQ(store->CommitAlerts({{Firing("alerts/b")}}, 3).value().last, 2);
  store.reset();
  EXPECT_EQ(umount2(folder.c_str(), MNT_DETACH), 0);
}

TEST(SqliteStateStore, CopiesItselfWhileItServes) {
  const std::string path = MakeDatabase();
  auto store = SqliteStateStore::Open(path).value();
  ASSERT_TRUE(store->BackupTo(path + ".copy").ok());
  auto copy = SqliteStateStore::Open(path + ".copy").value();
  EXPECT_EQ(copy->GetFeedInfo().value().feed_id, store->GetFeedInfo().value().feed_id);
  EXPECT_TRUE(copy->GetAlert("alerts/199").ok());
}

TEST(SqliteStateStore, ReadsOnePictureWhileAWriterGoesOn) {
  auto store = SqliteStateStore::Open(NewFolder() + "/state.db").value();
  constexpr int kAlerts = 20;
  constexpr int kRounds = 10;
  std::vector<AlertWrite> first;
  for (int i = 0; i < kAlerts; ++i) first.push_back({Firing(absl::StrCat("alerts/", i))});
  ASSERT_TRUE(store->CommitAlerts(first, 1).ok());
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int round = 2; round < 2 + kRounds; ++round) {
      for (int i = 0; i < kAlerts; ++i) {
        const std::string name = absl::StrCat("alerts/", i);
        const auto alert = round % 2 == 0 ? Resolved(name, round) : Firing(name, round);
        EXPECT_TRUE(store->CommitAlerts({{alert}}, round).ok());
      }
    }
    done = true;
  });
  // Every change is of one alert: as of any position, each alert is firing or not as its number in
  // the round says.
  while (!done) {
    const FeedPosition at = store->GetFeedInfo().value().last;
    const int round = static_cast<int>((at - 1) / kAlerts) + 1;
    const int changed_this_round = static_cast<int>(at - (round - 1) * kAlerts);
    const int expected = round % 2 == 1 ? changed_this_round : kAlerts - changed_this_round;
    EXPECT_EQ(store->ReadFiringAt(at, 0, 1'000).value().size(), static_cast<size_t>(expected))
        << "at " << at;
  }
  writer.join();
}

}  // namespace
}  // namespace lapse::storage
