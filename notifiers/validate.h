// What a notifier must be before it is stored.
#ifndef LAPSE_NOTIFIERS_VALIDATE_H_
#define LAPSE_NOTIFIERS_VALIDATE_H_

#include "absl/status/status.h"
#include "lapse/v1/notifier.pb.h"

namespace lapse::notifiers {

// INVALID_ARGUMENT on the first field at fault, by its path from `notifier`
// (`notifier.email.to[2]`). Looks at the display name and the kind; name, uid, etag and times are
// the server's. Reads no file and no variable.
absl::Status ValidateNotifier(const lapse::v1::Notifier& notifier);

}  // namespace lapse::notifiers

#endif  // LAPSE_NOTIFIERS_VALIDATE_H_
