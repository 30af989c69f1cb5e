// References to secrets: `file:/path` or `env:NAME`. A secret itself is never stored, logged or
// shown.
#ifndef LAPSE_NOTIFIERS_SECRET_H_
#define LAPSE_NOTIFIERS_SECRET_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lapse::notifiers {

// INVALID_ARGUMENT on `field` (reason SECRET_REF_INVALID) for another form. What was given may be
// the secret itself, so the message does not show it.
absl::Status ValidateSecretRef(absl::string_view ref, absl::string_view field);

// The secret, without the newline that ends a file. FAILED_PRECONDITION (reason SECRET_UNREADABLE),
// naming the file or variable, where it cannot be read, is empty, is over
// limits::kMaxPasswordBytes, or has a control character: a file of several lines is no password and
// does not leave this machine.
absl::StatusOr<std::string> ReadSecret(absl::string_view ref);

}  // namespace lapse::notifiers

#endif  // LAPSE_NOTIFIERS_SECRET_H_
