#include "cli/attribute.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lapse::cli {
namespace {

using ::testing::HasSubstr;

TEST(ParseAttribute, GuessesOrTakesTheType) {
  const struct {
    const char* text;
    const char* name;
    const char* value;
  } cases[] = {
      {"order_id=A-17", "order_id", "string_value: \"A-17\""},
      {"count=3", "count", "int64_value: 3"},
      {"count=-3", "count", "int64_value: -3"},
      {"zero=0", "zero", "int64_value: 0"},
      {"amount=12.5", "amount", "double_value: 12.5"},
      {"amount=1e3", "amount", "double_value: 1000"},
      {"paid=true", "paid", "bool_value: true"},
      {"paid=false", "paid", "bool_value: false"},
      {"paid=True", "paid", "string_value: \"True\""},
      {"store=0042", "store", "string_value: \"0042\""},
      {"phone=+49123", "phone", "string_value: \"+49123\""},
      {"big=9223372036854775807", "big", "int64_value: 9223372036854775807"},
      {"bigger=9223372036854775808", "bigger", "string_value: \"9223372036854775808\""},
      {"huge=1e999", "huge", "string_value: \"1e999\""},
      {"version=1.2.3", "version", "string_value: \"1.2.3\""},
      {"hex=0x10", "hex", "string_value: \"0x10\""},
      {"hexfloat=1.0p3", "hexfloat", "string_value: \"1.0p3\""},
      {"nan=nan", "nan", "string_value: \"nan\""},
      {"empty=", "empty", "string_value: \"\""},
      {"formula=a=b", "formula", "string_value: \"a=b\""},
      {"order:string=17", "order", "string_value: \"17\""},
      {"count:double=3", "count", "double_value: 3"},
      {"count:int64=3", "count", "int64_value: 3"},
      {"paid:bool=true", "paid", "bool_value: true"},
      {"http:status:int64=200", "http:status", "int64_value: 200"},
      {"url=http://x", "url", "string_value: \"http://x\""},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Attribute> attribute = ParseAttribute(c.text);
    ASSERT_TRUE(attribute.ok()) << c.text << ": " << attribute.status();
    EXPECT_EQ(attribute->name, c.name) << c.text;
    EXPECT_EQ(attribute->value.ShortDebugString(), c.value) << c.text;
  }
}

TEST(ParseAttribute, SaysWhatIsWrong) {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {"order_id", "write it as name=value or name:type=value"},
      {"", "write it as name=value"},
      {"=5", "the name is empty"},
      {":int64=5", "the name is empty"},
      {"n:int64=five", "\"five\" is no int64"},
      {"n:int64=1.5", "\"1.5\" is no int64"},
      {"n:bool=yes", "\"yes\" is no bool"},
      {"n:double=inf", "\"inf\" is no double"},
      {"n:in64=5", "there is no attribute type \"in64\" (did you mean \"int64\"?)"},
      {"n:=5", "there is no attribute type \"\""},
  };
  for (const auto& c : cases) {
    const absl::Status status = ParseAttribute(c.text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.message));
  }
}

TEST(ValueText, ReadsBackAsTheSameType) {
  for (const char* text : {"A-17", "true", "3", "-3", "12.5", "0.1", "3.0", "1e+300", "-2.0"}) {
    EXPECT_EQ(ValueText(GuessValue(text)), text);
  }
  EXPECT_EQ(ValueText(lapse::v1::Value()), "");
  EXPECT_EQ(ValueText(GuessValue("\x1b[31m")), "\\x1b[31m");
}

}  // namespace
}  // namespace lapse::cli
