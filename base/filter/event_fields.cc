#include "base/filter/event_fields.h"

#include "base/proto_time.h"
#include "lapse/v1/event.pb.h"

namespace lapse {
namespace {

using lapse::v1::Value;

}  // namespace

const FieldSchema& EventSchema() {
  static const FieldSchema* const schema = new FieldSchema({
      {kEventType, "type", FieldType::kString},
      {kEventSource, "source", FieldType::kString},
      {kEventId, "id", FieldType::kString},
      {kEventOccurTime, "occur_time", FieldType::kTime},
      {kEventIngestTime, "ingest_time", FieldType::kTime},
      {kEventSequence, "sequence", FieldType::kNumber},
      {kEventAttributes, "attributes", FieldType::kAny, /*is_map=*/true},
  });
  return *schema;
}

EventFields::EventFields(const lapse::v1::Event& event)
    : event_(event), sequence_(event.sequence()), receive_time_us_(ToMicros(event.ingest_time())) {}

FieldValue EventFields::Resolve(int field_id, const std::string& key) const {
  switch (static_cast<EventField>(field_id)) {
    case kEventType:
      return absl::string_view(event_.type());
    case kEventSource:
      return absl::string_view(event_.source());
    case kEventId:
      return absl::string_view(event_.id());
    case kEventOccurTime:
      return event_.has_occur_time() ? ToMicros(event_.occur_time()) : receive_time_us_;
    case kEventIngestTime:
      return receive_time_us_;
    case kEventSequence:
      return sequence_;
    case kEventAttributes:
      return Attribute(key);
  }
  return std::monostate();
}

bool EventFields::HasEntries(int field_id) const {
  return field_id == kEventAttributes && !event_.attributes().empty();
}

FieldValue EventFields::Attribute(const std::string& name) const {
  const auto found = event_.attributes().find(name);
  if (found == event_.attributes().end()) return std::monostate();
  const Value& value = found->second;
  switch (value.kind_case()) {
    case Value::kStringValue:
      return absl::string_view(value.string_value());
    case Value::kBoolValue:
      return value.bool_value();
    case Value::kInt64Value:
      return value.int64_value();
    case Value::kDoubleValue:
      return value.double_value();
    case Value::KIND_NOT_SET:
      break;
  }
  return std::monostate();
}

}  // namespace lapse
