#include "base/filter/event_fields.h"

#include <string>
#include <vector>

#include "base/filter/filter.h"
#include "base/proto_time.h"
#include "gtest/gtest.h"
#include "lapse/v1/event.pb.h"

namespace lapse {
namespace {

constexpr int64_t kTimeUs = 1'714'521'600'000'000;  // 2024-05-01T00:00:00Z

lapse::v1::Event SampleEvent() {
  lapse::v1::Event event;
  event.set_id("e-1");
  event.set_source("checkout");
  event.set_type("order_created");
  (*event.mutable_attributes())["city"].set_string_value("Pune");
  (*event.mutable_attributes())["vip"].set_bool_value(true);
  (*event.mutable_attributes())["amount"].set_int64_value(150);
  (*event.mutable_attributes())["weight"].set_double_value(1.5);
  return event;
}

bool Matches(absl::string_view text, const EventFields& fields) {
  return Filter::Parse(text, EventSchema()).value().Matches(fields);
}

TEST(EventFieldsTest, EveryFieldIsRead) {
  const lapse::v1::Event event = SampleEvent();
  const EventFields fields(event, 17, kTimeUs);
  for (const std::string& filter : std::vector<std::string>{
           "id = e-1", "source = checkout", "type = order_created", "sequence = 17",
           "ingest_time = 2024-05-01T00:00:00Z", "occur_time = 2024-05-01T00:00:00Z",
           "attributes.city = Pune", "attributes.vip = true", "attributes.amount > 100",
           "attributes.weight < 2", "attributes:city", "attributes:*"}) {
    EXPECT_TRUE(Matches(filter, fields)) << filter;
  }
  EXPECT_FALSE(Matches("attributes.none:*", fields));
  EXPECT_FALSE(Matches("sequence = 18", fields));
}

TEST(EventFieldsTest, OccurTimeIsTheReportedOneWhereGiven) {
  lapse::v1::Event event = SampleEvent();
  SetTimestamp(kTimeUs - 1, event.mutable_occur_time());
  EXPECT_TRUE(Matches("occur_time < 2024-05-01T00:00:00Z", EventFields(event, 1, kTimeUs)));
}

TEST(EventFieldsTest, ACompleteEventCarriesItsOwnSequenceAndIngestTime) {
  lapse::v1::Event event = SampleEvent();
  event.set_sequence(5);
  SetTimestamp(kTimeUs, event.mutable_ingest_time());
  EXPECT_TRUE(
      Matches("sequence = 5 AND ingest_time = 2024-05-01T00:00:00Z AND "
              "occur_time = 2024-05-01T00:00:00Z",
              EventFields(event)));
}

TEST(EventFieldsTest, AnEventWithoutAttributesHasNone) {
  lapse::v1::Event event;
  event.set_type("t");
  (*event.mutable_attributes())["unset"];
  EXPECT_FALSE(Matches("attributes.unset:*", EventFields(event, 1, 1)));
  event.clear_attributes();
  EXPECT_FALSE(Matches("attributes:*", EventFields(event, 1, 1)));
}

}  // namespace
}  // namespace lapse
