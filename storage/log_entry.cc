#include "storage/log_entry.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/proto_time.h"

namespace lapse::storage {

int64_t ReportedTimeUs(const lapse::v1::Event& event, int64_t receive_time_us) {
  return event.has_occur_time() ? ToMicros(event.occur_time()) : receive_time_us;
}

int64_t JudgedTimeUs(const lapse::v1::Event& event, int64_t receive_time_us) {
  return std::min(ReportedTimeUs(event, receive_time_us), receive_time_us);
}

bool KeyText(const lapse::v1::Value& value, std::string* text) {
  switch (value.kind_case()) {
    case lapse::v1::Value::kStringValue:
      *text = value.string_value();
      return true;
    case lapse::v1::Value::kInt64Value:
      *text = absl::StrCat(value.int64_value());
      return true;
    case lapse::v1::Value::kBoolValue:
      *text = value.bool_value() ? "true" : "false";
      return true;
    case lapse::v1::Value::kDoubleValue:
    case lapse::v1::Value::KIND_NOT_SET:
      return false;
  }
  return false;
}

}  // namespace lapse::storage
