// The fields of lapse.v1.Alert as filters know them: `monitor`, `key`, `state`, `reason`,
// `severity`, `labels.NAME`, `due_time`, `fire_time` and `detected_late`. Enums are written short
// or in full: `state = FIRING`, `STATE_FIRING`.
#ifndef LAPSE_BASE_FILTER_ALERT_FIELDS_H_
#define LAPSE_BASE_FILTER_ALERT_FIELDS_H_

#include <string>

#include "base/filter/field.h"

namespace lapse::v1 {
class Alert;
}  // namespace lapse::v1

namespace lapse {

const FieldSchema& AlertSchema();

// Reads an alert, which outlives it.
class AlertFields : public FieldResolver {
 public:
  explicit AlertFields(const lapse::v1::Alert& alert) : alert_(alert) {}

  FieldValue Resolve(int field_id, const std::string& key) const override;
  bool HasEntries(int field_id) const override;

 private:
  const lapse::v1::Alert& alert_;
};

}  // namespace lapse

#endif  // LAPSE_BASE_FILTER_ALERT_FIELDS_H_
