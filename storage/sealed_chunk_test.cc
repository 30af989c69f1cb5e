#include "storage/sealed_chunk.h"

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/chunk_index.h"
#include "storage/test_entries.h"

namespace lapse::storage {
namespace {

using lapse::v1::Event;

constexpr uint64_t kSeed = 7;

// Events of every kind: plain ones of three forms, and such as are kept as they came.
Event RandomEvent(std::mt19937_64& random, int number) {
  Event event;
  if (random() % 10 > 0) event.set_id(absl::StrCat(random() % 3 == 0 ? "x" : "", number));
  if (random() % 3 > 0) event.set_source(absl::StrCat("source", random() % 3));
  event.set_type(absl::StrCat("type", random() % 4));
  if (random() % 3 > 0) {
    SetTimestamp(kTestTimeUs + static_cast<int64_t>(random() % 1'000'000),
                 event.mutable_occur_time());
    if (random() % 50 == 0) event.mutable_occur_time()->set_nanos(1);
  }
  auto& attributes = *event.mutable_attributes();
  for (uint64_t i = random() % 6; i > 0; --i) {
    lapse::v1::Value& value = attributes[absl::StrCat("a", random() % 8)];
    switch (random() % 5) {
      case 0:
        value.set_string_value(std::string(random() % 4, static_cast<char>('a' + random() % 3)));
        break;
      case 1:
        value.set_int64_value(static_cast<int64_t>(random()) >> (random() % 64));
        break;
      case 2:
        value.set_bool_value(random() % 2 == 0);
        break;
      case 3:
        value.set_double_value(static_cast<double>(random() % 10'000) / 100);
        break;
      default:
        value.set_string_value(absl::StrCat(random() % 9));
    }
  }
  if (random() % 30 == 0)
    event.GetReflection()->MutableUnknownFields(&event)->AddLengthDelimited(77, "unknown");
  return event;
}

std::vector<LogEntry> RandomEntries(uint64_t seed, size_t count) {
  std::mt19937_64 random(seed);
  std::vector<LogEntry> entries;
  int64_t sequence = 1 + static_cast<int64_t>(random() % 1'000);
  const LogPosition first = 1 + static_cast<LogPosition>(random() % 1'000);
  for (size_t i = 0; i < count; ++i) {
    std::vector<Event> events(random() % 4 == 0 ? 0 : random() % 40);
    for (Event& event : events) event = RandomEvent(random, static_cast<int>(sequence));
    LogEntry entry = TestEntry(first + static_cast<LogPosition>(i), sequence,
                               kTestTimeUs + static_cast<int64_t>(i) * 500, std::move(events));
    entry.mark_time_us += 3;
    for (AcceptedEvent& event : entry.events) {
      event.has_server_id = random() % 9 == 0;
      if (random() % 5 == 0) event.receive_time_us -= 17;
      event.time_us = JudgedTimeUs(*event.event, event.receive_time_us);
    }
    if (random() % 5 == 0) entry.controls.emplace_back().mutable_alert_close()->set_note("note");
    sequence += static_cast<int64_t>(entry.events.size());
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<SealedEntry> Sealed(const std::vector<LogEntry>& entries) {
  std::vector<SealedEntry> sealed;
  for (const LogEntry& entry : entries) sealed.push_back(ToSealedEntry(entry));
  return sealed;
}

EncodedSealedChunk Encode(const std::vector<LogEntry>& entries,
                          const IndexedAttributes& indexed = {}) {
  auto chunk = EncodeSealedChunk(Sealed(entries), kSeed, indexed);
  EXPECT_TRUE(chunk.ok()) << chunk.status();
  return *std::move(chunk);
}

TEST(SealedChunkTest, AnyEntriesComeBackWithEveryField) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const std::vector<LogEntry> entries = RandomEntries(seed, 1 + seed % 20);
    const auto decoded = DecodeSealedChunk(Encode(entries).bytes);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    ASSERT_EQ(decoded->size(), entries.size());
    for (size_t i = 0; i < entries.size(); ++i) {
      const auto entry = ToLogEntry((*decoded)[i]);
      ASSERT_TRUE(entry.ok()) << entry.status();
      EXPECT_TRUE(SameEntry(**entry, entries[i])) << "seed " << seed << ", entry " << i;
    }
  }
}

TEST(SealedChunkTest, MoreAttributesThanColumnsComeBack) {
  std::vector<Event> events;
  for (int i = 0; i < 1'500; ++i) {
    events.push_back(TestEvent(absl::StrCat(i), "k"));
    (*events.back().mutable_attributes())[absl::StrCat("attribute", i)].set_int64_value(i);
  }
  std::vector<LogEntry> one;
  one.push_back(TestEntry(1, 1, kTestTimeUs, std::move(events)));
  const auto decoded = DecodeSealedChunk(Encode(one).bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_TRUE(SameEntry(**ToLogEntry(decoded->front()), one.front()));
}

TEST(SealedChunkTest, TooManyEventsAreRefused) {
  std::vector<SealedEntry> entries(kMaxSealedEvents + 1);
  EXPECT_EQ(EncodeSealedChunk(entries, kSeed, {}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(SealedChunkTest, TimesAndFingerprintsAreThoseOfTheEvents) {
  const IndexedAttributes indexed = {"a1", "a5"};
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const std::vector<LogEntry> entries = RandomEntries(seed, 10);
    const EncodedSealedChunk chunk = Encode(entries, indexed);
    std::vector<uint32_t> expected;
    int64_t min = INT64_MAX;
    int64_t max = INT64_MIN;
    for (const LogEntry& entry : entries) {
      for (const int64_t fingerprint : IndexFingerprints(kSeed, entry, indexed))
        expected.push_back(SealedFingerprint(fingerprint));
      for (const AcceptedEvent& event : entry.events) {
        min = std::min(min, ReportedTimeUs(*event.event, event.receive_time_us));
        max = std::max(max, ReportedTimeUs(*event.event, event.receive_time_us));
      }
    }
    std::sort(expected.begin(), expected.end());
    expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
    EXPECT_EQ(chunk.fingerprints, expected);
    EXPECT_EQ(chunk.min_time_us, min);
    EXPECT_EQ(chunk.max_time_us, max);
  }
}

bool AnyEvent(const Event&) { return true; }

// The sequences that FindInSealedChunk must give: all that may match, and of the others none but
// such as are kept as they came.
TEST(SealedChunkTest, FindGivesWhatTheQueryMayMatch) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const std::vector<LogEntry> entries = RandomEntries(seed, 12);
    const std::string bytes = Encode(entries).bytes;
    const std::string attribute = absl::StrCat("a", seed % 8);
    for (const std::string text : {"1", "aa", "true", "", "5"}) {
      const EventQuery query = {.matches = AnyEvent,
                                .attribute_equals = {{attribute, text}},
                                .min_time_us = kTestTimeUs + 100,
                                .max_time_us = kTestTimeUs + 900'000,
                                .max_sequence = entries.back().first_sequence};
      const auto found = FindInSealedChunk(bytes, query);
      ASSERT_TRUE(found.ok()) << found.status();
      std::vector<int64_t> sequences;
      for (const SealedEvent& event : found->events) sequences.push_back(event.sequence);
      for (const LogEntry& entry : entries) {
        for (const AcceptedEvent& event : entry.events) {
          std::string key;
          const auto value = event.event->FindAttribute(attribute);
          const int64_t time = ReportedTimeUs(*event.event, event.receive_time_us);
          const bool matches = value && KeyText(*value, &key) && key == text &&
                               time >= query.min_time_us && time <= query.max_time_us &&
                               event.sequence <= query.max_sequence;
          if (!matches) continue;
          EXPECT_THAT(sequences, testing::Contains(event.sequence));
        }
      }
      const auto entry = ToLogEntry(*found);
      ASSERT_TRUE(entry.ok());
      EXPECT_LT((*entry)->events.size(), 200u);
    }
  }
}

TEST(SealedChunkTest, DamagedBytesNeverCrash) {
  std::mt19937_64 random(1);
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const std::string whole = Encode(RandomEntries(seed, 5), {"a1"}).bytes;
    for (int round = 0; round < 500; ++round) {
      std::string bytes = whole;
      for (uint64_t changes = 1 + random() % 4; changes > 0; --changes)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      if (random() % 8 == 0) bytes.resize(random() % bytes.size());
      const auto decoded = DecodeSealedChunk(bytes);
      EXPECT_TRUE(decoded.ok() || absl::IsDataLoss(decoded.status())) << decoded.status();
      (void)FindInSealedChunk(bytes, {.matches = AnyEvent, .attribute_equals = {{"a1", "1"}}});
    }
  }
}

}  // namespace
}  // namespace lapse::storage
