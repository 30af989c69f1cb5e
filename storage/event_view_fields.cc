#include "storage/event_view_fields.h"

#include <optional>

#include "base/filter/event_fields.h"

namespace lapse::storage {

FieldValue EventViewFields::Resolve(int field_id, const std::string& key) const {
  switch (static_cast<EventField>(field_id)) {
    case kEventType:
      return event_.type();
    case kEventSource:
      return event_.source();
    case kEventId:
      return event_.id();
    case kEventOccurTime:
      return event_.has_occur_time() ? event_.occur_time_us() : receive_time_us_;
    case kEventIngestTime:
      return receive_time_us_;
    case kEventSequence:
      return sequence_;
    case kEventAttributes:
      return Attribute(key);
  }
  return std::monostate();
}

bool EventViewFields::HasEntries(int field_id) const {
  return field_id == kEventAttributes && event_.attribute_count() > 0;
}

FieldValue EventViewFields::Attribute(const std::string& name) const {
  const std::optional<EventAttribute> found = event_.FindAttribute(name);
  if (!found.has_value()) return std::monostate();
  switch (found->kind) {
    case EventAttribute::Kind::kString:
      return found->text;
    case EventAttribute::Kind::kBool:
      return found->number != 0;
    case EventAttribute::Kind::kInt64:
      return found->number;
    case EventAttribute::Kind::kDouble:
      return found->real;
  }
  return std::monostate();
}

}  // namespace lapse::storage
