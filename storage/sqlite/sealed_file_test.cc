#include "storage/sqlite/sealed_file.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/test_entries.h"

namespace lapse::storage {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr uint64_t kSeed = 5;

bool AnyEvent(const lapse::v1::Event&) { return true; }

// Entries of a thousand events, which make merged chunks of 17; the keys repeat after `keys`.
class SealedFileTest : public testing::Test {
 protected:
  SealedFileTest() { fs::remove(path_); }
  ~SealedFileTest() override { fs::remove(path_); }

  void Write(int entries, int keys, const IndexedAttributes& indexed = {"order_id"}) {
    auto writer = SealedFileWriter::Create(path_, kSeed, indexed);
    ASSERT_TRUE(writer.ok()) << writer.status();
    int64_t sequence = 1;
    for (int position = 1; position <= entries; ++position) {
      std::vector<lapse::v1::Event> events;
      for (int i = 0; i < 1'000; ++i, ++sequence) {
        events.push_back(TestEvent(absl::StrCat(sequence), absl::StrCat("A-", sequence % keys),
                                   kTestTimeUs + sequence));
      }
      ASSERT_TRUE((*writer)
                      ->Add(ToSealedEntry(TestEntry(position, sequence - 1'000, TimeOf(position),
                                                    std::move(events))))
                      .ok());
    }
    ASSERT_TRUE((*writer)->Finish().ok());
  }

  static int64_t TimeOf(LogPosition position) { return kTestTimeUs + position * 1'000'000; }

  std::shared_ptr<const SealedFile> OpenOrDie() {
    auto file = SealedFile::Open(path_);
    EXPECT_TRUE(file.ok()) << file.status();
    return *std::move(file);
  }

  void Change(int64_t place) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(place);
    const char byte = static_cast<char>(file.get() ^ 0x20);
    file.seekp(place);
    file.put(byte);
  }

  std::vector<LogPosition> Chunks(const SealedFile& file, const EventQuery& query) {
    std::vector<LogPosition> positions;
    const auto found = file.FindChunks(kSeed, query, query.min_time_us, query.max_time_us);
    EXPECT_TRUE(found.ok()) << found.status();
    for (const ChunkSummary& chunk : *found) positions.push_back(chunk.position);
    return positions;
  }

  const std::string path_ = absl::StrCat(testing::TempDir(), "/sealed_file_", ::getpid());
};

