#include "bench/load/event_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/proto_time.h"
#include "lapse/v1/event_service.pb.h"

namespace lapse::bench {
namespace {

constexpr int64_t kNowUs = 1'790'000'000 * limits::kMicrosPerSecond + 700'000;

EventPool MakePool(const PoolOptions& options) {
  auto pool = EventPool::Make(options);
  EXPECT_TRUE(pool.ok()) << pool.status();
  return *std::move(pool);
}

std::vector<lapse::v1::Event> Events(EventPool& pool, size_t index) {
  lapse::v1::IngestEventStreamRequest request;
  EXPECT_TRUE(request.ParseFromString(std::string(pool.RenewBatch(index, 0, kNowUs))));
  return {request.events().begin(), request.events().end()};
}

int64_t BatchNumber(EventPool& pool, int64_t number) {
  lapse::v1::IngestEventStreamRequest request;
  EXPECT_TRUE(request.ParseFromString(std::string(pool.RenewBatch(0, number, kNowUs))));
  return request.batch_number();
}

std::string Key(const lapse::v1::Event& event) {
  for (const char* name : {"order_id", "payment_id"}) {
    const auto found = event.attributes().find(name);
    if (found != event.attributes().end()) return found->second.ShortDebugString();
  }
  return "";
}

TEST(EventPoolTest, EveryEventOfEveryRoundHasAnIdOfItsOwn) {
  for (const IdForm form : {IdForm::kUuid4, IdForm::kUuid7, IdForm::kShort}) {
    EventPool pool = MakePool({.ids = form, .batches = 3, .batch_events = 200});
    std::set<std::string> ids;
    for (int round = 0; round < 3; ++round) {
      for (size_t i = 0; i < pool.batches(); ++i) {
        for (const lapse::v1::Event& event : Events(pool, i)) ids.insert(event.id());
      }
    }
    EXPECT_EQ(ids.size(), 3u * 3 * 200);
    for (const std::string& id : ids) EXPECT_EQ(id.size(), form == IdForm::kShort ? 10u : 36u);
  }
}

TEST(EventPoolTest, UuidsSayTheirVersion) {
  EventPool four = MakePool({.ids = IdForm::kUuid4, .batches = 1, .batch_events = 50});
  EventPool seven = MakePool({.ids = IdForm::kUuid7, .batches = 1, .batch_events = 50});
  for (const lapse::v1::Event& event : Events(four, 0)) EXPECT_EQ(event.id()[14], '4');
  for (const lapse::v1::Event& event : Events(seven, 0)) {
    EXPECT_EQ(event.id()[14], '7');
    EXPECT_EQ(event.id().substr(0, 8) + event.id().substr(9, 4), "01a0c4506ebc") << event.id();
  }
}

TEST(EventPoolTest, KeysOfALaterRoundAreOthersAndPairUpAsBefore) {
  EventPool pool = MakePool({.batches = 2, .batch_events = 500});
  const std::vector<lapse::v1::Event> first = Events(pool, 0);
  const std::vector<lapse::v1::Event> second = Events(pool, 0);
  std::set<std::string> first_keys;
  std::set<std::string> second_keys;
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].type(), second[i].type());
    const std::string key = Key(first[i]);
    if (key.empty()) continue;
    EXPECT_NE(key, Key(second[i]));
    first_keys.insert(key);
    second_keys.insert(Key(second[i]));
  }
  EXPECT_EQ(first_keys.size(), second_keys.size());
  EXPECT_LT(first_keys.size(), 500u);
  for (const std::string& key : first_keys) EXPECT_EQ(second_keys.count(key), 0u) << key;
}

TEST(EventPoolTest, EventsHappenWhenTheyAreSentLessTheirDelay) {
  EventPool pool = MakePool({.batches = 1, .batch_events = 1'000});
  for (const lapse::v1::Event& event : Events(pool, 0)) {
    EXPECT_LE(ToMicros(event.occur_time()), kNowUs);
    EXPECT_GE(ToMicros(event.occur_time()), kNowUs - 2 * limits::kMicrosPerSecond);
  }
}

TEST(EventPoolTest, OpenEventsHaveOneTypeAndKeysOfSixteenBytes) {
  EventPool pool = MakePool({.profile = Profile::kOpen,
                             .batches = 2,
                             .batch_events = 100,
                             .open_type = "promised",
                             .open_second = 1'790'000'123});
  std::set<std::string> keys;
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < 2; ++i) {
      for (const lapse::v1::Event& event : Events(pool, i)) {
        EXPECT_EQ(event.type(), "promised");
        EXPECT_EQ(event.occur_time().seconds(), 1'790'000'123);
        EXPECT_EQ(event.attributes().at("order_id").string_value().size(), 16u);
        keys.insert(event.attributes().at("order_id").string_value());
      }
    }
  }
  EXPECT_EQ(keys.size(), 400u);
}

TEST(EventPoolTest, BatchNumbersRise) {
  EventPool pool = MakePool({.batches = 1, .batch_events = 10});
  const int64_t first = BatchNumber(pool, 1);
  EXPECT_EQ(BatchNumber(pool, 2), first + 1);
  EXPECT_EQ(BatchNumber(pool, 100'000), first + 99'999);
}

TEST(EventPoolTest, EveryEventIsARequestOfItsOwnToo) {
  EventPool pool = MakePool({.batches = 2, .batch_events = 5});
  std::set<std::string> ids;
  for (int i = 0; i < 30; ++i) {
    lapse::v1::IngestEventRequest request;
    ASSERT_TRUE(request.ParseFromString(std::string(pool.NextEvent(kNowUs))));
    EXPECT_FALSE(request.event().type().empty());
    ids.insert(request.event().id());
  }
  EXPECT_EQ(ids.size(), 30u);
}

TEST(EventPoolTest, AFirstKeyOutOfRangeIsRefused) {
  EXPECT_EQ(EventPool::Make({.first_key = 5}).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace lapse::bench
