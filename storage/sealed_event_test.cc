#include "storage/sealed_event.h"

#include <random>

#include "base/proto_time.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "lapse/v1/event.pb.h"

namespace lapse::storage {
namespace {

using google::protobuf::util::MessageDifferencer;
using lapse::v1::Event;

Event Order() {
  Event event;
  event.set_id("id-1");
  event.set_source("checkout");
  event.set_type("order_created");
  SetTimestamp(1'700'000'000'123'456, event.mutable_occur_time());
  auto& attributes = *event.mutable_attributes();
  attributes["order_id"].set_string_value("A-17");
  attributes["express"].set_bool_value(false);
  attributes["eta"].set_int64_value(-5);
  attributes["amount"].set_double_value(12.5);
  attributes[""].set_string_value("");
  return event;
}

bool TakenApart(const std::string& wire) {
  SealedFields fields;
  return TakeApart(wire, &fields);
}

void ExpectSame(const Event& event) {
  SealedFields fields;
  const std::string wire = event.SerializeAsString();
  ASSERT_TRUE(TakeApart(wire, &fields)) << event.DebugString();
  std::string again;
  PutTogether(fields, &again);
  Event parsed;
  ASSERT_TRUE(parsed.ParseFromString(again));
  EXPECT_TRUE(MessageDifferencer::Equals(parsed, event)) << parsed.DebugString();
}

TEST(SealedEventTest, EveryFieldComesBack) {
  ExpectSame(Order());
  ExpectSame(Event());
  Event event = Order();
  event.mutable_occur_time()->Clear();
  ExpectSame(event);
  for (const int64_t time_us : {1ll, 999'999ll, 1'000'000ll, -1ll, -1'000'001ll}) {
    event.mutable_occur_time()->set_seconds((time_us - 999'999) / 1'000'000);
    event.mutable_occur_time()->set_nanos(7'000);
    ExpectSame(event);
  }
}

TEST(SealedEventTest, WhatTheFieldsDoNotTellIsNotTakenApart) {
  Event finer = Order();
  finer.mutable_occur_time()->set_nanos(123'456'789);
  EXPECT_FALSE(TakenApart(finer.SerializeAsString()));
  Event stored = Order();
  stored.set_sequence(7);
  EXPECT_FALSE(TakenApart(stored.SerializeAsString()));
  Event valueless = Order();
  (*valueless.mutable_attributes())["none"];
  EXPECT_FALSE(TakenApart(valueless.SerializeAsString()));
  const std::string wire = Order().SerializeAsString();
  EXPECT_TRUE(TakenApart(wire));
  EXPECT_FALSE(TakenApart(wire + wire)) << "fields that come twice";
  Event unknown = Order();
  unknown.GetReflection()->MutableUnknownFields(&unknown)->AddVarint(99, 1);
  EXPECT_FALSE(TakenApart(unknown.SerializeAsString()));
  Event inner = Order();
  auto& value = (*inner.mutable_attributes())["order_id"];
  value.GetReflection()->MutableUnknownFields(&value)->AddLengthDelimited(9, "x");
  EXPECT_FALSE(TakenApart(inner.SerializeAsString()));
}

// Either it is refused, or what is put together again parses to the same.
TEST(SealedEventTest, ChangedBytesAreRefusedOrUnderstoodAsProtobufDoes) {
  std::mt19937_64 random(1);
  const std::string whole = Order().SerializeAsString();
  int understood = 0;
  for (int round = 0; round < 100'000; ++round) {
    std::string wire = whole;
    for (uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      wire[random() % wire.size()] =
          static_cast<char>(random() % 4 == 0 ? random() : random() % 64);
    }
    if (random() % 4 == 0) wire.resize(random() % wire.size());
    SealedFields fields;
    if (!TakeApart(wire, &fields)) continue;
    std::string again;
    PutTogether(fields, &again);
    Event expected, parsed;
    const bool parses = expected.ParseFromString(wire);
    // Invalid UTF-8 is refused by both parses.
    ASSERT_EQ(parsed.ParseFromString(again), parses);
    if (!parses) continue;
    ++understood;
    ASSERT_EQ(parsed.SerializePartialAsString().size(), expected.SerializePartialAsString().size());
    ASSERT_TRUE(MessageDifferencer::Equals(parsed, expected))
        << parsed.DebugString() << expected.DebugString();
  }
  EXPECT_GT(understood, 1'000);
}

}  // namespace
}  // namespace lapse::storage
