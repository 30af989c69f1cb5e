// What the log does where its files are damaged or missing, and where that loss is accepted.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/sqlite/chunk_store.h"
#include "storage/sqlite/sealed_file.h"
#include "storage/test_entries.h"

namespace lapse::storage {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

bool AnyEvent(const lapse::v1::Event&) { return true; }

std::vector<LogPosition> Range(LogPosition first, LogPosition last) {
  std::vector<LogPosition> positions;
  for (; first <= last; ++first) positions.push_back(first);
  return positions;
}

// A log of three sealed files and a live one, closed.
class ChunkStoreDamageTest : public testing::Test {
 protected:
  ChunkStoreDamageTest() {
    fs::remove_all(options_.folder);
    fs::create_directories(options_.folder);
    auto store = OpenOrDie();
    // The file after the live one is opened ahead.
    while (!fs::exists(Path(5, ".db"))) {
      EXPECT_TRUE(AppendOne(*store).ok());
      store->AwaitMaintenance();
    }
    for (int number = 1; number <= 3; ++number) {
      const auto file = SealedFile::Open(Path(number, ".sealed"));
      EXPECT_TRUE(file.ok()) << file.status();
      if (file.ok()) ends_.push_back((*file)->summary().last_position);
    }
    last_ = store->LastPosition();
    first_of_two_ = ends_[0] + 1;
  }
  ~ChunkStoreDamageTest() override { fs::remove_all(options_.folder); }

  std::string Path(int number, const char* extension) const {
    return absl::StrCat(options_.folder, "/log/00000", number, extension);
  }

