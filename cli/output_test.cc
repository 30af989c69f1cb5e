#include "cli/output.h"

#include "gtest/gtest.h"
#include "lapse/v1/alert.pb.h"
#include "lapse/v1/event.pb.h"
#include "lapse/v1/monitor.pb.h"

namespace lapse::cli {
namespace {

lapse::v1::EventPattern Pattern(const char* type) {
  lapse::v1::EventPattern pattern;
  pattern.set_event_type(type);
  return pattern;
}

TEST(Json, HasLowerCamelCaseNamesAndEveryScalarField) {
  EXPECT_EQ(JsonLine(Pattern("a\"b")),
            "{\"eventType\":\"a\\\"b\",\"keyAttribute\":\"\",\"filter\":\"\"}");
  EXPECT_EQ(PrettyJson(Pattern("a")),
            "{\n \"eventType\": \"a\",\n \"keyAttribute\": \"\",\n \"filter\": \"\"\n}\n");
}

TEST(Json, ListsAreOneArray) {
  const auto a = Pattern("a"), b = Pattern("b");
  EXPECT_EQ(JsonArray({&a, &b}),
            "[\n{\n \"eventType\": \"a\",\n \"keyAttribute\": \"\",\n \"filter\": \"\"\n},\n"
            "{\n \"eventType\": \"b\",\n \"keyAttribute\": \"\",\n \"filter\": \"\"\n}\n]\n");
  EXPECT_EQ(JsonArray({}), "[]\n");
}

TEST(Yaml, ResourcesStartWithTheirKind) {
  lapse::v1::Monitor monitor;
  monitor.set_name("monitors/a");
  lapse::v1::Alert alert;
  alert.set_name("alerts/a");
  EXPECT_EQ(YamlDocuments({&monitor, &alert}),
            "kind: Monitor\nname: monitors/a\n---\nname: alerts/a\n");
  EXPECT_EQ(YamlDocuments({}), "");
  EXPECT_EQ(YamlDocument(lapse::v1::Alert()), "{}\n");
}

TEST(DataFields, AreWrittenAsJsonAndYaml) {
  const DataFields fields = {{"lineCount", "3"}, {"server", JsonString("a\"b")}};
  EXPECT_EQ(JsonObject(fields), "{\"lineCount\": 3, \"server\": \"a\\\"b\"}");
  EXPECT_EQ(YamlFields(fields), "line_count: 3\nserver: \"a\\\"b\"\n");
}

}  // namespace
}  // namespace lapse::cli
