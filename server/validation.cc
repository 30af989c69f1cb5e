#include "server/validation.h"

#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "server/validation_text.h"

namespace lapse::server {
namespace {

using lapse::v1::Event;
using lapse::v1::Value;

constexpr int32_t kMaxNanos = 999'999'999;
// 9999-12-31T23:59:59Z, the last second of google.protobuf.Timestamp; far below what overflows in
// microseconds.
constexpr int64_t kMaxTimestampSeconds = 253'402'300'799;

std::string AttributeField(absl::string_view name) {
  const absl::string_view shown = CutUtf8(name, limits::kMaxAttributeNameBytes);
  return absl::StrCat("attributes[", IsUtf8(shown) ? shown : "?", "]");
}

absl::Status ValidateValue(const std::string& name, const Value& value) {
  switch (value.kind_case()) {
    case Value::kStringValue:
      return ValidateText(AttributeField(name), value.string_value(),
                          limits::kMaxAttributeValueBytes, "ATTRIBUTE_VALUE_TOO_LONG");
    case Value::kDoubleValue:
      if (std::isfinite(value.double_value())) return absl::OkStatus();
      return InvalidField(AttributeField(name), "ATTRIBUTE_NOT_FINITE",
                          absl::StrCat("attribute ", Quoted(name), " is ", value.double_value(),
                                       "; a double must be finite"));
    case Value::kBoolValue:
    case Value::kInt64Value:
      return absl::OkStatus();
    case Value::KIND_NOT_SET:
      break;
  }
  return InvalidField(AttributeField(name), "ATTRIBUTE_WITHOUT_VALUE",
                      absl::StrCat("attribute ", Quoted(name),
                                   " has no value; set a string, bool, int64 or double"));
}

absl::Status ValidateAttribute(const std::string& name, const Value& value) {
  if (name.empty()) {
    return InvalidField("attributes", "ATTRIBUTE_NAME_EMPTY", "an attribute has an empty name");
  }
  RETURN_IF_ERROR(ValidateText(AttributeField(name), name, limits::kMaxAttributeNameBytes,
                               "ATTRIBUTE_NAME_TOO_LONG"));
  return ValidateValue(name, value);
}

// A map has no order of its own: of several faults, that of the least name is told.
absl::Status ValidateAttributes(const Event& event) {
  const auto& attributes = event.attributes();
  if (attributes.size() > limits::kMaxAttributes) {
    return InvalidField("attributes", "TOO_MANY_ATTRIBUTES",
                        absl::StrCat("the event has ", attributes.size(), " attributes; at most ",
                                     limits::kMaxAttributes, " are allowed"));
  }
  absl::Status first = absl::OkStatus();
  const std::string* first_name = nullptr;
  for (const auto& [name, value] : attributes) {
    if (first_name != nullptr && *first_name <= name) continue;
    absl::Status status = ValidateAttribute(name, value);
    if (status.ok()) continue;
    first = std::move(status);
    first_name = &name;
  }
  return first;
}

absl::Status BadTime(absl::string_view reason, absl::string_view message) {
  return InvalidField("occur_time", reason, absl::StrCat("occur_time ", message));
}

absl::Status ValidateOccurTime(const google::protobuf::Timestamp& time, int64_t now_us,
                               int64_t max_age_us) {
  if (time.seconds() < 0) {
    return BadTime(
        "OCCUR_TIME_BEFORE_1970",
        absl::StrCat("has ", time.seconds(), " seconds; it must not be before 1970-01-01"));
  }
  if (time.nanos() < 0 || time.nanos() > kMaxNanos || time.seconds() > kMaxTimestampSeconds) {
    return BadTime("OCCUR_TIME_INVALID",
                   absl::StrCat("is ", time.seconds(), " s and ", time.nanos(),
                                " ns; nanos go from 0 to 999999999, years to 9999"));
  }
  const int64_t time_us = ToMicros(time);
  if (time_us > now_us + limits::kMaxAheadUs) {
    return BadTime("OCCUR_TIME_IN_FUTURE",
                   absl::StrCat("is ", (time_us - now_us) / limits::kMicrosPerSecond,
                                " s ahead of the server's clock; at most ",
                                limits::kMaxAheadUs / limits::kMicrosPerSecond, " s are allowed"));
  }
  if (max_age_us > 0 && time_us < now_us - max_age_us) {
    return BadTime("OCCUR_TIME_TOO_OLD",
                   absl::StrCat("is ", (now_us - time_us) / limits::kMicrosPerSecond,
                                " s ago; this server takes events of at most ",
                                max_age_us / limits::kMicrosPerSecond, " s"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateEvent(const Event& event, int64_t now_us, int64_t max_age_us) {
  if (event.type().empty()) {
    return InvalidField("type", "TYPE_MISSING",
                        "the event has no type; one such as order_created is required");
  }
  RETURN_IF_ERROR(ValidateText("type", event.type(), limits::kMaxEventTypeBytes, "TYPE_TOO_LONG"));
  RETURN_IF_ERROR(
      ValidateText("source", event.source(), limits::kMaxSourceBytes, "SOURCE_TOO_LONG"));
  RETURN_IF_ERROR(ValidateText("id", event.id(), limits::kMaxEventIdBytes, "ID_TOO_LONG"));
  if (event.has_occur_time()) {
    RETURN_IF_ERROR(ValidateOccurTime(event.occur_time(), now_us, max_age_us));
  }
  return ValidateAttributes(event);
}

}  // namespace lapse::server
