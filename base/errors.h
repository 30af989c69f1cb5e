// Errors that a client can act on: an absl::Status with a stable reason and, where it fits, the
// field and a retry time. server/status.h is the one place that turns them into gRPC status with
// google.rpc details.
#ifndef LAPSE_BASE_ERRORS_H_
#define LAPSE_BASE_ERRORS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace lapse {

// Details carried in the payloads of a status.
struct ErrorDetails {
  // UPPER_SNAKE_CASE, such as `TYPE_MISSING`; goes into google.rpc.ErrorInfo.
  std::string reason;
  // Path of the field at fault, such as `monitor.follow_up.within`; goes into
  // google.rpc.BadRequest. May be empty.
  std::string field;
  // Goes into google.rpc.RetryInfo.
  std::optional<int64_t> retry_after_us;
};

// The message says what was wrong, with which value (cut to 80 bytes), and what is allowed.
absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message);
absl::Status InvalidField(absl::string_view field, absl::string_view reason,
                          absl::string_view message);
absl::Status Overloaded(absl::string_view reason, absl::string_view message,
                        int64_t retry_after_us);
absl::Status Unavailable(absl::string_view reason, absl::string_view message,
                         int64_t retry_after_us);

// What the factories above put in; empty for any other status.
ErrorDetails DetailsOf(const absl::Status& status);

// `status` with `prefix` and a dot in front of its field, for a message nested in another.
absl::Status WithFieldPrefix(const absl::Status& status, absl::string_view prefix);

// A value as an error shows it: in quotes, control characters and what is not UTF-8 escaped, cut to
// 80 bytes.
std::string Quoted(absl::string_view value);

}  // namespace lapse

#endif  // LAPSE_BASE_ERRORS_H_
