#include "server/validation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/proto_time.h"

namespace lapse::server {
namespace {

using lapse::v1::Event;

constexpr int64_t kNowUs = 1'714'521'600'000'000;
const std::string kNotUtf8 = "a\xff";

Event ValidEvent() {
  Event event;
  event.set_id("e-1");
  event.set_source("checkout");
  event.set_type("order_created");
  SetTimestamp(kNowUs, event.mutable_occur_time());
  (*event.mutable_attributes())["order_id"].set_string_value("A-17");
  (*event.mutable_attributes())["amount"].set_double_value(1.5);
  (*event.mutable_attributes())["count"].set_int64_value(0);
  (*event.mutable_attributes())["vip"].set_bool_value(false);
  return event;
}

void SetString(Event& event, const std::string& name, const std::string& value) {
  (*event.mutable_attributes())[name].set_string_value(value);
}

void SetCount(Event& event, size_t attributes) {
  event.clear_attributes();
  for (size_t i = 0; i < attributes; ++i) SetString(event, absl::StrCat("a", i), "");
}

struct Case {
  const char* what;
  std::function<void(Event&)> change;
  // Empty: the event is accepted.
  const char* reason = "";
  std::string field;
};

std::vector<Case> TextCases() {
  const std::string name128(limits::kMaxAttributeNameBytes, 'n');
  return {
      {"no type", [](Event& e) { e.clear_type(); }, "TYPE_MISSING", "type"},
      {"longest type", [](Event& e) { e.set_type(std::string(128, 't')); }},
      {"type too long", [](Event& e) { e.set_type(std::string(129, 't')); }, "TYPE_TOO_LONG",
       "type"},
      {"type not UTF-8", [](Event& e) { e.set_type(kNotUtf8); }, "NOT_UTF8", "type"},
      {"no source", [](Event& e) { e.clear_source(); }},
      {"longest source", [](Event& e) { e.set_source(std::string(128, 's')); }},
      {"source too long", [](Event& e) { e.set_source(std::string(129, 's')); }, "SOURCE_TOO_LONG",
       "source"},
      {"source not UTF-8", [](Event& e) { e.set_source(kNotUtf8); }, "NOT_UTF8", "source"},
      {"no id", [](Event& e) { e.clear_id(); }},
      {"longest id", [](Event& e) { e.set_id(std::string(256, 'i')); }},
      {"id too long", [](Event& e) { e.set_id(std::string(257, 'i')); }, "ID_TOO_LONG", "id"},
      {"id not UTF-8", [](Event& e) { e.set_id(kNotUtf8); }, "NOT_UTF8", "id"},
      {"longest name", [=](Event& e) { SetString(e, name128, ""); }},
      {"name too long", [=](Event& e) { SetString(e, name128 + "n", ""); },
       "ATTRIBUTE_NAME_TOO_LONG", "attributes[" + name128 + "]"},
      {"empty name", [](Event& e) { SetString(e, "", "x"); }, "ATTRIBUTE_NAME_EMPTY", "attributes"},
      {"name not UTF-8", [](Event& e) { SetString(e, kNotUtf8, "x"); }, "NOT_UTF8",
       "attributes[?]"},
      {"longest value", [](Event& e) { SetString(e, "x", std::string(4'096, 'v')); }},
      {"value too long", [](Event& e) { SetString(e, "x", std::string(4'097, 'v')); },
       "ATTRIBUTE_VALUE_TOO_LONG", "attributes[x]"},
      {"value not UTF-8", [](Event& e) { SetString(e, "x", kNotUtf8); }, "NOT_UTF8",
       "attributes[x]"},
  };
}

std::vector<Case> AttributeCases() {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return {
      {"none", [](Event& e) { e.clear_attributes(); }},
      {"as many as allowed", [](Event& e) { SetCount(e, 64); }},
      {"one too many", [](Event& e) { SetCount(e, 65); }, "TOO_MANY_ATTRIBUTES", "attributes"},
      {"without a value", [](Event& e) { (*e.mutable_attributes())["x"]; },
       "ATTRIBUTE_WITHOUT_VALUE", "attributes[x]"},
      {"largest double",
       [](Event& e) {
         (*e.mutable_attributes())["x"].set_double_value(std::numeric_limits<double>::max());
       }},
      {"infinite", [=](Event& e) { (*e.mutable_attributes())["x"].set_double_value(-kInfinity); },
       "ATTRIBUTE_NOT_FINITE", "attributes[x]"},
      {"no number", [](Event& e) { (*e.mutable_attributes())["x"].set_double_value(std::nan("")); },
       "ATTRIBUTE_NOT_FINITE", "attributes[x]"},
      {"of several faults that of the least name",
       [](Event& e) {
         for (const char* name : {"z", "b", "y", "c"}) (*e.mutable_attributes())[name];
       },
       "ATTRIBUTE_WITHOUT_VALUE", "attributes[b]"},
  };
}

std::vector<Case> TimeCases() {
  const auto at = [](int64_t seconds, int32_t nanos) {
    return [=](Event& event) {
      event.mutable_occur_time()->set_seconds(seconds);
      event.mutable_occur_time()->set_nanos(nanos);
    };
  };
  const auto at_us = [](int64_t time_us) {
    return [=](Event& event) { SetTimestamp(time_us, event.mutable_occur_time()); };
  };
  constexpr int64_t kFiveMinutesUs = 300'000'000;
  return {
      {"none", [](Event& e) { e.clear_occur_time(); }},
      {"1970 itself", at(0, 0)},
      {"a second before", at(-1, 0), "OCCUR_TIME_BEFORE_1970", "occur_time"},
      {"a nanosecond before", at(-1, 999'999'999), "OCCUR_TIME_BEFORE_1970", "occur_time"},
      {"five minutes ahead", at_us(kNowUs + kFiveMinutesUs)},
      {"over five minutes ahead", at_us(kNowUs + kFiveMinutesUs + 1), "OCCUR_TIME_IN_FUTURE",
       "occur_time"},
      {"in 9999", at(253'402'300'799, 0), "OCCUR_TIME_IN_FUTURE", "occur_time"},
      {"after 9999", at(253'402'300'800, 0), "OCCUR_TIME_INVALID", "occur_time"},
      {"beyond microseconds", at(INT64_MAX, 0), "OCCUR_TIME_INVALID", "occur_time"},
      {"most nanoseconds", at(5, 999'999'999)},
      {"too many nanoseconds", at(5, 1'000'000'000), "OCCUR_TIME_INVALID", "occur_time"},
      {"negative nanoseconds", at(5, -1), "OCCUR_TIME_INVALID", "occur_time"},
  };
}

void Check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    Event event = ValidEvent();
    c.change(event);
    const absl::Status status = ValidateEvent(event, kNowUs);
    EXPECT_EQ(DetailsOf(status).reason, c.reason) << c.what << ": " << status;
    EXPECT_EQ(DetailsOf(status).field, c.field) << c.what << ": " << status;
    EXPECT_EQ(status.code(),
              *c.reason == '\0' ? absl::StatusCode::kOk : absl::StatusCode::kInvalidArgument)
        << c.what;
  }
}

TEST(ValidationTest, AcceptsAnEvent) {
  EXPECT_EQ(ValidateEvent(ValidEvent(), kNowUs), absl::OkStatus());
}

TEST(ValidationTest, TextsAreLimited) { Check(TextCases()); }

TEST(ValidationTest, AttributesAreLimited) { Check(AttributeCases()); }

TEST(ValidationTest, OccurTimeIsLimited) { Check(TimeCases()); }

TEST(ValidationTest, AgeIsLimitedWhereTheServerSaysSo) {
  Event event = ValidEvent();
  SetTimestamp(kNowUs - 1'000'000, event.mutable_occur_time());
  EXPECT_TRUE(ValidateEvent(event, kNowUs, 1'000'000).ok());
  EXPECT_TRUE(ValidateEvent(event, kNowUs, 0).ok());
  const absl::Status status = ValidateEvent(event, kNowUs, 999'999);
  EXPECT_EQ(DetailsOf(status).reason, "OCCUR_TIME_TOO_OLD");
  EXPECT_EQ(DetailsOf(status).field, "occur_time");
}

}  // namespace
}  // namespace lapse::server