TEST_F(SealedFileTest, TellsWhatItHolds) {
  Write(40, 7);
  const auto file = OpenOrDie();
  EXPECT_EQ(file->seed(), kSeed);
  EXPECT_EQ(file->summary().first_position, 1);
  EXPECT_EQ(file->summary().last_position, 40);
  EXPECT_EQ(file->summary().first_sequence, 1);
  EXPECT_EQ(file->summary().next_sequence, 40'001);
  EXPECT_EQ(file->summary().last_mark_time_us, TimeOf(40));
  EXPECT_EQ(file->summary().min_time_us, kTestTimeUs + 1);
  EXPECT_EQ(file->summary().max_time_us, kTestTimeUs + 40'000);
}

TEST_F(SealedFileTest, ReadsFromAnyPosition) {
  Write(40, 7);
  const auto file = OpenOrDie();
  for (const LogPosition from : {1, 2, 17, 18, 40}) {
    const auto entries = file->Read(from);
    ASSERT_TRUE(entries.ok()) << entries.status();
    EXPECT_EQ(entries->front()->position, from);
    EXPECT_EQ(entries->back()->position, file->EndOfChunk(from));
    EXPECT_EQ(entries->front()->events.front().sequence, (from - 1) * 1'000 + 1);
  }
  EXPECT_EQ(file->EndOfChunk(1), 17);
}

TEST_F(SealedFileTest, FindsTheChunksAndEventsOfAKey) {
  Write(60, 25'000);
  const auto file = OpenOrDie();
  const EventQuery query = {.matches = AnyEvent, .attribute_equals = {{"order_id", "A-20000"}}};
  EXPECT_THAT(Chunks(*file, query), testing::ElementsAre(18, 35));
  const auto entry = file->Find(18, query);
  ASSERT_TRUE(entry.ok()) << entry.status();
  ASSERT_EQ((*entry)->events.size(), 1u);
  EXPECT_EQ((*entry)->events[0].sequence, 20'000);
  EXPECT_EQ((*entry)->events[0].event->id(), "20000");
  EXPECT_TRUE(
      Chunks(*file, {.matches = AnyEvent, .attribute_equals = {{"order_id", "none"}}}).empty());
  EXPECT_EQ(Chunks(*file, {.matches = AnyEvent, .attribute_equals = {{"city", "x"}}}).size(), 4u)
      << "not indexed";
  EXPECT_THAT(Chunks(*file, {.matches = AnyEvent, .max_time_us = kTestTimeUs + 17'000}),
              testing::ElementsAre(1));
  EXPECT_THAT(Chunks(*file, {.matches = AnyEvent, .max_sequence = 17'001}),
              testing::ElementsAre(1, 18));
}

TEST_F(SealedFileTest, EveryRunIsLookedInto) {
  // More than one run's events.
  Write(static_cast<int>(limits::kSealedRunEvents / 1'000 * 2 + 100), 500'000);
  const auto file = OpenOrDie();
  const EventQuery query = {.matches = AnyEvent, .attribute_equals = {{"order_id", "A-77"}}};
  size_t events = 0;
  for (const LogPosition chunk : Chunks(*file, query)) {
    events += (*file->Find(chunk, query))->events.size();
  }
  EXPECT_EQ(events, 5u);
}

TEST_F(SealedFileTest, DamagedChunkIsNamedAndTheOthersAreRead) {
  Write(40, 7);
  Change(100);
  const auto file = OpenOrDie();
  const absl::Status status = file->Read(3).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DetailsOf(status).reason, "DATA_FOLDER_DAMAGED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("positions 1 to 17"));
  EXPECT_TRUE(absl::IsDataLoss(file->Find(1, {.matches = AnyEvent}).status()));
  EXPECT_TRUE(file->Read(18).ok());
}

TEST_F(SealedFileTest, DamagedRunIsPassedOver) {
  Write(40, 25'000);
  const EventQuery query = {.matches = AnyEvent, .attribute_equals = {{"order_id", "A-20000"}}};
  const auto bytes = static_cast<int64_t>(fs::file_size(path_));
  // The run lies behind the chunks, in whole blocks.
  for (int64_t block = bytes / kRunBlockBytes - 1; block > bytes / kRunBlockBytes - 12; --block)
    Change(block * kRunBlockBytes + 100);
  const auto chunks = Chunks(*OpenOrDie(), query);
  EXPECT_THAT(chunks, testing::Contains(18));
}

TEST_F(SealedFileTest, AnyDamageToItsEndsIsDataLoss) {
  Write(3, 7);
  const auto bytes = static_cast<int64_t>(fs::file_size(path_));
  for (const int64_t place : {int64_t{0}, bytes - 1, bytes - 9, bytes - 20, bytes - 40}) {
    Change(place);
    const absl::Status status = SealedFile::Open(path_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << place;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path_));
    Change(place);
  }
  EXPECT_TRUE(SealedFile::Open(path_).ok());
  for (const int64_t size : {bytes - 1, bytes / 2, int64_t{16}, int64_t{3}, int64_t{0}}) {
    fs::resize_file(path_, size);
    EXPECT_EQ(SealedFile::Open(path_).status().code(), absl::StatusCode::kDataLoss) << size;
  }
}

TEST_F(SealedFileTest, NewerFormatIsToldApart) {
  Write(3, 7);
  Change(8);
  EXPECT_EQ(DetailsOf(SealedFile::Open(path_).status()).reason, "DATA_FOLDER_NEWER");
}

}  // namespace
}  // namespace lapse::storage
