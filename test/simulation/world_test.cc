// The simulated machine itself: what a crash takes and leaves, and who runs when.
#include "test/simulation/world.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

namespace lapse::simulation {
namespace {

constexpr int64_t kStartUs = 1'000'000'000;
// So many that each outcome of a coin is among them.
constexpr int kFiles = 32;

// One machine for all tests: there is one a process.
World& TheWorld() {
  static World* const world = new World(7, kStartUs);
  return *world;
}

// Runs `work` as the product would run, on a thread of the life.
void Do(std::function<void()> work) {
  ASSERT_EQ(TheWorld().Do(std::move(work)), World::Ending::kDone);
}

std::string Sectors(char fill, int count) { return std::string(count * kSectorBytes, fill); }

void WriteFile(const std::string& path, const std::string& bytes, bool sync) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT, 0644);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::pwrite(fd, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  ASSERT_TRUE(!sync || ::fsync(fd) == 0);
  ::close(fd);
}

std::string ReadFile(const std::string& path) {
  const InodeRef inode = TheWorld().disk().Find(path);
  if (inode == nullptr) return "missing";
  std::string bytes(inode->size(), '\0');
  inode->Read(0, bytes.data(), inode->size());
  return bytes;
}

void SyncFolder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::fsync(fd), 0);
  ::close(fd);
}

// A folder of the test's own whose name is on disk.
class WorldTest : public testing::Test {
 protected:
  void SetUp() override {
    TheWorld();
    folder_ =
        absl::StrCat(kDiskRoot, "/", testing::UnitTest::GetInstance()->current_test_info()->name());
    Do([this] {
      std::filesystem::create_directory(folder_);
      SyncFolder(kDiskRoot);
    });
  }

  std::string Path(int number) const { return absl::StrCat(folder_, "/", number); }

  // Files whose names are on disk, with three sectors of 'a' that are, too.
  void MakeFiles() {
    Do([this] {
      for (int i = 0; i < kFiles; ++i) WriteFile(Path(i), Sectors('a', 3), true);
      SyncFolder(folder_);
    });
  }

  std::string folder_;
};

TEST_F(WorldTest, WhatWasSyncedSurvivesAPowerFailure) {
  MakeFiles();
  TheWorld().PowerOff();
  for (int i = 0; i < kFiles; ++i) EXPECT_EQ(ReadFile(Path(i)), Sectors('a', 3));
}

TEST_F(WorldTest, WhatWasNotIsThereBySectorsOrNot) {
  MakeFiles();
  Do([this] {
    for (int i = 0; i < kFiles; ++i) WriteFile(Path(i), Sectors('b', 3), false);
  });
  TheWorld().PowerOff();
  bool kept = false, lost = false, torn = false;
  for (int i = 0; i < kFiles; ++i) {
    const std::string bytes = ReadFile(Path(i));
    ASSERT_EQ(bytes.size(), 3u * kSectorBytes);
    for (int sector = 0; sector < 3; ++sector) {
      const std::string one = bytes.substr(sector * kSectorBytes, kSectorBytes);
      EXPECT_TRUE(one == Sectors('a', 1) || one == Sectors('b', 1)) << "a sector is written whole";
    }
    kept |= bytes == Sectors('b', 3);
    lost |= bytes == Sectors('a', 3);
    torn |= bytes.find('a') != std::string::npos && bytes.find('b') != std::string::npos;
  }
  EXPECT_TRUE(kept && lost && torn);
}

TEST_F(WorldTest, AKilledProcessLosesNothingItWrote) {
  MakeFiles();
  Do([this] { WriteFile(Path(0), Sectors('b', 5), false); });
  TheWorld().Kill();
  EXPECT_EQ(ReadFile(Path(0)), Sectors('b', 5));
}

TEST_F(WorldTest, ASyncThatFailedIsNotMendedByALaterOne) {
  MakeFiles();
  int failed = 0;
  Do([&] {
    for (int i = 0; i < kFiles; ++i) {
      WriteFile(Path(i), Sectors('b', 3), false);
      const int fd = ::open(Path(i).c_str(), O_RDWR);
      TheWorld().disk().FailAfter(Operation::kSync, 0);
      failed += ::fsync(fd) != 0 && errno == EIO;
      EXPECT_EQ(::fsync(fd), 0);
      ::close(fd);
    }
  });
  EXPECT_EQ(failed, kFiles);
  EXPECT_EQ(ReadFile(Path(0)), Sectors('b', 3)) << "the running system does not show it";
  TheWorld().PowerOff();
  int whole = 0;
  for (int i = 0; i < kFiles; ++i) whole += ReadFile(Path(i)) == Sectors('b', 3);
  EXPECT_LT(whole, kFiles / 2);
}

TEST_F(WorldTest, WhatIsWrittenAnewAfterAFailedSyncCanBeSynced) {
  MakeFiles();
  Do([this] {
    TheWorld().disk().FailAfter(Operation::kSync, 0);
    const int fd = ::open(Path(0).c_str(), O_RDWR);
    EXPECT_NE(::fsync(fd), 0);
    ::close(fd);
    WriteFile(Path(0), Sectors('c', 3), true);
  });
  TheWorld().PowerOff();
  EXPECT_EQ(ReadFile(Path(0)), Sectors('c', 3));
}

