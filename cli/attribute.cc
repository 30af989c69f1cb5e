#include "cli/attribute.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/errors.h"
#include "base/nearest.h"
#include "cli/human.h"

namespace lapse::cli {
namespace {

using lapse::v1::Value;

// A sign other than '-', leading zeros and spaces belong to texts such as store codes and telephone
// numbers.
bool LooksLikeNumber(absl::string_view text) {
  const absl::string_view digits = text.substr(text.substr(0, 1) == "-" ? 1 : 0);
  if (digits.empty() || !absl::ascii_isdigit(digits[0])) return false;
  return digits[0] != '0' || digits.size() == 1 || !absl::ascii_isdigit(digits[1]);
}

bool IsDecimal(absl::string_view text) {
  return text.find_first_not_of("0123456789+-.eE") == absl::string_view::npos;
}

bool ParseBool(absl::string_view text, bool* value) {
  *value = text == "true";
  return *value || text == "false";
}

absl::StatusOr<Value> TypedValue(absl::string_view type, absl::string_view text) {
  static const auto* const kTypes =
      new std::vector<std::string>{"string", "bool", "int64", "double"};
  Value value;
  bool flag = false;
  int64_t integer = 0;
  double number = 0;
  if (type == "string") {
    value.set_string_value(std::string(text));
  } else if (type == "bool" && ParseBool(text, &flag)) {
    value.set_bool_value(flag);
  } else if (type == "int64" && absl::SimpleAtoi(text, &integer)) {
    value.set_int64_value(integer);
  } else if (type == "double" && absl::SimpleAtod(text, &number) && std::isfinite(number)) {
    value.set_double_value(number);
  } else if (std::find(kTypes->begin(), kTypes->end(), type) != kTypes->end()) {
    return absl::InvalidArgumentError(absl::StrCat(Quoted(text), " is no ", type));
  } else {
    return absl::InvalidArgumentError(absl::StrCat("there is no attribute type ", Quoted(type),
                                                   MeantHint(type, *kTypes),
                                                   "; use string, bool, int64 or double"));
  }
  return value;
}

}  // namespace

Value GuessValue(absl::string_view text) {
  Value value;
  bool flag = false;
  int64_t integer = 0;
  double number = 0;
  if (ParseBool(text, &flag)) {
    value.set_bool_value(flag);
  } else if (LooksLikeNumber(text) && absl::SimpleAtoi(text, &integer)) {
    value.set_int64_value(integer);
  } else if (LooksLikeNumber(text) && IsDecimal(text) &&
             text.find_first_of(".eE") != absl::string_view::npos &&
             absl::SimpleAtod(text, &number) && std::isfinite(number)) {
    value.set_double_value(number);
  } else {
    value.set_string_value(std::string(text));
  }
  return value;
}

absl::StatusOr<Attribute> ParseAttribute(absl::string_view text) {
  const auto fail = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("attribute ", Quoted(text), ": ", why));
  };
  const size_t equals = text.find('=');
  if (equals == absl::string_view::npos) return fail("write it as name=value or name:type=value");
  const absl::string_view declared = text.substr(0, equals);
  const absl::string_view value_text = text.substr(equals + 1);
  const size_t colon = declared.rfind(':');
  const absl::string_view name = declared.substr(0, colon);
  if (name.empty()) return fail("the name is empty");
  Attribute attribute = {std::string(name), {}};
  if (colon == absl::string_view::npos) {
    attribute.value = GuessValue(value_text);
    return attribute;
  }
  absl::StatusOr<Value> value = TypedValue(declared.substr(colon + 1), value_text);
  if (!value.ok()) return fail(value.status().message());
  attribute.value = *std::move(value);
  return attribute;
}

std::string ValueText(const Value& value) {
  switch (value.kind_case()) {
    case Value::kStringValue:
      return Printable(value.string_value());
    case Value::kBoolValue:
      return value.bool_value() ? "true" : "false";
    case Value::kInt64Value:
      return absl::StrCat(value.int64_value());
    case Value::kDoubleValue: {
      std::string text = absl::StrFormat("%.15g", value.double_value());
      double back = 0;
      if (!absl::SimpleAtod(text, &back) || back != value.double_value()) {
        text = absl::StrFormat("%.17g", value.double_value());
      }
      // So that it does not read as an int64.
      return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
    }
    case Value::KIND_NOT_SET:
      return "";
  }
  return "";
}

}  // namespace lapse::cli
