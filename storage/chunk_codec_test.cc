#include "storage/chunk_codec.h"

#include <random>
#include <string>

#include "gtest/gtest.h"
#include "storage/test_entries.h"
#include "xxhash.h"

namespace lapse::storage {
namespace {

LogEntry FullEntry() {
  LogEntry entry =
      TestEntry(7, 40, kTestTimeUs, {TestEvent("a", "1", kTestTimeUs - 5), TestEvent("b", "2")});
  LogEntry later = TestEntry(7, 42, kTestTimeUs + 9, {TestEvent("c", "3", kTestTimeUs + 100)});
  later.events[0].has_server_id = true;
  entry.events.push_back(later.events[0]);
  entry.owned.push_back(std::move(later.owned[0]));
  entry.controls.emplace_back().mutable_server_start()->set_settle_us(5);
  entry.mark_time_us = kTestTimeUs + 8;
  return entry;
}

uint64_t ValidChecksum(const std::string& header, const std::string& body) {
  return XXH3_64bits_withSeed(body.data(), body.size(), XXH3_64bits(header.data(), header.size()));
}

TEST(ChunkCodecTest, EntryComesBackAsItWas) {
  const LogEntry entry = FullEntry();
  const EncodedChunk chunk = EncodeChunk(entry).value();
  const auto decoded = DecodeChunk(chunk.header, chunk.body, chunk.checksum);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_TRUE(SameEntry(entry, **decoded));
  EXPECT_EQ((*decoded)->events[2].time_us, kTestTimeUs + 9)
      << "a clock that runs ahead is held back";
}

TEST(ChunkCodecTest, TimesAreTheReportedOnes) {
  const EncodedChunk chunk = EncodeChunk(FullEntry()).value();
  EXPECT_EQ(chunk.min_time_us, kTestTimeUs - 5);
  EXPECT_EQ(chunk.max_time_us, kTestTimeUs + 100);
}

TEST(ChunkCodecTest, EntryWithoutEventsHasNoBody) {
  const LogEntry entry = TestEntry(1, 1, kTestTimeUs, {});
  const EncodedChunk chunk = EncodeChunk(entry).value();
  EXPECT_TRUE(chunk.body.empty());
  EXPECT_TRUE(SameEntry(entry, *DecodeChunk(chunk.header, chunk.body, chunk.checksum).value()));
}

TEST(ChunkCodecTest, EveryFlippedBitIsFound) {
  const EncodedChunk chunk = EncodeChunk(FullEntry()).value();
  for (size_t i = 0; i < (chunk.header.size() + chunk.body.size()) * 8; ++i) {
    std::string header = chunk.header;
    std::string body = chunk.body;
    const size_t byte = i / 8;
    char& target = byte < header.size() ? header[byte] : body[byte - header.size()];
    target = static_cast<char>(target ^ (1 << i % 8));
    EXPECT_EQ(DecodeChunk(header, body, chunk.checksum).status().code(),
              absl::StatusCode::kDataLoss)
        << i;
  }
}

TEST(ChunkCodecTest, EveryTruncationAndShiftedBorderIsFound) {
  const EncodedChunk chunk = EncodeChunk(FullEntry()).value();
  const std::string all = chunk.header + chunk.body;
  for (size_t border = 0; border <= all.size(); ++border) {
    if (border == chunk.header.size()) continue;
    EXPECT_EQ(
        DecodeChunk(all.substr(0, border), all.substr(border), chunk.checksum).status().code(),
        absl::StatusCode::kDataLoss);
    EXPECT_EQ(DecodeChunk(chunk.header, all.substr(border), chunk.checksum).status().code(),
              absl::StatusCode::kDataLoss);
  }
}

// What the checksum would stop, to show that nothing behind it relies on it.
TEST(ChunkCodecTest, GarbageWithValidChecksumNeverCrashes) {
  const EncodedChunk chunk = EncodeChunk(FullEntry()).value();
  std::mt19937_64 random(1);
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string header = chunk.header;
    std::string body = chunk.body;
    for (int flips = 0; flips < 3; ++flips) {
      std::string& target = random() % 2 == 0 ? header : body;
      target[random() % target.size()] = static_cast<char>(random());
    }
    if (random() % 4 == 0) header.resize(random() % header.size());
    if (random() % 4 == 0) body.resize(random() % body.size());
    refused += !DecodeChunk(header, body, ValidChecksum(header, body)).ok();
  }
  EXPECT_GT(refused, 10'000);
}

}  // namespace
}  // namespace lapse::storage
