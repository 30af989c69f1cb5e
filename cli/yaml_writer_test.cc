#include "cli/yaml_writer.h"

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "lapse/v1/event.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "lapse/v1/notifier.pb.h"

namespace lapse::cli {
namespace {

template <typename Message>
Message Parse(const char* text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

TEST(WriteYaml, WritesAnEventWithScalarAttributes) {
  const auto event = Parse<lapse::v1::Event>(R"(
      id: "17" source: "checkout" type: "order_created"
      occur_time { seconds: 1732264387 nanos: 500000000 }
      attributes { key: "paid" value { bool_value: true } }
      attributes { key: "amount" value { double_value: 12 } }
      attributes { key: "order_id" value { string_value: "A-17" } }
      attributes { key: "store" value { string_value: "42" } }
      attributes { key: "items" value { int64_value: 42 } }
      sequence: 5)");
  EXPECT_EQ(WriteYaml(event),
            "id: \"17\"\n"
            "source: checkout\n"
            "type: order_created\n"
            "occur_time: 2024-11-22T08:33:07.500Z\n"
            "attributes:\n"
            "  amount: 12.0\n"
            "  items: 42\n"
            "  order_id: A-17\n"
            "  paid: true\n"
            "  store: \"42\"\n"
            "sequence: 5\n");
}

TEST(WriteYaml, NestsMessagesAndLists) {
  const auto delivery = Parse<lapse::v1::Delivery>(R"(
      name: "notifiers/ops/deliveries/1" state: STATE_SENT
      tries { start_time { seconds: 1 } error: "451 try later" status_code: 451 }
      tries { start_time { seconds: 2 } status_code: 250 }
      try_count: 2)");
  EXPECT_EQ(WriteYaml(delivery),
            "name: notifiers/ops/deliveries/1\n"
            "state: SENT\n"
            "tries:\n"
            "  - start_time: 1970-01-01T00:00:01Z\n"
            "    error: \"451 try later\"\n"
            "    status_code: 451\n"
            "  - start_time: 1970-01-01T00:00:02Z\n"
            "    status_code: 250\n"
            "try_count: 2\n");
}

TEST(WriteYaml, WritesDurationsAndEnumsShort) {
  const auto follow_up = Parse<lapse::v1::FollowUp>(R"(
      primary { event_type: "a" key_attribute: "k" }
      cancel {}
      within { seconds: 5400 }
      on_repeat: ON_REPEAT_STACK)");
  EXPECT_EQ(WriteYaml(follow_up, {.indent = 2}),
            "  primary:\n"
            "    event_type: a\n"
            "    key_attribute: k\n"
            "  cancel: {}\n"
            "  within: 1h30m\n"
            "  on_repeat: STACK\n");
}

TEST(WriteYaml, WritesZeroCountersWhereAsked) {
  const auto stats = Parse<lapse::v1::MonitorStats>("monitor: \"monitors/a\" met: 3");
  EXPECT_EQ(WriteYaml(stats), "monitor: monitors/a\nmet: 3\n");
  const std::string yaml = WriteYaml(stats, {.zeros = true});
  EXPECT_NE(yaml.find("met: 3\nlate: 0\nmissed: 0\n"), std::string::npos) << yaml;
}

TEST(YamlString, QuotesWhatWouldReadAsSomethingElse) {
  const struct {
    const char* text;
    const char* yaml;
  } cases[] = {
      {"order_created", "order_created"},
      {"order delivered", "order delivered"},
      {"", "\"\""},
      {"17", "\"17\""},
      {"true", "\"true\""},
      {"No", "\"No\""},
      {"null", "\"null\""},
      {"Infinity", "\"Infinity\""},
      {"nan", "\"nan\""},
      {"-", "\"-\""},
      {"a: b", "\"a: b\""},
      {"a #b", "\"a #b\""},
      {" a", "\" a\""},
      {"a ", "\"a \""},
      {"a\nb", "\"a\\nb\""},
      {"a\"b\\", "\"a\\\"b\\\\\""},
      {"\x1b", "\"\\x1B\""},
      {"Zürich", "\"Zürich\""},
      {"2024-11-22", "\"2024-11-22\""},
  };
  for (const auto& c : cases) EXPECT_EQ(YamlString(c.text), c.yaml);
}

}  // namespace
}  // namespace lapse::cli
