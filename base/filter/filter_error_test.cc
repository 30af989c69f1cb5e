#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "base/errors.h"
#include "base/filter/field.h"
#include "base/filter/filter.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "gtest/gtest.h"

namespace lapse {
namespace {

const FieldSchema& TestSchema() {
  static const FieldSchema* const schema = new FieldSchema({
      {0, "source", FieldType::kString},
      {1, "sequence", FieldType::kNumber},
      {2, "flag", FieldType::kBool},
      {3, "state", FieldType::kEnum, false, {{"FIRING", 1}, {"RESOLVED", 2}}},
      {4, "at", FieldType::kTime},
      {5, "took", FieldType::kDuration},
      {6, "attributes", FieldType::kAny, true},
  });
  return *schema;
}

absl::Status Error(absl::string_view text) { return Filter::Parse(text, TestSchema()).status(); }

struct Case {
  const char* filter;
  int column;
  const char* reason;
  const char* message;
};

const std::vector<Case>& Cases() {
  static const std::vector<Case>* const cases = new std::vector<Case>{
      {"sorce = x", 1, "FILTER_FIELD_UNKNOWN", "did you mean \"source\"?"},
      {"source = x AND elephant = 1", 16, "FILTER_FIELD_UNKNOWN", "expected one of source, "},
      {"source.x = 1", 7, "FILTER_FIELD_UNKNOWN", "source has no fields"},
      {"source", 7, "FILTER_SYNTAX", "must follow a field"},
      {"source =", 9, "FILTER_SYNTAX", "a value must follow"},
      {"source = )", 10, "FILTER_SYNTAX", "a value must follow"},
      {"source = = 1", 10, "FILTER_SYNTAX", "a value must follow"},
      {"= 1", 1, "FILTER_SYNTAX", "a comparison"},
      {"\"checkout\"", 1, "FILTER_SYNTAX", "a value alone"},
      {"source = x AND", 15, "FILTER_SYNTAX", "a comparison"},
      {"AND source = x", 1, "FILTER_SYNTAX", "not AND"},
      {"source = x OR OR source = y", 15, "FILTER_SYNTAX", "not OR"},
      {"NOT", 4, "FILTER_SYNTAX", "a comparison"},
      {"NOT NOT source = x", 5, "FILTER_SYNTAX", "not NOT"},
      {"(source = x", 1, "FILTER_SYNTAX", "never closed"},
      {"source = x)", 11, "FILTER_SYNTAX", "closes nothing"},
      {"()", 2, "FILTER_SYNTAX", "a comparison"},
      {"source = \"x", 10, "FILTER_SYNTAX", "no closing quote"},
      {"source = \"x\\q\"", 12, "FILTER_SYNTAX", "unknown escape"},
      {"source = \"x\\", 12, "FILTER_SYNTAX", "unknown escape"},
      {"source ! x", 8, "FILTER_SYNTAX", "no operator"},
      {"source = a,b", 11, "FILTER_SYNTAX", "unexpected ','"},
      {"size(source) = 1", 1, "FILTER_SYNTAX", "no functions"},
      {"attributes. = 1", 13, "FILTER_SYNTAX", "a name must follow"},
      {"attributes.\"\" = 1", 15, "FILTER_SYNTAX", "is empty"},
      {"attributes = 1", 12, "FILTER_OPERATOR_INVALID", "is a map"},
      {"attributes.x < true", 14, "FILTER_OPERATOR_INVALID", "no order"},
      {"flag >= true", 6, "FILTER_OPERATOR_INVALID", "no order"},
      {"state > FIRING", 7, "FILTER_OPERATOR_INVALID", "no order"},
      {"sequence = abc", 12, "FILTER_VALUE_INVALID", "a number"},
      {"sequence = nan", 12, "FILTER_VALUE_INVALID", "a number"},
      {"sequence = inf", 12, "FILTER_VALUE_INVALID", "a number"},
      {"sequence = 1e999", 12, "FILTER_VALUE_INVALID", "a number"},
      {"attributes.x = 1e999", 16, "FILTER_VALUE_INVALID", "too large"},
      {"flag = yes", 8, "FILTER_VALUE_INVALID", "true or false"},
      {"state = FIRNG", 9, "FILTER_VALUE_INVALID", "did you mean \"FIRING\"?"},
      {"state = 1", 9, "FILTER_VALUE_INVALID", "expected one of FIRING, RESOLVED"},
      {"at > yesterday", 6, "FILTER_VALUE_INVALID", "RFC 3339"},
      {"at > 2024-13-01T00:00:00Z", 6, "FILTER_VALUE_INVALID", "RFC 3339"},
      {"at > infinite-future", 6, "FILTER_VALUE_INVALID", "RFC 3339"},
      {"took > 5", 8, "FILTER_VALUE_INVALID", "seconds such as"},
      {"took > 1.-5s", 8, "FILTER_VALUE_INVALID", "seconds such as"},
      {"took > 99999999999999s", 8, "FILTER_VALUE_INVALID", "seconds such as"},
  };
  return *cases;
}

TEST(FilterErrorTest, EachErrorPointsAtItsColumn) {
  for (const Case& c : Cases()) {
    const absl::Status status = Error(c.filter);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.filter;
    EXPECT_EQ(DetailsOf(status).field, "filter") << c.filter;
    EXPECT_EQ(DetailsOf(status).reason, c.reason) << c.filter << ": " << status;
    const std::string column = "filter, column " + std::to_string(c.column) + ": ";
    EXPECT_TRUE(absl::StartsWith(status.message(), column)) << c.filter << ": " << status;
    EXPECT_TRUE(absl::StrContains(status.message(), c.message)) << c.filter << ": " << status;
  }
}

TEST(FilterErrorTest, ACaretStandsUnderThePlace) {
  EXPECT_EQ(Error("source = \"é\" AND sorce = x").message(),
            "filter, column 18: unknown field \"sorce\"; did you mean \"source\"?\n"
            "  source = \"é\" AND sorce = x\n"
            "                   ^");
}

TEST(FilterErrorTest, ALongFilterIsShownAroundThePlace) {
  std::string text =
      "source = \"" + std::string(300, 'x') + "\"\nAND sorce = \"" + std::string(300, 'y') + "\"";
  const absl::Status status = Error(text);
  EXPECT_TRUE(absl::StrContains(status.message(), "column 317")) << status;
  EXPECT_LT(status.message().size(), 300u);
  EXPECT_TRUE(absl::StrContains(status.message(), "\" AND sorce = ")) << status;
}

TEST(FilterErrorTest, TextThatIsNotUtf8IsRefused) {
  EXPECT_EQ(DetailsOf(Error("source = \"\xff\"")).reason, "FILTER_SYNTAX");
  EXPECT_TRUE(IsUtf8(std::string(Error("source = \"\xff\"").message())));
}

TEST(FilterErrorTest, LengthIsLimited) {
  const std::string head = "source = ";
  const std::string longest = head + std::string(limits::kMaxFilterBytes - head.size(), 'x');
  EXPECT_TRUE(Error(longest).ok());
  EXPECT_EQ(DetailsOf(Error(longest + "x")).reason, "FILTER_TOO_LONG");
}

TEST(FilterErrorTest, DepthIsLimited) {
  const auto nested = [](int depth) {
    return std::string(depth, '(') + "source = x" + std::string(depth, ')');
  };
  EXPECT_TRUE(Error(nested(limits::kMaxFilterDepth)).ok());
  const absl::Status status = Error(nested(limits::kMaxFilterDepth + 1));
  EXPECT_EQ(DetailsOf(status).reason, "FILTER_TOO_DEEP");
  EXPECT_TRUE(absl::StrContains(status.message(), "column 65")) << status;
  EXPECT_TRUE(Error(nested(60) + " AND " + nested(60)).ok());
}

}  // namespace
}  // namespace lapse
