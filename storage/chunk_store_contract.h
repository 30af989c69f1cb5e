// What every ChunkStore must do. An implementation's test instantiates ChunkStoreContract with its
// own harness.
#ifndef LAPSE_STORAGE_CHUNK_STORE_CONTRACT_H_
#define LAPSE_STORAGE_CHUNK_STORE_CONTRACT_H_

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/errors.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/chunk_store.h"
#include "storage/test_entries.h"

namespace lapse::storage {

// One store and its medium; outlives the store it gives.
class ChunkStoreHarness {
 public:
  virtual ~ChunkStoreHarness() = default;
  virtual ChunkStore& store() = 0;
  // Closes the store and opens it again on the same medium.
  virtual void Reopen() = 0;
  // Whether the store may have merged entries by now, so that a listing reads fewer.
  virtual bool Merges() const { return false; }
  // Changes a byte of the entry at `position`.
  virtual void Damage(LogPosition position) = 0;
};

using ChunkStoreHarnessFactory = std::function<std::unique_ptr<ChunkStoreHarness>()>;

class ChunkStoreContract : public testing::TestWithParam<ChunkStoreHarnessFactory> {
 protected:
  void SetUp() override { harness_ = GetParam()(); }

  ChunkStore& store() { return harness_->store(); }

  // Appends an entry received at kTestTimeUs + its position seconds.
  absl::Status AppendEvents(std::vector<lapse::v1::Event> events) {
    const LogPosition position = store().LastPosition() + 1;
    return store().Append(
        TestEntry(position, store().NextSequence(), TimeOf(position), std::move(events)));
  }

  static int64_t TimeOf(LogPosition position) {
    return kTestTimeUs + position * limits::kMicrosPerSecond;
  }

  std::vector<LogPosition> ReadPositions(LogPosition from) {
    std::vector<LogPosition> positions;
    EXPECT_TRUE(store()
                    .Read(from,
                          [&](const LogEntry& entry) {
                            positions.push_back(entry.position);
                            return absl::OkStatus();
                          })
                    .ok());
    return positions;
  }

  // The ids of all pages, in order.
  std::vector<std::string> ListIds(EventQuery query) {
    std::vector<std::string> ids;
    for (int pages = 0;; ++pages) {
      const absl::StatusOr<EventPage> page = store().List(query);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok() || pages == 10'000) {
        ADD_FAILURE() << "no end";
        return ids;
      }
      for (const auto& event : page->events) ids.push_back(event.id());
      if (!page->next_after) return ids;
      query.after_time_and_sequence = page->next_after;
    }
  }

  std::unique_ptr<ChunkStoreHarness> harness_;
};

inline bool AnyEvent(const lapse::v1::Event&) { return true; }

TEST_P(ChunkStoreContract, EmptyStoreStartsAtOne) {
  EXPECT_EQ(store().LastPosition(), 0);
  EXPECT_EQ(store().FirstPosition(), 1);
  EXPECT_EQ(store().NextSequence(), 1);
  EXPECT_EQ(store().LastMarkTimeUs(), 0);
  EXPECT_TRUE(ReadPositions(1).empty());
  EXPECT_TRUE(ListIds({.matches = AnyEvent}).empty());
}