TEST_F(WorldTest, NamesAreForgottenFromTheLastOnUnlessTheirFolderWasSynced) {
  MakeFiles();
  Do([this] {
    for (int i = 0; i < kFiles; ++i) {
      WriteFile(Path(i) + ".new", Sectors('n', 1), true);
      EXPECT_EQ(std::rename((Path(i) + ".new").c_str(), Path(i).c_str()), 0);
    }
  });
  TheWorld().PowerOff();
  int replaced = 0;
  while (replaced < kFiles && ReadFile(Path(replaced)) == Sectors('n', 1)) ++replaced;
  EXPECT_LT(replaced, kFiles);
  for (int i = replaced; i < kFiles; ++i) EXPECT_EQ(ReadFile(Path(i)), Sectors('a', 3)) << i;
}

TEST_F(WorldTest, AFullDiskTakesWhatNeedsNoMoreRoom) {
  MakeFiles();
  Do([this] {
    TheWorld().disk().SetFull(true);
    const int fd = ::open(Path(0).c_str(), O_RDWR);
    EXPECT_EQ(::pwrite(fd, "b", 1, 0), 1);
    EXPECT_EQ(::pwrite(fd, "b", 1, 3 * kSectorBytes), -1);
    EXPECT_EQ(errno, ENOSPC);
    EXPECT_EQ(std::fopen(Path(kFiles).c_str(), "w"), nullptr);
    TheWorld().disk().SetFull(false);
    EXPECT_EQ(::pwrite(fd, "b", 1, 3 * kSectorBytes), 1);
    ::close(fd);
  });
}

TEST_F(WorldTest, StreamsAndStdFilesystemAreOnTheDisk) {
  std::vector<std::string> names;
  Do([&] {
    FILE* const file = std::fopen((folder_ + "/stream").c_str(), "wb");
    ASSERT_NE(file, nullptr);
    EXPECT_EQ(std::fwrite("hello", 1, 5, file), 5u);
    EXPECT_EQ(std::fflush(file), 0);
    EXPECT_EQ(::fsync(::fileno(file)), 0);
    std::fclose(file);
    EXPECT_EQ(std::filesystem::file_size(folder_ + "/stream"), 5u);
    std::filesystem::create_directories(folder_ + "/deep/er");
    for (const auto& item : std::filesystem::directory_iterator(folder_))
      names.push_back(item.path().filename().string());
    std::filesystem::remove_all(folder_ + "/deep");
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/deep"));
  });
  EXPECT_EQ(names, (std::vector<std::string>{"deep", "stream"}));
  EXPECT_FALSE(std::filesystem::exists("/does-not-exist")) << "other names are the system's";
}

void Execute(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(db);
  sqlite3_close(db);
}

int CountRows(const std::string& path) {
  sqlite3* db = nullptr;
  sqlite3_stmt* statement = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_prepare_v2(db, "SELECT COUNT(*) FROM t", -1, &statement, nullptr), SQLITE_OK);
  EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW) << sqlite3_errmsg(db);
  const int rows = sqlite3_column_int(statement, 0);
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return rows;
}

TEST_F(WorldTest, ADatabaseKeepsWhatItCommitted) {
  const std::string path = folder_ + "/test.db";
  Do([&] {
    Execute(path, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(a)");
    SyncFolder(folder_);
  });
  for (int rows = 1; rows <= 20; ++rows) {
    int found = 0;
    // Killed in the midst of it or after it.
    TheWorld().disk().CrashAfter(rows % 2 == 0 ? -1 : 7 + rows);
    bool committed = false;
    TheWorld().Do([&] {
      Execute(path, "PRAGMA synchronous=FULL; INSERT INTO t VALUES(1)");
      committed = true;
    });
    TheWorld().PowerOff();
    Do([&] { found = CountRows(path); });
    EXPECT_GE(found, committed ? 1 : 0);
    Do([&] { Execute(path, "PRAGMA synchronous=FULL; DELETE FROM t"); });
  }
}

TEST_F(WorldTest, ThreadsTakeTurnsAndWaitForEachOther) {
  std::string order;
  Do([&order] {
    Mutex mutex;
    CondVar changed;
    int turn = 0;
    const auto play = [&](int me) {
      for (int round = 0; round < 3; ++round) {
        MutexLock lock(mutex);
        changed.wait(lock, [&] { return turn % 2 == me; });
        order += static_cast<char>('a' + me);
        ++turn;
        changed.notify_all();
      }
    };
    std::thread first([&] { play(0); });
    std::thread second([&] { play(1); });
    first.join();
    second.join();
  });
  EXPECT_EQ(order, "ababab");
}

TEST_F(WorldTest, AFutureIsWaitedFor) {
  int value = 0;
  Do([&value] {
    std::promise<int> promise;
    std::thread thread([&promise] { promise.set_value(42); });
    value = promise.get_future().get();
    thread.join();
  });
  EXPECT_EQ(value, 42);
}

TEST_F(WorldTest, WhoWaitsForATimeWakesAtIt) {
  std::vector<int64_t> woken;
  const int64_t start_us = TheWorld().clock().NowUs();
  Do([&] {
    Mutex mutex;
    CondVar never;
    MutexLock lock(mutex);
    for (int i = 1; i <= 3; ++i) {
      const int64_t at_us = start_us + i * 250'000;
      while (TheWorld().clock().NowUs() < at_us) TheWorld().clock().WaitUntil(lock, never, at_us);
      woken.push_back(TheWorld().clock().NowUs() - start_us);
    }
  });
  EXPECT_EQ(woken, (std::vector<int64_t>{250'000, 500'000, 750'000}));
}

TEST_F(WorldTest, WhoWaitsForWhatDoesNotComeIsFound) {
  const World::Ending ending = TheWorld().Do([] {
    Mutex mutex;
    CondVar never;
    MutexLock lock(mutex);
    never.wait(lock);
  });
  EXPECT_EQ(ending, World::Ending::kStuck);
  TheWorld().Kill();
}

}  // namespace
}  // namespace lapse::simulation
