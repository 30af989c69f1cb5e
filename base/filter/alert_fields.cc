#include "base/filter/alert_fields.h"

#include <utility>
#include <vector>

#include "absl/strings/strip.h"
#include "base/proto_time.h"
#include "google/protobuf/descriptor.h"
#include "lapse/v1/alert.pb.h"

namespace lapse {
namespace {

enum AlertField : int {
  kMonitor,
  kKey,
  kState,
  kReason,
  kSeverity,
  kLabels,
  kDueTime,
  kFireTime,
  kDetectedLate,
};

// Each value short and in full, without the unspecified one.
FieldSpec EnumField(AlertField id, std::string name, absl::string_view prefix,
                    const google::protobuf::EnumDescriptor* descriptor) {
  FieldSpec spec{id, std::move(name), FieldType::kEnum};
  for (int i = 0; i < descriptor->value_count(); ++i) {
    const google::protobuf::EnumValueDescriptor* value = descriptor->value(i);
    if (value->number() == 0) continue;
    absl::string_view short_name = value->name();
    absl::ConsumePrefix(&short_name, prefix);
    spec.enum_values.emplace_back(std::string(short_name), value->number());
    spec.enum_values.emplace_back(value->name(), value->number());
  }
  return spec;
}

FieldValue TimeOrNone(bool present, const google::protobuf::Timestamp& time) {
  if (!present) return std::monostate();
  return ToMicros(time);
}

FieldValue EnumOrNone(int number) {
  if (number == 0) return std::monostate();
  return static_cast<int64_t>(number);
}

}  // namespace

const FieldSchema& AlertSchema() {
  using lapse::v1::Alert;
  using lapse::v1::Monitor;
  static const FieldSchema* const schema = new FieldSchema({
      {kMonitor, "monitor", FieldType::kString},
      {kKey, "key", FieldType::kString},
      EnumField(kState, "state", "STATE_", Alert::State_descriptor()),
      EnumField(kReason, "reason", "REASON_", Alert::Reason_descriptor()),
      EnumField(kSeverity, "severity", "SEVERITY_", Monitor::Severity_descriptor()),
      {kLabels, "labels", FieldType::kString, /*is_map=*/true},
      {kDueTime, "due_time", FieldType::kTime},
      {kFireTime, "fire_time", FieldType::kTime},
      {kDetectedLate, "detected_late", FieldType::kBool},
  });
  return *schema;
}

FieldValue AlertFields::Resolve(int field_id, const std::string& key) const {
  switch (static_cast<AlertField>(field_id)) {
    case kMonitor:
      return absl::string_view(alert_.monitor());
    case kKey:
      return absl::string_view(alert_.key());
    case kState:
      return EnumOrNone(alert_.state());
    case kReason:
      return EnumOrNone(alert_.reason());
    case kSeverity:
      return EnumOrNone(alert_.severity());
    case kLabels: {
      const auto found = alert_.labels().find(key);
      if (found == alert_.labels().end()) return std::monostate();
      return absl::string_view(found->second);
    }
    case kDueTime:
      return TimeOrNone(alert_.has_due_time(), alert_.due_time());
    case kFireTime:
      return TimeOrNone(alert_.has_fire_time(), alert_.fire_time());
    case kDetectedLate:
      return alert_.detected_late();
  }
  return std::monostate();
}

bool AlertFields::HasEntries(int field_id) const {
  return field_id == kLabels && !alert_.labels().empty();
}

}  // namespace lapse
