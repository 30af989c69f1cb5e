#include "storage/chunk_codec.h"

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lapse/v1/event_service.pb.h"
#include "storage/test_entries.h"
#include "xxhash.h"
#include "zstd.h"

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

TEST(ChunkCodecTest, EntryIsTheSameAsItIsSealed) {
  for (const LogEntry& entry : {FullEntry(), TestEntry(1, 1, kTestTimeUs, {})}) {
    const EncodedChunk chunk = EncodeChunk(entry).value();
    const auto sealed = DecodeChunkToSeal(chunk.header, chunk.body, chunk.checksum);
    ASSERT_TRUE(sealed.ok()) << sealed.status();
    EXPECT_TRUE(SameEntry(entry, *ToLogEntry(*sealed).value()));
  }
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

// As earlier versions wrote bodies: compressed, and with whatever protobuf kept of an event.
EncodedChunk WithBody(const std::string& header_bytes, const std::string& events) {
  lapse::internal::v1::ChunkHeader header;
  header.ParseFromString(header_bytes);
  header.set_body_size_bytes(static_cast<int64_t>(events.size()));
  EncodedChunk chunk;
  chunk.header = header.SerializeAsString();
  chunk.body.resize(ZSTD_compressBound(events.size()));
  chunk.body.resize(
      ZSTD_compress(chunk.body.data(), chunk.body.size(), events.data(), events.size(), 1));
  chunk.checksum = ValidChecksum(chunk.header, chunk.body);
  return chunk;
}

TEST(ChunkCodecTest, CompressedBodyOfAnEarlierVersionIsRead) {
  const LogEntry entry = FullEntry();
  lapse::v1::BatchIngestEventsRequest events;
  for (const AcceptedEvent& e : entry.events) *events.add_events() = e.event->ToEvent();
  const EncodedChunk chunk =
      WithBody(EncodeChunk(entry).value().header, events.SerializeAsString());
  const auto decoded = DecodeChunk(chunk.header, chunk.body, chunk.checksum);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_TRUE(SameEntry(entry, **decoded));
}

TEST(ChunkCodecTest, EventThatIsNotInTheUsualFormIsReadAllTheSame) {
  const LogEntry entry = TestEntry(1, 1, kTestTimeUs, {TestEvent("a", "1")});
  const lapse::v1::Event event = entry.events[0].event->ToEvent();
  // The type first, then the rest: protobuf takes fields in any order.
  lapse::v1::Event type, rest = event;
  type.set_type(event.type());
  rest.clear_type();
  const std::string odd = type.SerializeAsString() + rest.SerializeAsString();
  const std::string framed = std::string("\x12") + static_cast<char>(odd.size()) + odd;
  const EncodedChunk chunk = WithBody(EncodeChunk(entry).value().header, framed);
  const auto decoded = DecodeChunk(chunk.header, chunk.body, chunk.checksum);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_TRUE(SameEntry(entry, **decoded));
  const auto sealed = DecodeChunkToSeal(chunk.header, chunk.body, chunk.checksum);
  ASSERT_TRUE(sealed.ok()) << sealed.status();
  EXPECT_TRUE(SameEntry(entry, *ToLogEntry(*sealed).value()));
}

TEST(ChunkCodecTest, LargeBodyComesBackAsItWas) {
  std::vector<lapse::v1::Event> events;
  for (int i = 0; i < 500; ++i) {
    events.push_back(TestEvent(std::to_string(i), std::string(1'000, 'k')));
  }
  const LogEntry entry = TestEntry(1, 1, kTestTimeUs, events);
  const EncodedChunk chunk = EncodeChunk(entry).value();
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
    EXPECT_EQ(DecodeChunkToSeal(header, body, chunk.checksum).status().code(),
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
    const bool ok = DecodeChunk(header, body, ValidChecksum(header, body)).ok();
    // Events are looked into by the one alone.
    EXPECT_TRUE(!ok || DecodeChunkToSeal(header, body, ValidChecksum(header, body)).ok());
    refused += !ok;
  }
  EXPECT_GT(refused, 10'000);
}

}  // namespace
}  // namespace lapse::storage
