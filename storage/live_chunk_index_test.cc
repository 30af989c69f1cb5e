#include "storage/live_chunk_index.h"

#include <thread>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/chunk_index.h"

namespace lapse::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kSeed = 3;

bool AnyEvent(const lapse::v1::Event&) { return true; }

uint32_t Of(const std::string& attribute, const std::string& text) {
  return SealedFingerprint(IndexFingerprint(kSeed, attribute, text));
}

// Of times position * 10 to position * 10 + 9.
LiveChunk Chunk(LogPosition position, std::shared_ptr<const IndexedAttributes> indexed,
                std::vector<uint32_t> fingerprints) {
  return {{position, position * 10, position * 10 + 9},
          position * 100,
          std::move(indexed),
          std::move(fingerprints)};
}

std::vector<LogPosition> Find(const LiveChunkIndex& index, const EventQuery& query,
                              LogPosition last = INT64_MAX) {
  std::vector<LogPosition> positions;
  for (const ChunkSummary& chunk :
       index.Find(kSeed, query, query.min_time_us, query.max_time_us, last))
    positions.push_back(chunk.position);
  return positions;
}

class LiveChunkIndexTest : public testing::Test {
 protected:
  LiveChunkIndexTest() {
    const auto orders = std::make_shared<const IndexedAttributes>(IndexedAttributes{"order_id"});
    index_.Add(Chunk(1, orders, {Of("order_id", "A"), Of("order_id", "B")}));
    index_.Add(Chunk(2, nullptr, {}));
    index_.Add(Chunk(3, orders, {Of("order_id", "B"), Of("order_id", "B")}));
  }

  LiveChunkIndex index_;
};

TEST_F(LiveChunkIndexTest, FindsByValueAndTakesWhatIsNotIndexed) {
  EXPECT_THAT(Find(index_, {.matches = AnyEvent}), ElementsAre(1, 2, 3));
  EXPECT_THAT(Find(index_, {.matches = AnyEvent, .attribute_equals = {{"order_id", "A"}}}),
              ElementsAre(1, 2));
  EXPECT_THAT(Find(index_, {.matches = AnyEvent, .attribute_equals = {{"order_id", "C"}}}),
              ElementsAre(2));
  EXPECT_THAT(Find(index_, {.matches = AnyEvent, .attribute_equals = {{"city", "A"}}}),
              ElementsAre(1, 2, 3));
}

TEST_F(LiveChunkIndexTest, LooksAtTimesSequencesAndTheLastPosition) {
  EXPECT_THAT(Find(index_, {.matches = AnyEvent, .min_time_us = 19, .max_time_us = 20}),
              ElementsAre(1, 2));
  EXPECT_THAT(Find(index_, {.matches = AnyEvent, .max_sequence = 199}), ElementsAre(1));
  EXPECT_THAT(Find(index_, {.matches = AnyEvent}, 2), ElementsAre(1, 2));
  EXPECT_THAT(Find(index_, {.matches = AnyEvent, .min_time_us = 40}), IsEmpty());
}

TEST_F(LiveChunkIndexTest, TellsItsSizeAndAttributes) {
  EXPECT_EQ(index_.bytes(), 16);
  EXPECT_THAT(index_.Attributes(), ElementsAre("order_id"));
}

TEST_F(LiveChunkIndexTest, FindsWhileChunksAreAdded) {
  std::thread writer([&] {
    for (LogPosition position = 4; position < 2'000; ++position) {
      index_.Add(Chunk(position, nullptr, {1, 2, 3}));
    }
  });
  size_t least = 3;
  while (least < 1'999) {
    const size_t found = Find(index_, {.matches = AnyEvent}).size();
    EXPECT_GE(found, least);
    least = found;
  }
  writer.join();
}

}  // namespace
}  // namespace lapse::storage
