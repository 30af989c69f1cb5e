#include "cli/resource_file.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/yaml_writer.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"

namespace lapse::cli {
namespace {

using ::testing::HasSubstr;

constexpr char kMonitor[] = R"(# The first monitor of the walkthrough.
kind: Monitor
id: order-delivered
display_name: order delivered
severity: critical
labels:
  team: fulfilment
notifiers: [ops]
follow_up:
  primary: {event_type: order_created, key_attribute: order_id}
  secondary:
    event_type: order_delivered
    key_attribute: order_id
    filter: 'attributes.city = "Pune"'
  within: 45m
  grace: 1m30s
  on_repeat: keep-first
)";

constexpr char kNotifier[] = R"(kind: Notifier
name: notifiers/ops
email:
  host: localhost
  port: 2525
  security: NONE
  from: lapse@example.com
  to: [ops@example.com]
)";

std::string ProblemsOf(const std::string& text) {
  const auto resources = ParseResources("f.yaml", text);
  EXPECT_EQ(resources.status().code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(resources.status().message());
}

// The text on which yaml-cpp's LoadAll never comes to an end; found by the fuzzer.
TEST(ResourceFile, ATextThatYamlCppCannotGetPastIsRefused) {
  EXPECT_THAT(ProblemsOf(", port: 1, timeout: kind: Monimail: {tprimry: {ACK\n  {to: x, timeout: "
                         "-ers/ops]\nfollowUp:\n  prims}\n"),
              HasSubstr("not YAML"));
}

// kMonitor with a change.
std::string With(const std::string& what, const std::string& instead) {
  EXPECT_THAT(kMonitor, HasSubstr(what));
  return absl::StrReplaceAll(kMonitor, {{what, instead}});
}

TEST(ParseResources, ReadsAMonitor) {
  const auto resources = ParseResources("f.yaml", kMonitor);
  ASSERT_TRUE(resources.ok()) << resources.status();
  ASSERT_EQ(resources->size(), 1u);
  const Resource& resource = resources->front();
  EXPECT_EQ(resource.id, "order-delivered");
  EXPECT_EQ(resource.name(), "monitors/order-delivered");
  EXPECT_EQ(resource.line, 2);
  EXPECT_FALSE(resource.disabled.has_value());
  lapse::v1::Monitor expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
      name: "monitors/order-delivered"
      display_name: "order delivered"
      severity: SEVERITY_CRITICAL
      labels { key: "team" value: "fulfilment" }
      notifiers: "notifiers/ops"
      follow_up {
        primary { event_type: "order_created" key_attribute: "order_id" }
        secondary {
          event_type: "order_delivered"
          key_attribute: "order_id"
          filter: "attributes.city = \"Pune\""
        }
        within { seconds: 2700 }
        grace { seconds: 90 }
        on_repeat: ON_REPEAT_KEEP_FIRST
      })",
                                                            &expected));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(*resource.monitor(), expected))
      << resource.monitor()->DebugString();
}

TEST(ParseResources, ReadsSeveralDocuments) {
  const auto resources =
      ParseResources("f.yaml", absl::StrCat("---\n", kMonitor, "---\n", kNotifier, "---\n"));
  ASSERT_TRUE(resources.ok()) << resources.status();
  ASSERT_EQ(resources->size(), 2u);
  EXPECT_EQ((*resources)[0].name(), "monitors/order-delivered");
  EXPECT_EQ((*resources)[1].name(), "notifiers/ops");
  EXPECT_EQ((*resources)[1].line, 20);
  EXPECT_EQ((*resources)[1].notifier()->email().security(),
            lapse::v1::EmailNotifier::SECURITY_NONE);
}

TEST(ParseResources, AcceptsJsonNamesFullEnumNamesAndProtobufDurations) {
  std::string text = absl::StrReplaceAll(kMonitor, {{"follow_up", "followUp"},
                                                    {"event_type", "eventType"},
                                                    {"45m", "2700s"},
                                                    {"keep-first", "ON_REPEAT_KEEP_FIRST"},
                                                    {"id: order", "name: monitors/order"}});
  const auto resources = ParseResources("f.yaml", text);
  ASSERT_TRUE(resources.ok()) << resources.status();
  EXPECT_EQ(resources->front().monitor()->follow_up().within().seconds(), 2700);
}

