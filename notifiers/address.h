// Mail addresses as notifiers name them: `ops@example.com` or `Ops team <ops@example.com>`.
#ifndef LAPSE_NOTIFIERS_ADDRESS_H_
#define LAPSE_NOTIFIERS_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lapse::notifiers {

struct Address {
  // UTF-8 without control characters; may be empty.
  std::string display_name;
  // local@domain in ASCII, so that it can stand in a header or an SMTP command as it is.
  std::string addr_spec;

  // The part after the last @; an address literal keeps its brackets.
  absl::string_view Domain() const;
};

// INVALID_ARGUMENT on `field` (reason ADDRESS_INVALID) for anything else: a list, a comment, a
// quoted local part, a control character, a local part over 64 bytes, or an address over
// limits::kMaxAddressBytes.
absl::StatusOr<Address> ParseAddress(absl::string_view text, absl::string_view field);

// As a header field has it: the display name quoted or encoded as needed. Has CRLF only as part of
// folding.
std::string FormatAddress(const Address& address);

}  // namespace lapse::notifiers

#endif  // LAPSE_NOTIFIERS_ADDRESS_H_
