// The fields of lapse.v1.Event as filters know them: `type`, `source`, `id`, `occur_time`,
// `ingest_time`, `sequence` and `attributes.NAME`.
#ifndef LAPSE_BASE_FILTER_EVENT_FIELDS_H_
#define LAPSE_BASE_FILTER_EVENT_FIELDS_H_

#include <cstdint>
#include <string>

#include "base/filter/field.h"

namespace lapse::v1 {
class Event;
}  // namespace lapse::v1

namespace lapse {

// Ids of RequiredEquality and RequiredTimeRange.
enum EventField : int {
  kEventType,
  kEventSource,
  kEventId,
  kEventOccurTime,
  kEventIngestTime,
  kEventSequence,
  kEventAttributes,
};

const FieldSchema& EventSchema();

// Reads an event, which outlives it. `occur_time` not given is the receive time.
class EventFields : public FieldResolver {
 public:
  // An event that is complete: ingest_time and sequence are set.
  explicit EventFields(const lapse::v1::Event& event);
  // An event as it stands in the log, which has neither.
  EventFields(const lapse::v1::Event& event, int64_t sequence, int64_t receive_time_us)
      : event_(event), sequence_(sequence), receive_time_us_(receive_time_us) {}

  FieldValue Resolve(int field_id, const std::string& key) const override;
  bool HasEntries(int field_id) const override;

 private:
  FieldValue Attribute(const std::string& name) const;

  const lapse::v1::Event& event_;
  const int64_t sequence_;
  const int64_t receive_time_us_;
};

}  // namespace lapse

#endif  // LAPSE_BASE_FILTER_EVENT_FIELDS_H_
