// Events as lines of JSON.
#ifndef LAPSE_CLI_EVENT_JSON_H_
#define LAPSE_CLI_EVENT_JSON_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "lapse/v1/event.pb.h"

namespace lapse::cli {

// Reads protobuf's JSON of an Event, by proto or JSON field names. Attributes may be plain too:
// `{"type": "order_created", "attributes": {"order_id": "A-17", "amount": 12.5}}`; a number without
// '.', 'e' and 'E' is an int64, another a double. INVALID_ARGUMENT says what is wrong.
absl::Status ParseEventJson(absl::string_view line, lapse::v1::Event* event);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_EVENT_JSON_H_
