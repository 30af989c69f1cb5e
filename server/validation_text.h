// What every text that a client sends must keep. Shared by the validations.
#ifndef LAPSE_SERVER_VALIDATION_TEXT_H_
#define LAPSE_SERVER_VALIDATION_TEXT_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace lapse::server {

// INVALID_ARGUMENT on `field`: `too_long_reason` above `max_bytes`, NOT_UTF8.
absl::Status ValidateText(absl::string_view field, absl::string_view text, size_t max_bytes,
                          absl::string_view too_long_reason);

}  // namespace lapse::server

#endif  // LAPSE_SERVER_VALIDATION_TEXT_H_
