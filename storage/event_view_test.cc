#include "storage/event_view.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "lapse/v1/event.pb.h"

namespace lapse::storage {
namespace {

using lapse::v1::Event;
using lapse::v1::Value;

Value StringValue() {
  Value value;
  value.set_string_value("x");
  return value;
}
Value Int64Value() {
  Value value;
  value.set_int64_value(7);
  return value;
}
Value BoolValue() {
  Value value;
  value.set_bool_value(true);
  return value;
}
Value DoubleValue() {
  Value value;
  value.set_double_value(0.5);
  return value;
}

using Attributes = std::vector<std::pair<std::string, Value>>;

// With its attributes on the wire in the order given.
uint64_t ShapeOf(const std::string& type, const Attributes& attributes) {
  Event event;
  event.set_id("1");
  event.set_source("here");
  event.set_type(type);
  std::string bytes = event.SerializeAsString();
  for (const auto& [name, value] : attributes) {
    Event one;
    (*one.mutable_attributes())[name] = value;
    one.AppendToString(&bytes);
  }
  EventView view;
  EXPECT_TRUE(EventView::Scan(bytes, &view));
  return view.shape();
}

TEST(EventViewTest, EventsOfOneTypeAndTheSameAttributesAreOfOneShape) {
  EXPECT_EQ(ShapeOf("t", {{"a", StringValue()}, {"b", Int64Value()}}),
            ShapeOf("t", {{"b", Int64Value()}, {"a", StringValue()}}));
  EXPECT_EQ(ShapeOf("t", {}), ShapeOf("t", {}));
}

// Names that differ in a byte or two, and kinds that do: what is told apart by a shape alone would
// be missing in the list of types.
TEST(EventViewTest, OthersAreNot) {
  const std::vector<std::pair<uint64_t, uint64_t>> pairs = {
      {ShapeOf("t", {{"val1", StringValue()}}), ShapeOf("t", {{"val3", Int64Value()}})},
      {ShapeOf("t", {{"tag2", StringValue()}}), ShapeOf("t", {{"tag1", BoolValue()}})},
      {ShapeOf("t", {{"leg5_km", StringValue()}}), ShapeOf("t", {{"leg0_km", DoubleValue()}})},
      {ShapeOf("deliveryfinished", {}), ShapeOf("deliverfinished", {})},
      {ShapeOf("t", {{"a", StringValue()}, {"b", Int64Value()}}),
       ShapeOf("t", {{"a", Int64Value()}, {"b", StringValue()}})},
      {ShapeOf("t", {{"a", StringValue()}}), ShapeOf("t", {})},
      {ShapeOf("a", {{"b", StringValue()}}), ShapeOf("b", {{"a", StringValue()}})},
  };
  for (size_t i = 0; i < pairs.size(); ++i) EXPECT_NE(pairs[i].first, pairs[i].second) << i;
}

// All short names of two letters with every kind.
TEST(EventViewTest, ShapesOfManyShortNamesAreAllDifferent) {
  std::map<uint64_t, std::string> seen;
  const std::vector<Value> kinds = {StringValue(), Int64Value(), BoolValue(), DoubleValue()};
  for (char first = 'a'; first <= 'z'; ++first) {
    for (char second = '0'; second <= '9'; ++second) {
      for (size_t kind = 0; kind < kinds.size(); ++kind) {
        const std::string name = {'n', first, second};
        const auto [at, is_new] = seen.try_emplace(ShapeOf("t", {{name, kinds[kind]}}),
                                                   name + " " + std::to_string(kind));
        EXPECT_TRUE(is_new) << name << " " << kind << " is as " << at->second;
      }
    }
  }
}

}  // namespace
}  // namespace lapse::storage
