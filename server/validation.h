// Whether what a client sends is fit to be kept. The limits are those of base/limits.h.
#ifndef LAPSE_SERVER_VALIDATION_H_
#define LAPSE_SERVER_VALIDATION_H_

#include <cstdint>

#include "absl/status/status.h"
#include "lapse/v1/event.pb.h"

namespace lapse::server {

// INVALID_ARGUMENT with the field (relative to the event, such as `attributes[amount]`) and one of
// the reasons TYPE_MISSING, TYPE_TOO_LONG, SOURCE_TOO_LONG, ID_TOO_LONG, TOO_MANY_ATTRIBUTES,
// ATTRIBUTE_NAME_EMPTY, ATTRIBUTE_NAME_TOO_LONG, ATTRIBUTE_WITHOUT_VALUE, ATTRIBUTE_VALUE_TOO_LONG,
// ATTRIBUTE_NOT_FINITE, NOT_UTF8, OCCUR_TIME_BEFORE_1970, OCCUR_TIME_INVALID, OCCUR_TIME_IN_FUTURE,
// OCCUR_TIME_TOO_OLD. Of several faults one is told, always the same. `max_age_us` is how far
// before `now_us` occur_time may be; 0 means no limit.
absl::Status ValidateEvent(const lapse::v1::Event& event, int64_t now_us, int64_t max_age_us = 0);

}  // namespace lapse::server

#endif  // LAPSE_SERVER_VALIDATION_H_
