// Whether a monitor that a client sends is fit to be put in force, and the values in force where it
// says nothing.
#ifndef LAPSE_SERVER_VALIDATION_MONITOR_H_
#define LAPSE_SERVER_VALIDATION_MONITOR_H_

#include "absl/status/status.h"
#include "lapse/v1/monitor.pb.h"

namespace lapse::server {

// INVALID_ARGUMENT with the field (relative to the monitor, such as
// `follow_up.primary.key_attribute`) and a reason: NAME_INVALID, ID_INVALID, DISPLAY_NAME_TOO_LONG,
// DESCRIPTION_TOO_LONG, SEVERITY_INVALID, TOO_MANY_LABELS, LABEL_KEY_EMPTY, LABEL_KEY_TOO_LONG,
// LABEL_VALUE_TOO_LONG, TOO_MANY_NOTIFIERS, NOTIFIER_REPEATED, NOT_UTF8, CONDITION_MISSING,
// PATTERN_MISSING, EVENT_TYPE_MISSING, EVENT_TYPE_TOO_LONG, KEY_ATTRIBUTE_MISSING,
// KEY_ATTRIBUTE_TOO_LONG, FILTER_* (base/filter/filter.h, with the column), PATTERN_REPEATED,
// WITHIN_MISSING, WITHIN_NOT_POSITIVE, WITHIN_TOO_LONG, GRACE_NEGATIVE, GRACE_TOO_LONG,
// REORDER_TOLERANCE_NEGATIVE, REORDER_TOLERANCE_TOO_LONG, CLOCK_SKEW_NEGATIVE, CLOCK_SKEW_TOO_LONG,
// DURATION_INVALID, ON_REPEAT_INVALID. Whether its notifiers exist is not looked at.
absl::Status ValidateMonitor(const lapse::v1::Monitor& monitor);

// Fills in the defaults, so that a reader sees the values in force: display_name, severity,
// on_repeat, grace, reorder_tolerance, clock_skew. `monitor` is valid.
void NormalizeMonitor(lapse::v1::Monitor* monitor);

}  // namespace lapse::server

#endif  // LAPSE_SERVER_VALIDATION_MONITOR_H_
