#include "storage/sqlite/chunk_store.h"

#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gtest/gtest.h"
#include "storage/chunk_store_contract.h"
#include "storage/sqlite/sqlite_db.h"

namespace lapse::storage {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string NewFolder() {
  static int number = 0;
  const std::string folder =
      absl::StrCat(testing::TempDir(), "/chunk_store_", ::getpid(), "_", ++number);
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

std::unique_ptr<SqliteChunkStore> OpenOrDie(const SqliteChunkStoreOptions& options) {
  auto store = SqliteChunkStore::Open(options);
  EXPECT_TRUE(store.ok()) << store.status();
  return *std::move(store);
}

std::vector<std::string> DatabaseFiles(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& item : fs::directory_iterator(folder + "/log")) {
    if (item.path().extension() == ".db") names.push_back(item.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status AppendOne(ChunkStore& store, const std::string& id, size_t padding = 0) {
  const LogPosition position = store.LastPosition() + 1;
  lapse::v1::Event event = TestEvent(id, "k");
  std::string bytes;
  // Not compressible.
  for (uint64_t x = position; bytes.size() < padding; x = x * 6364136223846793005u + 1) {
    bytes.push_back(static_cast<char>('0' + (x >> 58)));
  }
  (*event.mutable_attributes())["padding"].set_string_value(bytes);
  return store.Append(TestEntry(position, store.NextSequence(),
                                kTestTimeUs + position * limits::kMicrosPerSecond, {event}));
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class SqliteHarness : public ChunkStoreHarness {
 public:
  SqliteHarness(int64_t file_bytes, bool seal_files)
      : options_{.folder = NewFolder(), .file_bytes = file_bytes, .seal_files = seal_files} {
    store_ = OpenOrDie(options_);
  }
  ~SqliteHarness() override {
    store_.reset();
    fs::remove_all(options_.folder);
  }

  ChunkStore& store() override {
    // What can be sealed is.
    if (options_.seal_files) store_->AwaitMaintenance();
    return *store_;
  }

  bool Merges() const override { return options_.seal_files; }

  void Reopen() override {
    store_.reset();
    store_ = OpenOrDie(options_);
  }

  void Damage(LogPosition position) override {
    for (const std::string& name : DatabaseFiles(options_.folder)) {
      auto db = SqliteDb::Open(options_.folder + "/log/" + name, {.wal_autocheckpoint_pages = 0});
      ASSERT_TRUE(db.ok());
      auto update =
          (*db)->Prepare("UPDATE chunks SET body = zeroblob(length(body)) WHERE position = ?1");
      ASSERT_TRUE(update->Bind(position).Run().ok());
    }
  }

 private:
  const SqliteChunkStoreOptions options_;
  std::unique_ptr<SqliteChunkStore> store_;
};

INSTANTIATE_TEST_SUITE_P(OneFile, ChunkStoreContract, testing::Values([] {
                           return std::make_unique<SqliteHarness>(limits::kLogFileBytes, false);
                         }));
INSTANTIATE_TEST_SUITE_P(ManyFiles, ChunkStoreContract, testing::Values([] {
                           return std::make_unique<SqliteHarness>(100'000, false);
                         }));
INSTANTIATE_TEST_SUITE_P(SealedFiles, ChunkStoreContract, testing::Values([] {
                           return std::make_unique<SqliteHarness>(100'000, true);
                         }));

class SqliteChunkStoreTest : public testing::Test {
 protected:
  ~SqliteChunkStoreTest() override { fs::remove_all(options_.folder); }

  std::string PathOf(int number) const {
    return absl::StrCat(options_.folder, "/log/00000", number, ".db");
  }
  std::string SealedPathOf(int number) const {
    return absl::StrCat(options_.folder, "/log/00000", number, ".sealed");
  }

  // Appends until there are `files` that have entries; all but the last are sealed, where they are
  // to be at all.
  void FillFiles(SqliteChunkStore& store, int files) {
    const int next = files + 1;
    for (int i = 0; !fs::exists(PathOf(next)); ++i) {
      ASSERT_TRUE(AppendOne(store, std::to_string(store.NextSequence()), 4'000).ok());
      store.AwaitMaintenance();
      ASSERT_LT(i, 10'000);
    }
  }

  std::vector<LogPosition> Positions(const ChunkStore& store, LogPosition from = 1) {
    std::vector<LogPosition> positions;
    status_ = store.Read(from, [&](const LogEntry& entry) {
      positions.push_back(entry.position);
      return absl::OkStatus();
    });
    return positions;
  }

  SqliteChunkStoreOptions options_{.folder = NewFolder(), .file_bytes = 200'000};
  // Of the last Positions.
  absl::Status status_;
};

std::vector<LogPosition> Range(LogPosition first, LogPosition last) {
  std::vector<LogPosition> positions;
  for (; first <= last; ++first) positions.push_back(first);
  return positions;
}

TEST_F(SqliteChunkStoreTest, FullFilesAreFollowedByTheNextAndSealed) {
  auto store = OpenOrDie(options_);
  FillFiles(*store, 4);
  for (int number = 1; number <= 3; ++number) {
    EXPECT_TRUE(fs::exists(SealedPathOf(number))) << number;
    EXPECT_FALSE(fs::exists(PathOf(number))) << number;
    EXPECT_FALSE(fs::exists(PathOf(number) + "-wal")) << number;
  }
  EXPECT_GT(fs::file_size(PathOf(4) + "-wal"), 0u);
  EXPECT_LT(fs::file_size(PathOf(4)), 60'000u) << "the live file is never checkpointed";
  const LogPosition last = store->LastPosition();
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(store->LastPosition(), last);
    EXPECT_EQ(store->FirstPosition(), 1);
    EXPECT_EQ(Positions(*store), Range(1, last));
    EXPECT_EQ(Positions(*store, last / 2), Range(last / 2, last));
    store = nullptr;
    store = OpenOrDie(options_);
  }
}

TEST_F(SqliteChunkStoreTest, RetireUnlinksWholeFilesAndKeepsTheLiveOne) {
  auto store = OpenOrDie(options_);
  FillFiles(*store, 4);
  store->AwaitMaintenance();
  LogPosition middle = store->LastPosition() / 2;
  ASSERT_TRUE(store->Retire(middle, INT64_MAX).ok());
  EXPECT_FALSE(fs::exists(SealedPathOf(1)));
  EXPECT_GT(store->FirstPosition(), 1);
  EXPECT_LE(store->FirstPosition(), middle);
  ASSERT_TRUE(store->Retire(INT64_MAX, INT64_MAX).ok());
  EXPECT_TRUE(fs::exists(PathOf(4)));
  const LogPosition last = store->LastPosition();
  const int64_t next = store->NextSequence();
  const uint64_t seed = store->Seed();
  store = nullptr;
  store = OpenOrDie(options_);
  EXPECT_EQ(store->LastPosition(), last);
  EXPECT_EQ(store->NextSequence(), next);
  EXPECT_EQ(store->Seed(), seed);
}

TEST_F(SqliteChunkStoreTest, RetireLooksAtTheWriteTime) {
  auto store = OpenOrDie(options_);
  FillFiles(*store, 3);
  store->AwaitMaintenance();
  ASSERT_TRUE(store->Retire(INT64_MAX, kTestTimeUs + limits::kMicrosPerSecond).ok());
  EXPECT_EQ(store->FirstPosition(), 1);
}

TEST_F(SqliteChunkStoreTest, ReadersGoOnWhileFilesComeAndGo) {
  auto store = OpenOrDie(options_);
  FillFiles(*store, 2);
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) {
      LogPosition expected = store->FirstPosition();
      const absl::Status status = store->Read(expected, [&](const LogEntry& entry) {
        EXPECT_EQ(entry.position, expected++);
        return absl::OkStatus();
      });
      // A file may be retired between asking for the first position and reading it.
      EXPECT_TRUE(status.ok() || absl::IsOutOfRange(status)) << status;
      const auto page = store->List({.matches = AnyEvent, .descending = true, .page_size = 10});
      EXPECT_TRUE(page.ok()) << page.status();
    }
  });
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(AppendOne(*store, std::to_string(i), 2'000).ok());
    if (i % 100 != 0) continue;
    ASSERT_TRUE(store->Retire(store->LastPosition() - 200, INT64_MAX).ok());
  }
  done = true;
  reader.join();
  // What was being read at each call before goes now.
  ASSERT_TRUE(store->Retire(store->LastPosition() - 200, INT64_MAX).ok());
  EXPECT_GT(store->FirstPosition(), 1);
}

TEST_F(SqliteChunkStoreTest, RetireAlsoTakesFilesThatAreNotSealed) {
  options_.seal_files = false;
  auto store = OpenOrDie(options_);
  FillFiles(*store, 3);
  ASSERT_TRUE(store->Retire(INT64_MAX, INT64_MAX).ok());
  for (int number = 1; number <= 2; ++number) {
    EXPECT_FALSE(fs::exists(PathOf(number))) << number;
    EXPECT_FALSE(fs::exists(PathOf(number) + "-wal")) << number;
  }
  EXPECT_TRUE(AppendOne(*store, "a").ok());
}

TEST_F(SqliteChunkStoreTest, FileThatIsReadStaysUntilALaterCall) {
  auto store = OpenOrDie(options_);
  FillFiles(*store, 3);
  const LogPosition last = store->LastPosition();
  std::vector<LogPosition> positions;
  const absl::Status status = store->Read(1, [&](const LogEntry& entry) {
    EXPECT_TRUE(!positions.empty() || store->Retire(INT64_MAX, INT64_MAX).ok());
    positions.push_back(entry.position);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(positions, Range(1, last));
  EXPECT_TRUE(fs::exists(SealedPathOf(1)));
  ASSERT_TRUE(store->Retire(INT64_MAX, INT64_MAX).ok());
  EXPECT_FALSE(fs::exists(SealedPathOf(1)));
  EXPECT_FALSE(fs::exists(SealedPathOf(2)));
}

TEST_F(SqliteChunkStoreTest, RoomAheadOfSmallCommitsIsNoPartOfTheLog) {
  options_.file_bytes = limits::kLogFileBytes;
  {
    auto store = OpenOrDie(options_);
    for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(AppendOne(*store, id, 100).ok());
    EXPECT_GT(fs::file_size(PathOf(1) + "-wal"), 1'000'000u);
    const std::vector<lapse::v1::Event> many(1'000, TestEvent("many", std::string(3'000, 'k')));
    const LogPosition next = store->LastPosition() + 1;
    const int64_t time_us = kTestTimeUs + next * limits::kMicrosPerSecond;
    ASSERT_TRUE(store->Append(TestEntry(next, store->NextSequence(), time_us, many)).ok());
    for (const char* id : {"d", "e"}) ASSERT_TRUE(AppendOne(*store, id, 100).ok());
    EXPECT_EQ(Positions(*store), Range(1, 6));
  }
  auto store = OpenOrDie(options_);
  for (const char* id : {"f", "g"}) ASSERT_TRUE(AppendOne(*store, id, 100).ok());
  EXPECT_EQ(Positions(*store), Range(1, 8));
}

// A power failure leaves any part of the commit that was under way in the room's zeros.
TEST_F(SqliteChunkStoreTest, ACommitThatIsTornInTheRoomIsNone) {
  options_.file_bytes = limits::kLogFileBytes;
  const std::string before = options_.folder + "-before";
  const auto wal_of = [](const std::string& folder) { return folder + "/log/000001.db-wal"; };
  std::string wal;
  {
    auto store = OpenOrDie(options_);
    for (const char* id : {"a", "b", "c", "d"}) ASSERT_TRUE(AppendOne(*store, id, 100).ok());
    fs::copy(options_.folder, before, fs::copy_options::recursive);
    ASSERT_TRUE(AppendOne(*store, "e", 100).ok());
    wal = ReadFile(wal_of(options_.folder));
  }
  const std::string wal_before = ReadFile(wal_of(before));
  const size_t begin = wal_before.find_last_not_of('\0') + 1;
  const size_t end = wal.find_last_not_of('\0') + 1;
  ASSERT_EQ(wal.size(), wal_before.size()) << "there was room";
  ASSERT_GT(end, begin);
  for (size_t cut = begin; cut <= end; cut = cut == end ? cut + 1 : std::min(cut + 512, end)) {
    const std::string after = options_.folder + "-after";
    fs::copy(before, after, fs::copy_options::recursive);
    std::ofstream(wal_of(after), std::ios::binary)
        << wal.substr(0, cut) << std::string(wal.size() - cut, '\0');
    SqliteChunkStoreOptions options = options_;
    options.folder = after;
    auto store = OpenOrDie(options);
    const LogPosition last = cut < end ? 4 : 5;
    EXPECT_EQ(Positions(*store), Range(1, last)) << cut;
    ASSERT_TRUE(AppendOne(*store, "f", 100).ok());
    EXPECT_EQ(Positions(*store), Range(1, last + 1)) << cut;
    store = nullptr;
    fs::remove_all(after);
  }
  fs::remove_all(before);
}

// Files that nobody seals are checkpointed, but for one whose WAL a reader holds.
TEST_F(SqliteChunkStoreTest, OneLongReaderKeepsOneWalAlone) {
  options_.seal_files = false;
  options_.max_unsealed_wal_bytes = 2 * options_.file_bytes;
  auto store = OpenOrDie(options_);
  ASSERT_TRUE(AppendOne(*store, "a", 4'000).ok());
  auto db = SqliteDb::Open(PathOf(1), {.mode = SqliteOptions::Mode::kReadOnly});
  auto select = (*db)->Prepare("SELECT position FROM chunks");
  ASSERT_TRUE(select->Step().value());
  FillFiles(*store, 7);
  int64_t wal_bytes = 0;
  for (int number = 1; number <= 7; ++number) {
    wal_bytes += static_cast<int64_t>(fs::file_size(PathOf(number) + "-wal"));
  }
  EXPECT_GT(fs::file_size(PathOf(1) + "-wal"), 0u);
  EXPECT_LT(wal_bytes, 4 * options_.file_bytes);
  EXPECT_EQ(Positions(*store), Range(1, store->LastPosition()));
}

TEST_F(SqliteChunkStoreTest, CrashWhileAFileIsMadeLeavesNothing) {
  OpenOrDie(options_);
  std::ofstream(PathOf(2) + ".tmp") << "half";
  std::ofstream(PathOf(3) + "-wal") << "of a file that was being retired";
  auto store = OpenOrDie(options_);
  EXPECT_TRUE(AppendOne(*store, "a").ok());
  store->AwaitMaintenance();
  EXPECT_FALSE(fs::exists(PathOf(2) + ".tmp"));
  EXPECT_FALSE(fs::exists(PathOf(3) + "-wal"));
}

TEST_F(SqliteChunkStoreTest, FileThatIsNoDatabaseStopsTheStart) {
  OpenOrDie(options_);
  for (const char* suffix : {"-wal", "-shm"}) fs::remove(PathOf(1) + suffix);
  std::ofstream(PathOf(1)) << std::string(10'000, 'x');
  const absl::Status status = SqliteChunkStore::Open(options_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DetailsOf(status).reason, "DATA_FOLDER_DAMAGED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("000001.db"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("backup"));
}

TEST_F(SqliteChunkStoreTest, MissingFileStopsTheStart) {
  FillFiles(*OpenOrDie(options_), 3);
  fs::remove(SealedPathOf(2));
  const absl::Status status = SqliteChunkStore::Open(options_).status();
  EXPECT_EQ(DetailsOf(status).reason, "DATA_FOLDER_DAMAGED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("000003.db"));
}

TEST_F(SqliteChunkStoreTest, NewerFormatStopsTheStartAndIsLeftAsItIs) {
  OpenOrDie(options_);
  ASSERT_TRUE((*SqliteDb::Open(PathOf(1), {}))->SetUserVersion(kChunkFileVersion + 1).ok());
  const absl::Status status = SqliteChunkStore::Open(options_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(DetailsOf(status).reason, "DATA_FOLDER_NEWER");
  EXPECT_EQ((*SqliteDb::Open(PathOf(1), {}))->UserVersion().value(), kChunkFileVersion + 1);
}

TEST_F(SqliteChunkStoreTest, BrokenWriteStopsTheLogUntilReopened) {
  auto store = OpenOrDie(options_);
  ASSERT_TRUE(AppendOne(*store, "a").ok());
  {
    // Takes the lock that a commit needs, beyond the time it waits for it.
    auto db = SqliteDb::Open(PathOf(1), {.wal_autocheckpoint_pages = 0});
    auto transaction = SqliteTransaction::Begin(**db);
    ASSERT_TRUE(transaction.ok());
    EXPECT_FALSE(AppendOne(*store, "b").ok());
  }
  EXPECT_EQ(DetailsOf(AppendOne(*store, "b")).reason, "LOG_STOPPED");
  EXPECT_EQ(store->LastPosition(), 1);
  store = nullptr;
  EXPECT_TRUE(AppendOne(*OpenOrDie(options_), "b").ok());
}

// A file system of its own, so that it can be filled or made read-only.
class SqliteChunkStoreMountTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=3m") != 0) {
      GTEST_SKIP() << "mounting a tmpfs is not permitted here: " << std::strerror(errno);
    }
    mounted_ = true;
  }
  ~SqliteChunkStoreMountTest() override {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
    fs::remove_all(folder_);
  }

  const std::string folder_ = NewFolder();
  bool mounted_ = false;
};

TEST_F(SqliteChunkStoreMountTest, FullDiskKeepsNothingOfTheEntryAndPasses) {
  auto store = OpenOrDie({.folder = folder_});
  store->AwaitMaintenance();
  absl::Status status;
  while (status.ok()) status = AppendOne(*store, "a", 4'000);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(DetailsOf(status).reason, "DISK_FULL");
  EXPECT_TRUE(DetailsOf(status).retry_after_us.has_value());
  const LogPosition last = store->LastPosition();
  EXPECT_GT(last, 100);
  EXPECT_EQ(DetailsOf(AppendOne(*store, "a", 4'000)).reason, "DISK_FULL");
  ASSERT_EQ(::mount("tmpfs", folder_.c_str(), "tmpfs", MS_REMOUNT, "size=6m"), 0);
  EXPECT_TRUE(AppendOne(*store, "b", 4'000).ok());
  EXPECT_EQ(store->LastPosition(), last + 1);
  store = nullptr;
  store = OpenOrDie({.folder = folder_});
  EXPECT_EQ(store->LastPosition(), last + 1);
  std::string last_id;
  EXPECT_TRUE(store
                  ->Read(last,
                         [&](const LogEntry& entry) {
                           last_id = std::string(entry.events[0].event->id());
                           return absl::OkStatus();
                         })
                  .ok());
  EXPECT_EQ(last_id, "b");
}

TEST_F(SqliteChunkStoreMountTest, ReadOnlyFileSystemStopsTheStart) {
  OpenOrDie({.folder = folder_});
  ASSERT_EQ(::mount("tmpfs", folder_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr), 0);
  const absl::Status status = SqliteChunkStore::Open({.folder = folder_}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(DetailsOf(status).reason, "DATA_FOLDER_READ_ONLY");
  EXPECT_THAT(std::string(status.message()), HasSubstr(folder_));
}

}  // namespace
}  // namespace lapse::storage