  std::unique_ptr<SqliteChunkStore> OpenOrDie(bool accept_loss = false) {
    options_.accept_loss = accept_loss;
    auto store = SqliteChunkStore::Open(options_);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  static absl::Status AppendOne(ChunkStore& store) {
    const LogPosition position = store.LastPosition() + 1;
    lapse::v1::Event event = TestEvent(absl::StrCat(position), "k");
    (*event.mutable_attributes())["padding"].set_string_value(std::string(3'000, 'p'));
    return store.Append(TestEntry(position, store.NextSequence(), kTestTimeUs + position, {event}));
  }

  std::vector<LogPosition> Positions(const ChunkStore& store, LogPosition from = 1) {
    std::vector<LogPosition> positions;
    status_ = store.Read(from, [&](const LogEntry& entry) {
      positions.push_back(entry.position);
      return absl::OkStatus();
    });
    return positions;
  }

  static size_t Listed(const ChunkStore& store) {
    const auto page = store.List({.matches = AnyEvent, .page_size = 100'000});
    EXPECT_TRUE(page.ok()) << page.status();
    return page->events.size();
  }

  static void Change(const std::string& path, int64_t place) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(place);
    const char byte = static_cast<char>(file.get() ^ 0x55);
    file.seekp(place);
    file.put(byte);
  }

  SqliteChunkStoreOptions options_{
      .folder = absl::StrCat(testing::TempDir(), "/chunk_store_damage_", ::getpid()),
      .file_bytes = 150'000};
  // Where each sealed file ends.
  std::vector<LogPosition> ends_;
  LogPosition last_ = 0;
  LogPosition first_of_two_ = 0;
  // Of the last Positions.
  absl::Status status_;
};

TEST_F(ChunkStoreDamageTest, DamagedChunkIsLeftOutByListAndStopsRead) {
  Change(Path(2, ".sealed"), 60);
  const auto store = OpenOrDie();
  EXPECT_EQ(Positions(*store), Range(1, ends_[0]));
  EXPECT_EQ(status_.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status_.message()),
              HasSubstr(absl::StrCat("positions ", first_of_two_, " to ", ends_[1])));
  EXPECT_EQ(Positions(*store, ends_[1] + 1), Range(ends_[1] + 1, last_));
  EXPECT_TRUE(status_.ok()) << "what is damaged is not needed";
  EXPECT_EQ(Listed(*store), static_cast<size_t>(last_ - (ends_[1] - ends_[0])));
  EXPECT_EQ(store->LastStoredWith(first_of_two_), ends_[1]);
}

TEST_F(ChunkStoreDamageTest, AcceptedLossOfAChunkIsPassedOver) {
  Change(Path(2, ".sealed"), 60);
  const auto store = OpenOrDie(/*accept_loss=*/true);
  std::vector<LogPosition> expected = Range(1, ends_[0]);
  for (const LogPosition position : Range(ends_[1] + 1, last_)) expected.push_back(position);
  EXPECT_EQ(Positions(*store), expected);
  EXPECT_TRUE(status_.ok()) << status_;
  EXPECT_TRUE(AppendOne(*store).ok());
}

TEST_F(ChunkStoreDamageTest, LossIsAcceptedOnce) {
  Change(Path(2, ".sealed"), 60);
  // From the midst of the chunk on.
  const size_t left = Positions(*OpenOrDie(/*accept_loss=*/true), first_of_two_ + 1).size();
  EXPECT_EQ(left, static_cast<size_t>(last_ - ends_[1]));
  const auto store = OpenOrDie();
  EXPECT_EQ(Positions(*store, first_of_two_).size(), left);
  EXPECT_TRUE(status_.ok()) << status_;
}

TEST_F(ChunkStoreDamageTest, SealedFileWithoutAFooterIsSetAside) {
  fs::resize_file(Path(2, ".sealed"), fs::file_size(Path(2, ".sealed")) - 1);
  {
    const auto store = OpenOrDie();
    EXPECT_EQ(Positions(*store), Range(1, ends_[0]));
    EXPECT_EQ(status_.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status_.message()),
                HasSubstr(absl::StrCat("positions ", first_of_two_, " to ", ends_[1])));
    EXPECT_EQ(Positions(*store, ends_[1] + 1).size(), static_cast<size_t>(last_ - ends_[1]));
    EXPECT_EQ(Listed(*store), static_cast<size_t>(last_ - (ends_[1] - ends_[0])));
  }
  const auto store = OpenOrDie(/*accept_loss=*/true);
  EXPECT_EQ(Positions(*store).size(), static_cast<size_t>(last_ - (ends_[1] - ends_[0])));
  EXPECT_TRUE(status_.ok()) << status_;
  ASSERT_TRUE(store->Retire(ends_[2], INT64_MAX).ok());
  EXPECT_FALSE(fs::exists(Path(2, ".sealed"))) << "it goes with those around it";
}

TEST_F(ChunkStoreDamageTest, FirstFileSetAsideIsStillKept) {
  fs::resize_file(Path(1, ".sealed"), 20);
  const auto store = OpenOrDie();
  EXPECT_EQ(store->FirstPosition(), 1);
  EXPECT_TRUE(Positions(*store).empty());
  EXPECT_EQ(status_.code(), absl::StatusCode::kDataLoss);
}

TEST_F(ChunkStoreDamageTest, MissingFileStopsTheStartUnlessTheLossIsAccepted) {
  fs::remove(Path(2, ".sealed"));
  options_.accept_loss = false;
  const absl::Status status = SqliteChunkStore::Open(options_).status();
  EXPECT_EQ(DetailsOf(status).reason, "DATA_FOLDER_DAMAGED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("000003.sealed"));
  for (const bool accept_loss : {true, false, true}) {
    const auto store = OpenOrDie(accept_loss);
    EXPECT_EQ(Positions(*store).size(), static_cast<size_t>(last_ - (ends_[1] - ends_[0])));
    EXPECT_TRUE(status_.ok()) << status_;
  }
}

TEST_F(ChunkStoreDamageTest, UnfinishedSealedFileGivesWayToItsSource) {
  fs::copy_file(Path(3, ".sealed"), Path(4, ".sealed"));
  fs::resize_file(Path(4, ".sealed"), 100);
  fs::copy_file(Path(3, ".sealed"), Path(4, ".sealed.tmp"));
  const auto store = OpenOrDie();
  EXPECT_EQ(Positions(*store), Range(1, last_));
  EXPECT_FALSE(fs::exists(Path(4, ".sealed.tmp")));
}

TEST_F(ChunkStoreDamageTest, SourceThatOutlivedTheSwapIsRemoved) {
  fs::copy_file(Path(4, ".db"), Path(2, ".db"));
  const auto store = OpenOrDie();
  EXPECT_EQ(Positions(*store), Range(1, last_));
  EXPECT_FALSE(fs::exists(Path(2, ".db")));
}

// A log whose last file with entries but one is an SQLite file that is no database any more.
class ChunkStoreSpoiledFileTest : public ChunkStoreDamageTest {
 protected:
  void Grow() {
    {
      const auto store = OpenOrDie();
      while (!fs::exists(Path(6, ".db"))) {
        ASSERT_TRUE(AppendOne(*store).ok());
        store->AwaitMaintenance();
      }
      last_ = store->LastPosition();
    }
    const auto file = SealedFile::Open(Path(4, ".sealed"));
    ASSERT_TRUE(file.ok()) << file.status();
    ends_.push_back((*file)->summary().last_position);
    fs::remove(Path(4, ".sealed"));
  }

  void Spoil() const { std::ofstream(Path(4, ".db")) << std::string(10'000, 'x'); }
};

TEST_F(ChunkStoreSpoiledFileTest, IsSetAsideAndItsLossIsAcceptedOnce) {
  Grow();
  Spoil();
  {
    const auto store = OpenOrDie();
    ASSERT_NE(store, nullptr);
    EXPECT_EQ(Positions(*store), Range(1, ends_[2]));
    EXPECT_EQ(status_.code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(Positions(*store, ends_[3] + 1), Range(ends_[3] + 1, last_));
    EXPECT_TRUE(status_.ok()) << "what is damaged is not needed";
  }
  for (const bool accept_loss : {true, false}) {
    const auto store = OpenOrDie(accept_loss);
    ASSERT_NE(store, nullptr) << accept_loss;
    EXPECT_EQ(Positions(*store).size(), static_cast<size_t>(last_ - (ends_[3] - ends_[2])));
    EXPECT_TRUE(status_.ok()) << status_;
  }
}

TEST_F(ChunkStoreSpoiledFileTest, AtTheEndStopsTheStartUntilTheLossIsAccepted) {
  Spoil();
  options_.accept_loss = false;
  EXPECT_EQ(SqliteChunkStore::Open(options_).status().code(), absl::StatusCode::kDataLoss);
  for (const bool accept_loss : {true, false}) {
    const auto store = OpenOrDie(accept_loss);
    ASSERT_NE(store, nullptr) << accept_loss;
    EXPECT_EQ(store->LastPosition(), last_);
  }
}

TEST_F(ChunkStoreSpoiledFileTest, AtTheEndStopsTheStartAlsoWithoutTheNote) {
  Spoil();
  fs::remove(options_.folder + "/log/acknowledged");
  options_.accept_loss = false;
  EXPECT_EQ(SqliteChunkStore::Open(options_).status().code(), absl::StatusCode::kDataLoss);
}

// The live file's WAL, with a byte changed in its midst: SQLite takes it to end there.
class ChunkStoreTornEndTest : public ChunkStoreDamageTest {
 protected:
  ChunkStoreTornEndTest() {
    const auto store = OpenOrDie();
    for (int i = 0; i < 6; ++i) EXPECT_TRUE(AppendOne(*store).ok());
    last_ = store->LastPosition();
  }

  void Tear() {
    const std::string wal = Path(4, ".db-wal");
    Change(wal, static_cast<int64_t>(fs::file_size(wal)) / 2);
  }
};

TEST_F(ChunkStoreTornEndTest, StopsTheStart) {
  Tear();
  options_.accept_loss = false;
  const absl::Status status = SqliteChunkStore::Open(options_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DetailsOf(status).reason, "DATA_FOLDER_DAMAGED");
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(absl::StrCat(" to ", last_, " were acknowledged")));
}

TEST_F(ChunkStoreTornEndTest, AcceptedLossNeverUsesAPositionAgain) {
  Tear();
  {
    const auto store = OpenOrDie(/*accept_loss=*/true);
    EXPECT_EQ(store->LastPosition(), last_);
    EXPECT_EQ(store->NextSequence(), last_ + 1);
    EXPECT_GE(store->LastMarkTimeUs(), kTestTimeUs + last_);
    ASSERT_TRUE(AppendOne(*store).ok());
    EXPECT_EQ(Positions(*store).back(), last_ + 1);
    EXPECT_TRUE(status_.ok()) << status_;
    store->AwaitMaintenance();
  }
  const auto store = OpenOrDie();
  EXPECT_EQ(store->LastPosition(), last_ + 1);
  EXPECT_EQ(Positions(*store, last_ + 1), Range(last_ + 1, last_ + 1));
  EXPECT_TRUE(status_.ok()) << status_;
  EXPECT_LT(Positions(*store).size(), static_cast<size_t>(last_));
  EXPECT_TRUE(status_.ok()) << "the loss was accepted: " << status_;
}

TEST_F(ChunkStoreTornEndTest, LossIsAcceptedOnceAlsoWhereNothingWasAppendedSince) {
  Tear();
  for (const bool accept_loss : {true, false, false}) {
    const auto store = OpenOrDie(accept_loss);
    ASSERT_NE(store, nullptr) << accept_loss;
    EXPECT_EQ(store->LastPosition(), last_);
  }
}

TEST_F(ChunkStoreTornEndTest, RefusedStartRemovesNothing) {
  fs::remove(Path(4, ".db"));
  options_.accept_loss = false;
  EXPECT_EQ(SqliteChunkStore::Open(options_).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(fs::exists(Path(4, ".db-wal"))) << "it may hold what is missing";
  EXPECT_EQ(OpenOrDie(/*accept_loss=*/true)->LastPosition(), last_);
}

TEST_F(ChunkStoreTornEndTest, WithoutTheNoteTheLogEndsWhereItsFileDoes) {
  fs::remove(options_.folder + "/log/acknowledged");
  Tear();
  const auto store = OpenOrDie();
  EXPECT_LT(store->LastPosition(), last_);
}

TEST_F(ChunkStoreTornEndTest, NoteThatIsDamagedTellsNothing) {
  Change(options_.folder + "/log/acknowledged", 20);
  EXPECT_EQ(Positions(*OpenOrDie()), Range(1, last_));
}

TEST_F(ChunkStoreTornEndTest, MissingLogStopsTheStart) {
  for (const char* name : {"1.sealed", "2.sealed", "3.sealed", "4.db", "5.db"})
    fs::remove(absl::StrCat(options_.folder, "/log/00000", name));
  options_.accept_loss = false;
  EXPECT_EQ(SqliteChunkStore::Open(options_).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace lapse::storage