TEST(ParseResources, TakesBackWhatWriteYamlWrote) {
  auto first = ParseResources("f.yaml", kMonitor);
  ASSERT_TRUE(first.ok());
  lapse::v1::Monitor monitor = *first->front().monitor();
  monitor.set_description("Two lines:\n\"quoted\" # not a comment\tand 100% \\ of it\x01");
  (*monitor.mutable_labels())["number"] = "0017";
  (*monitor.mutable_labels())["yes"] = "no";
  (*monitor.mutable_labels())["city"] = "Zürich: 東京";
  lapse::v1::Monitor stored = monitor;
  stored.set_uid("u");
  stored.set_revision(3);
  stored.mutable_create_time()->set_seconds(1'700'000'000);
  stored.mutable_update_time()->set_nanos(5);
  const std::string yaml = "kind: Monitor\n" + WriteYaml(stored);
  const auto again = ParseResources("again.yaml", yaml);
  ASSERT_TRUE(again.ok()) << again.status() << "\n" << yaml;
  EXPECT_TRUE(
      google::protobuf::util::MessageDifferencer::Equals(*again->front().monitor(), monitor))
      << yaml;
}

TEST(ParseResources, KnowsWhetherDisabledWasSaid) {
  EXPECT_EQ(ParseResources("f", absl::StrCat(kMonitor, "disabled: true\n"))->front().disabled,
            true);
  EXPECT_EQ(ParseResources("f", absl::StrCat(kMonitor, "disabled: false\n"))->front().disabled,
            false);
}

TEST(ParseResources, AFieldWithoutAValueIsLeftAtItsDefault) {
  const auto resources = ParseResources("f.yaml", With("notifiers: [ops]", "notifiers:"));
  ASSERT_TRUE(resources.ok()) << resources.status();
  EXPECT_EQ(resources->front().monitor()->notifiers_size(), 0);
}

TEST(ParseResources, TellsEachMistakeWithItsLine) {
  const struct {
    std::string text;
    std::string problem;
  } cases[] = {
      {With("within:", "withn:"),
       "f.yaml:15: unknown field \"withn\" in follow_up (did you mean \"within\"?)"},
      {With("severity:", "Severty:"),
       "f.yaml:5: unknown field \"Severty\" (did you mean \"severity\"?)"},
      {With("severity:", "quorum:"), "f.yaml:5: unknown field \"quorum\""},
      {With("45m", "45min"), "f.yaml:15: follow_up.within: \"45min\" is no duration"},
      {With("45m", "[45m]"),
       "f.yaml:15: follow_up.within: expected a duration such as 45m, found a list"},
      {With("within: 45m", "within: 0s"), "f.yaml:15: follow_up.within must be over 0"},
      {With("within: 45m", "within: 366d"), "f.yaml:15: follow_up.within is 366d; at most 365d"},
      {With("  within: 45m\n", ""), "f.yaml:9: follow_up.within is required"},
      {With("grace: 1m30s", "grace: 366d"), "f.yaml:16: follow_up.grace is 366d; at most 365d"},
      {With("critical", "critcal"),
       "f.yaml:5: severity: \"critcal\" is none of INFO, WARNING, CRITICAL (did you mean "
       "\"CRITICAL\"?)"},
      {With("critical", "SEVERITY_UNSPECIFIED"),
       "f.yaml:5: severity: \"SEVERITY_UNSPECIFIED\" is none of"},
      {With("[ops]", "ops"),
       "f.yaml:8: notifiers: expected a list such as [a, b], found a single value"},
      {With("[ops]", "[Ops!]"), "f.yaml:8: notifiers[0] is \"notifiers/Ops!\"; an id has 1 to 63"},
      {With("  team: fulfilment", "  - team"),
       "f.yaml:7: labels: expected `name: value` lines, found a list"},
      {With("  team: fulfilment", "  team: x\n  team: y"), "f.yaml:8: labels[team] is given twice"},
      {With("order-delivered", "Order_Delivered"),
       "f.yaml:3: id is \"monitors/Order_Delivered\"; an id has"},
      {With("id: order-delivered\n", ""), "f.yaml:2: id is missing"},
      {With("id: order-delivered", "id: a\nname: b"), "f.yaml:4: name and id differ"},
      {With("kind: Monitor\n", ""), "f.yaml:2: kind is missing; it is Monitor or Notifier"},
      {With("kind: Monitor", "kind: monitr"),
       "f.yaml:2: kind is \"monitr\"; it is Monitor or Notifier (did you mean \"Monitor\"?)"},
      {With("event_type: order_created, ", ""),
       "f.yaml:10: follow_up.primary.event_type is required"},
      {With("    key_attribute: order_id\n", ""),
       "f.yaml:11: follow_up.secondary.key_attribute is required"},
      {With("  on_repeat: keep-first\n",
            "  cancel: {event_type: order_created, key_attribute: order_id}\n"),
       "f.yaml:17: follow_up.cancel has the same type, filter and key attribute as another "
       "pattern"},
      {"kind: Monitor\nid: a\n", "f.yaml:1: follow_up is required: a monitor needs a condition"},
      {"kind: Monitor\nid: a\nseverity: info\nseverity: info\n",
       "f.yaml:4: severity is given twice"},
      {"kind: Monitor\nid: a\nfollow_up: 5\n",
       "f.yaml:3: follow_up: expected fields, found a single value"},
      {"kind: Monitor\nid: [a]\n", "f.yaml:2: id is a single value"},
      {"kind: Monitor\nid: a\ndisabled: yes\n", "f.yaml:3: disabled: \"yes\" is no true or false"},
      {"kind: Notifier\nid: a\n", "f.yaml:1: email is required: a notifier needs a kind"},
      {"kind: Notifier\nid: a\nemail: {host: h, from: a@b, to: [c@d], port: 70000}\n",
       "f.yaml:3: email.port is 70000; 1 to 65535"},
      {"kind: Notifier\nid: a\nemail: {host: h, from: a@b, to: [c@d], port: smtp}\n",
       "f.yaml:3: email.port: \"smtp\" is no number"},
      {"kind: Notifier\nid: a\nemail: {host: h, from: a@b, to: [c@d],\n  password_ref: hunter2}\n",
       "f.yaml:4: email.password_ref must be file:/path or env:NAME; a password itself is never "
       "stored"},
      {"kind: Notifier\nid: a\nemail: {host: h, from: a@b, to: [c@d], username: u}\n",
       "f.yaml:3: email.password_ref is required with username"},
      {"- a\n- b\n", "f.yaml:1: expected a resource"},
      {"", "f.yaml:1: there is no resource in it"},
      {"# nothing\n---\n", "f.yaml:1: there is no resource in it"},
      {"kind: Monitor\nid: 'a\n", "f.yaml:"},
      {"kind: Monitor\n\tid: a\n", "not YAML: "},
  };
  for (const auto& c : cases) EXPECT_THAT(ProblemsOf(c.text), HasSubstr(c.problem)) << c.text;
}

TEST(ParseResources, NeverShowsWhatMayBeAPassword) {
  const std::string problems = ProblemsOf(
      "kind: Notifier\nid: a\nemail: {host: h, from: a@b, to: [c@d], password_ref: hunter2}\n");
  EXPECT_EQ(problems.find("hunter2"), std::string::npos) << problems;
}

TEST(ParseResources, TellsAllMistakesOfAllDocumentsInOrder) {
  const std::string problems = ProblemsOf(
      absl::StrCat(With("within: 45m", "withn: 45min\n  grace: soon"), "---\nkind: Notifier\n"));
  EXPECT_EQ(
      problems,
      "f.yaml:15: unknown field \"withn\" in follow_up (did you mean \"within\"?)\n"
      "f.yaml:16: follow_up.grace: \"soon\" is no duration; write it like 45m, 10s, 1h30m or 1d "
      "(units d, h, m, s, ms, us)\n"
      "f.yaml:17: follow_up.grace is given twice\n"
      "f.yaml:20: id is missing, such as `id: order-delivered`");
}

TEST(ParseResources, RefusesAResourceTwice) {
  EXPECT_EQ(ProblemsOf(absl::StrCat(kNotifier, "---\n", kNotifier)),
            "f.yaml:10: notifiers/ops is given already in line 1");
}

TEST(Resource, PositionIsThatOfTheNearestGivenField) {
  const Resource resource = ParseResources("f.yaml", kMonitor)->front();
  EXPECT_EQ(resource.Position("follow_up.secondary.filter"), "f.yaml:14");
  EXPECT_EQ(resource.Position("follow_up.clock_skew"), "f.yaml:9");
  EXPECT_EQ(resource.Position("labels[area]"), "f.yaml:6");
  EXPECT_EQ(resource.Position("etag"), "f.yaml:2");
  EXPECT_EQ(resource.Position(""), "f.yaml:2");
}

}  // namespace
}  // namespace lapse::cli
