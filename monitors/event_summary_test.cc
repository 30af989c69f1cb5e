#include "monitors/event_summary.h"

#include <string>

#include "base/limits.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "gtest/gtest.h"
#include "lapse/v1/monitor.pb.h"
#include "storage/event_batch.h"

namespace lapse::monitors {
namespace {

lapse::v1::Event MakeEvent() {
  lapse::v1::Event event;
  event.set_id("e-1");
  event.set_source("checkout");
  event.set_type("order_created");
  event.mutable_occur_time()->set_seconds(1'700'000'000);
  event.mutable_occur_time()->set_nanos(5'000);
  (*event.mutable_attributes())["order_id"].set_string_value("A-17");
  (*event.mutable_attributes())["amount"].set_double_value(12.5);
  (*event.mutable_attributes())["count"].set_int64_value(-3);
  (*event.mutable_attributes())["express"].set_bool_value(true);
  return event;
}

std::string Summarize(const lapse::v1::Event& event, int64_t sequence, int64_t receive_time_us) {
  return SummarizeEvent(storage::EventBatch::Of(event).events()[0], sequence, receive_time_us);
}

lapse::v1::EventSummary Parse(const std::string& bytes) {
  lapse::v1::EventSummary summary;
  EXPECT_TRUE(summary.ParseFromString(bytes));
  return summary;
}

std::string DeterministicBytes(const lapse::v1::EventSummary& summary) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    summary.SerializeToCodedStream(&out);
  }
  return bytes;
}

TEST(EventSummary, CopiesTheEvent) {
  const lapse::v1::EventSummary summary =
      Parse(Summarize(MakeEvent(), 42, 1'700'000'001'000'002));
  EXPECT_EQ(summary.sequence(), 42);
  EXPECT_EQ(summary.id(), "e-1");
  EXPECT_EQ(summary.source(), "checkout");
  EXPECT_EQ(summary.type(), "order_created");
  EXPECT_EQ(summary.occur_time().seconds(), 1'700'000'000);
  EXPECT_EQ(summary.occur_time().nanos(), 5'000);
  EXPECT_EQ(summary.ingest_time().seconds(), 1'700'000'001);
  EXPECT_EQ(summary.ingest_time().nanos(), 2'000);
  EXPECT_EQ(summary.attributes_size(), 4);
  EXPECT_EQ(summary.attributes().at("order_id").string_value(), "A-17");
  EXPECT_EQ(summary.attributes().at("count").int64_value(), -3);
  EXPECT_EQ(summary.omitted_attribute_count(), 0);
}

TEST(EventSummary, IsWhatProtobufWritesDeterministically) {
  const std::string bytes = Summarize(MakeEvent(), 42, 1'700'000'001'000'002);
  EXPECT_EQ(bytes, DeterministicBytes(Parse(bytes)));
}

TEST(EventSummary, DoesNotDependOnTheOrderOfAttributes) {
  lapse::v1::Event forward, backward;
  for (int i = 0; i < 40; ++i) {
    (*forward.mutable_attributes())[std::to_string(i)].set_int64_value(i);
    (*backward.mutable_attributes())[std::to_string(39 - i)].set_int64_value(39 - i);
  }
  EXPECT_EQ(Summarize(forward, 1, 2), Summarize(backward, 1, 2));
}

TEST(EventSummary, AttributesThatDoNotFitAreLeftOutAndCounted) {
  lapse::v1::Event event = MakeEvent();
  (*event.mutable_attributes())["blob"].set_string_value(std::string(4'096, 'x'));
  (*event.mutable_attributes())["half"].set_string_value(std::string(600, 'x'));
  (*event.mutable_attributes())["other half"].set_string_value(std::string(600, 'x'));
  const std::string bytes = Summarize(event, 1, 2);
  const lapse::v1::EventSummary summary = Parse(bytes);
  EXPECT_LE(bytes.size(), limits::kMaxEventSummaryBytes);
  EXPECT_EQ(summary.omitted_attribute_count(), 2);
  EXPECT_TRUE(summary.attributes().contains("half"));
  EXPECT_TRUE(summary.attributes().contains("order_id")) << "a small one after a large one fits";
}

TEST(EventSummary, TheLargestEventStaysWithinTheLimit) {
  lapse::v1::Event event;
  event.set_id(std::string(limits::kMaxEventIdBytes, 'i'));
  event.set_source(std::string(limits::kMaxSourceBytes, 's'));
  event.set_type(std::string(limits::kMaxEventTypeBytes, 't'));
  for (size_t i = 0; i < limits::kMaxAttributes; ++i) {
    std::string name = std::to_string(i);
    name.resize(limits::kMaxAttributeNameBytes, 'n');
    (*event.mutable_attributes())[name].set_string_value("v");
  }
  const std::string bytes = Summarize(event, INT64_MAX, INT64_MAX / 2);
  EXPECT_LE(bytes.size(), limits::kMaxEventSummaryBytes);
  const lapse::v1::EventSummary summary = Parse(bytes);
  EXPECT_EQ(summary.id().size(), limits::kMaxEventIdBytes);
  EXPECT_GT(summary.attributes_size(), 0);
  EXPECT_EQ(summary.attributes_size() + summary.omitted_attribute_count(),
            static_cast<int>(limits::kMaxAttributes));
}

TEST(EventSummary, ItsNamesAreFoundInIt) {
  const std::string bytes = Summarize(MakeEvent(), 42, 1);
  const auto names = NamesOfSummary(bytes);
  ASSERT_TRUE(names.has_value());
  EXPECT_EQ(names->id, "e-1");
  EXPECT_EQ(names->source, "checkout");
  EXPECT_GE(names->id.data(), bytes.data());
}

TEST(EventSummary, AnEmptySourceIsFoundEmpty) {
  lapse::v1::Event event = MakeEvent();
  event.clear_source();
  const auto names = NamesOfSummary(Summarize(event, 300, 1));
  ASSERT_TRUE(names.has_value());
  EXPECT_EQ(names->source, "");
}

TEST(EventSummary, OtherBytesHaveNoNames) {
  for (const std::string& bytes :
       {std::string(), std::string("x"), std::string("\x08"), std::string("\x08\x01\x12\x05zz"),
        std::string("\x08\x01\x12\xff"), std::string(2'000, '\x08')}) {
    EXPECT_FALSE(NamesOfSummary(bytes).has_value());
  }
}

}  // namespace
}  // namespace lapse::monitors