TEST_P(ChunkStoreContract, EntriesComeBackAsAppendedAlsoAfterReopening) {
  LogEntry one =
      TestEntry(1, 1, kTestTimeUs, {TestEvent("a", "1"), TestEvent("b", "2", kTestTimeUs - 7)});
  one.controls.emplace_back().mutable_alert_close()->set_note("by hand");
  one.events[1].has_server_id = true;
  LogEntry two = TestEntry(2, 3, kTestTimeUs + 1, {});
  LogEntry three = TestEntry(3, 3, kTestTimeUs + 2, {TestEvent("c", "3")});
  for (const LogEntry* entry : {&one, &two, &three}) ASSERT_TRUE(store().Append(*entry).ok());
  for (int round = 0; round < 2; ++round) {
    size_t index = 0;
    const absl::Status status = store().Read(1, [&](const LogEntry& entry) {
      const std::vector<const LogEntry*> expected = {&one, &two, &three};
      EXPECT_TRUE(SameEntry(entry, *expected.at(index++)));
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(index, 3u);
    EXPECT_EQ(store().LastPosition(), 3);
    EXPECT_EQ(store().NextSequence(), 4);
    EXPECT_EQ(store().LastMarkTimeUs(), kTestTimeUs + 2);
    harness_->Reopen();
  }
}

TEST_P(ChunkStoreContract, ReadStartsWhereAskedAndStopsAtTheVisitorsError) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(AppendEvents({TestEvent(std::to_string(i), "k")}).ok());
  EXPECT_THAT(ReadPositions(8), testing::ElementsAre(8, 9, 10));
  EXPECT_TRUE(ReadPositions(11).empty());
  int visits = 0;
  const absl::Status status = store().Read(3, [&](const LogEntry&) {
    ++visits;
    return absl::AbortedError("enough");
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(visits, 1);
}

TEST_P(ChunkStoreContract, EntryOutOfTurnIsRefusedAndChangesNothing) {
  ASSERT_TRUE(AppendEvents({TestEvent("a", "1")}).ok());
  EXPECT_FALSE(store().Append(TestEntry(3, 2, kTestTimeUs, {})).ok());
  EXPECT_FALSE(store().Append(TestEntry(1, 2, kTestTimeUs, {})).ok());
  EXPECT_FALSE(store().Append(TestEntry(2, 3, kTestTimeUs, {})).ok());
  EXPECT_EQ(store().LastPosition(), 1);
  EXPECT_TRUE(AppendEvents({TestEvent("b", "1")}).ok());
}

TEST_P(ChunkStoreContract, RetireKeepsWhatIsNeededAndTheLastEntry) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(AppendEvents({TestEvent(std::to_string(i), "k")}).ok());
  ASSERT_TRUE(store().Retire(15, INT64_MIN).ok());
  EXPECT_EQ(store().FirstPosition(), 1) << "none was written before that time";
  ASSERT_TRUE(store().Retire(15, INT64_MAX).ok());
  EXPECT_LE(store().FirstPosition(), 15);
  ASSERT_TRUE(store().Retire(1'000, INT64_MAX).ok());
  EXPECT_LE(store().FirstPosition(), 20);
  EXPECT_EQ(store().LastPosition(), 20);
  harness_->Reopen();
  EXPECT_EQ(store().NextSequence(), 21);
  EXPECT_EQ(ReadPositions(store().FirstPosition()).back(), 20);
  EXPECT_TRUE(AppendEvents({TestEvent("x", "k")}).ok());
}

TEST_P(ChunkStoreContract, ReadBeforeTheFirstPositionIsOutOfRange) {
  ASSERT_TRUE(AppendEvents({TestEvent("a", "1")}).ok());
  const absl::Status status = store().Read(0, [](const LogEntry&) { return absl::OkStatus(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(DetailsOf(status).reason, "LOG_RETIRED");
}

TEST_P(ChunkStoreContract, DamagedEntryIsNamedByReadAndLeftOutByList) {
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(AppendEvents({TestEvent(std::to_string(i), "k")}).ok());
  harness_->Damage(2);
  std::vector<LogPosition> seen;
  const absl::Status status = store().Read(1, [&](const LogEntry& entry) {
    seen.push_back(entry.position);
    return absl::OkStatus();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DetailsOf(status).reason, "DATA_FOLDER_DAMAGED");
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("positions 2 to 2"));
  EXPECT_THAT(seen, testing::ElementsAre(1));
  EXPECT_THAT(ReadPositions(3), testing::ElementsAre(3));
  EXPECT_THAT(ListIds({.matches = AnyEvent}), testing::ElementsAre("1", "3"));
}

TEST_P(ChunkStoreContract, ListIsOrderedByReportedTimeThenSequence) {
  ASSERT_TRUE(
      AppendEvents({TestEvent("b", "k", kTestTimeUs + 20), TestEvent("d", "k", kTestTimeUs + 40)})
          .ok());
  ASSERT_TRUE(
      AppendEvents({TestEvent("a", "k", kTestTimeUs + 10), TestEvent("c", "k", kTestTimeUs + 20)})
          .ok());
  ASSERT_TRUE(AppendEvents({TestEvent("e", "k")}).ok());
  for (const int page_size : {1, 2, 3, 100}) {
    EXPECT_THAT(ListIds({.matches = AnyEvent, .page_size = page_size}),
                testing::ElementsAre("a", "b", "c", "d", "e"));
    EXPECT_THAT(ListIds({.matches = AnyEvent, .descending = true, .page_size = page_size}),
                testing::ElementsAre("e", "d", "c", "b", "a"));
  }
}

TEST_P(ChunkStoreContract, ListedEventsAreComplete) {
  ASSERT_TRUE(AppendEvents({TestEvent("a", "1"), TestEvent("b", "2", kTestTimeUs)}).ok());
  bool all_complete = true;
  const auto page = store().List({.matches = [&](const lapse::v1::Event& event) {
    all_complete =
        all_complete && event.has_ingest_time() && event.sequence() > 0 && event.has_occur_time();
    return true;
  }});
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE(all_complete);
  ASSERT_EQ(page->events.size(), 2u);
  EXPECT_EQ(page->events[0].sequence(), 2);
  EXPECT_EQ(ToMicros(page->events[0].occur_time()), kTestTimeUs);
  EXPECT_EQ(ToMicros(page->events[1].occur_time()), TimeOf(1));
  EXPECT_EQ(ToMicros(page->events[1].ingest_time()), TimeOf(1));
  EXPECT_FALSE(page->next_after.has_value());
}

TEST_P(ChunkStoreContract, ListIsNarrowedByTimeSequenceAndMatch) {
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(AppendEvents({TestEvent(std::to_string(i), "k", kTestTimeUs + i)}).ok());
  }
  EXPECT_THAT(
      ListIds(
          {.matches = AnyEvent, .min_time_us = kTestTimeUs + 5, .max_time_us = kTestTimeUs + 7}),
      testing::ElementsAre("5", "6", "7"));
  EXPECT_THAT(ListIds({.matches = AnyEvent,
                       .min_time_us = kTestTimeUs + 5,
                       .max_time_us = kTestTimeUs + 7,
                       .descending = true,
                       .page_size = 2}),
              testing::ElementsAre("7", "6", "5"));
  EXPECT_THAT(ListIds({.matches = AnyEvent, .max_sequence = 3, .page_size = 2}),
              testing::ElementsAre("0", "1", "2"));
  EXPECT_THAT(ListIds({.matches =
                           [](const lapse::v1::Event& e) {
                             return e.id().size() == 2 && e.id()[1] == '9';
                           }}),
              testing::ElementsAre("19", "29"));
}

TEST_P(ChunkStoreContract, ListByAttributeIsExactWhereverTheIndexBegins) {
  for (int i = 0; i < 40; ++i) {
    if (i == 10) store().SetIndexedAttributes({"order_id", "other"});
    if (i == 20) store().SetIndexedAttributes({"other"});
    if (i == 30) store().SetIndexedAttributes({"order_id"});
    if (i == 35) harness_->Reopen();
    ASSERT_TRUE(AppendEvents({TestEvent(std::to_string(i), i % 7 == 3 ? "wanted" : "not")}).ok());
  }
  int judged = 0;
  const auto wanted = [&](const lapse::v1::Event& event) {
    ++judged;
    return event.attributes().at("order_id").string_value() == "wanted";
  };
  const std::vector<std::string> expected = {"3", "10", "17", "24", "31", "38"};
  for (const bool descending : {false, true}) {
    for (const int page_size : {2, 100}) {
      std::vector<std::string> ids = ListIds({.matches = wanted,
                                              .attribute_equals = {{"order_id", "wanted"}},
                                              .descending = descending,
                                              .page_size = page_size});
      if (descending) std::reverse(ids.begin(), ids.end());
      EXPECT_EQ(ids, expected);
    }
  }
  judged = 0;
  EXPECT_THAT(ListIds({.matches = wanted,
                       .attribute_equals = {{"order_id", "none"}},
                       .min_time_us = TimeOf(11),
                       .max_time_us = TimeOf(20)}),
              testing::IsEmpty());
  EXPECT_EQ(judged, 0) << "the index tells that there is none";
}

TEST_P(ChunkStoreContract, PagesAreExactInAnyDisorder) {
  std::vector<std::pair<int64_t, std::string>> expected;
  uint64_t random = 1;
  for (int i = 0; i < 600; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const int64_t time_us = kTestTimeUs + static_cast<int64_t>(random >> 33) % 500;
    const std::string id = std::to_string(i);
    expected.emplace_back(time_us, id);
    ASSERT_TRUE(AppendEvents({TestEvent(id, "k", time_us)}).ok());
  }
  std::stable_sort(expected.begin(), expected.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> ids;
  for (const auto& [time, id] : expected) ids.push_back(id);
  EXPECT_EQ(ListIds({.matches = AnyEvent, .page_size = 37}), ids);
  std::reverse(ids.begin(), ids.end());
  EXPECT_EQ(ListIds({.matches = AnyEvent, .descending = true, .page_size = 37}), ids);
}

// Every chunk holds one event from long ago, so that only reading them all makes a first place
// certain.
TEST_P(ChunkStoreContract, ListComesForwardWhereEveryChunkReachesFarBack) {
  const int chunks = limits::kMaxListedChunks + 50;
  for (int i = 0; i < chunks; ++i) {
    ASSERT_TRUE(AppendEvents({TestEvent("old" + std::to_string(i), "k", kTestTimeUs),
                              TestEvent("new" + std::to_string(i), "k", kTestTimeUs + 1'000 + i)})
                    .ok());
  }
  const std::vector<std::string> ids = ListIds({.matches = AnyEvent, .page_size = 100});
  ASSERT_EQ(ids.size(), 2u * chunks);
  EXPECT_EQ(ids.front(), "old0");
  EXPECT_EQ(ids[chunks], "new0");
  EXPECT_EQ(ids.back(), "new" + std::to_string(chunks - 1));
}

TEST_P(ChunkStoreContract, ScanWithoutAMatchStopsAtItsBudgetAndEnds) {
  const int chunks = limits::kMaxListedChunks * 2 + 10;
  for (int i = 0; i < chunks; ++i)
    ASSERT_TRUE(AppendEvents({TestEvent(std::to_string(i), "k")}).ok());
  int judged = 0;
  const auto none = [&](const lapse::v1::Event&) {
    ++judged;
    return false;
  };
  EventQuery query{.matches = none};
  int pages = 0;
  for (;; ++pages) {
    const auto page = store().List(query);
    ASSERT_TRUE(page.ok());
    EXPECT_TRUE(page->events.empty());
    if (!page->next_after) break;
    query.after_time_and_sequence = page->next_after;
    ASSERT_LT(pages, 10);
  }
  EXPECT_EQ(judged, chunks);
  // Chunks that were merged may all be within one budget.
  if (!harness_->Merges()) {
    EXPECT_GE(pages, 2);
  }
}

TEST_P(ChunkStoreContract, SeedStaysTheSame) {
  const uint64_t seed = store().Seed();
  harness_->Reopen();
  EXPECT_EQ(store().Seed(), seed);
}

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_CHUNK_STORE_CONTRACT_H_
