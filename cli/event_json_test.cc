#include "cli/event_json.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"

namespace lapse::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Attribute(const std::string& json) {
  lapse::v1::Event event;
  const absl::Status status =
      ParseEventJson("{\"type\":\"t\",\"attributes\":{\"a\":" + json + "}}", &event);
  return status.ok() ? event.attributes().at("a").ShortDebugString()
                     : std::string(status.message());
}

TEST(ParseEventJson, ReadsPlainAttributes) {
  const struct {
    const char* json;
    const char* value;
  } cases[] = {
      {R"("A-17")", "string_value: \"A-17\""},
      {R"("17")", "string_value: \"17\""},
      {R"("a\"}, {:\\")", R"(string_value: "a\"}, {:\\")"},
      {R"("\u00e9")", "string_value: \"\\303\\251\""},
      {R"("")", "string_value: \"\""},
      {"12", "int64_value: 12"},
      {"-12", "int64_value: -12"},
      {"9007199254740993", "int64_value: 9007199254740993"},
      {"12.5", "double_value: 12.5"},
      {"12.0", "double_value: 12"},
      {"1e3", "double_value: 1000"},
      {"true", "bool_value: true"},
      {"false", "bool_value: false"},
      {R"({"stringValue":"x"})", "string_value: \"x\""},
      {R"({ "int64_value" : "5" })", "int64_value: 5"},
  };
  for (const auto& c : cases) EXPECT_EQ(Attribute(c.json), c.value) << c.json;
}

TEST(ParseEventJson, ReadsAllFieldsWithSpacesBetween) {
  lapse::v1::Event event;
  const absl::Status status = ParseEventJson(
      " { \"id\" : \"1\" , \"source\":\"attributes\", \"type\":\"t\",\n"
      " \"occur_time\" : \"2024-11-22T08:33:07.5Z\",\n"
      " \"attributes\" : { \"a\" : 1 , \"b\":{\"doubleValue\":2}, \"c\" : \"x\" } } ",
      &event);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(event.id(), "1");
  EXPECT_EQ(event.source(), "attributes");
  EXPECT_EQ(event.occur_time().seconds(), 1'732'264'387);
  EXPECT_EQ(event.occur_time().nanos(), 500'000'000);
  EXPECT_EQ(event.attributes().at("a").int64_value(), 1);
  EXPECT_EQ(event.attributes().at("b").double_value(), 2);
  EXPECT_EQ(event.attributes().at("c").string_value(), "x");
}

TEST(ParseEventJson, AnEventMayHaveNoAttributes) {
  lapse::v1::Event event;
  EXPECT_TRUE(ParseEventJson("{\"type\":\"t\",\"attributes\":{}}", &event).ok());
  EXPECT_TRUE(ParseEventJson("{\"type\":\"t\"}", &event).ok());
  EXPECT_TRUE(ParseEventJson("{}", &event).ok());
}

TEST(ParseEventJson, RefusesWhatIsNoEvent) {
  for (const char* line : {"",
                           "{",
                           "}",
                           "[",
                           "x",
                           "\"",
                           "{\"type\"",
                           "{\"type\":",
                           "{\"type\":\"t\"",
                           "[1,2]",
                           "{\"type\":\"t\"} {\"type\":\"t\"}",
                           "{\"tpye\":\"t\"}",
                           "{\"type\":5,}",
                           "{\"attributes\":{\"a\":[1]}}",
                           "{\"attributes\":{\"a\":{\"b\":1}}}",
                           "{\"attributes\":{\"a\":99999999999999999999}}",
                           "{\"attributes\":[\"a\"]}",
                           "{\"occurTime\":\"yesterday\"}",
                           "{\"attributes\":{\"a\":\"\\",
                           "{{{{{{{{",
                           "{\"\\\":1}"}) {
    lapse::v1::Event event;
    const absl::Status status = ParseEventJson(line, &event);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << line;
    EXPECT_THAT(std::string(status.message()), HasSubstr("not an event in JSON: "));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("\n")));
  }
}

}  // namespace
}  // namespace lapse::cli
