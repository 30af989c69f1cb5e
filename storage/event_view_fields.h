// The fields of an event, read in place, as filters know them (base/filter/event_fields.h).
#ifndef LAPSE_STORAGE_EVENT_VIEW_FIELDS_H_
#define LAPSE_STORAGE_EVENT_VIEW_FIELDS_H_

#include <cstdint>
#include <string>

#include "base/filter/field.h"
#include "storage/event_view.h"

namespace lapse::storage {

// Gives what EventFields gives for the same event. The event outlives it.
class EventViewFields : public FieldResolver {
 public:
  EventViewFields(const EventView& event, int64_t sequence, int64_t receive_time_us)
      : event_(event), sequence_(sequence), receive_time_us_(receive_time_us) {}

  FieldValue Resolve(int field_id, const std::string& key) const override;
  bool HasEntries(int field_id) const override;

 private:
  FieldValue Attribute(const std::string& name) const;

  const EventView& event_;
  const int64_t sequence_;
  const int64_t receive_time_us_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_EVENT_VIEW_FIELDS_H_
