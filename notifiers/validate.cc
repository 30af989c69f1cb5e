#include "notifiers/validate.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "notifiers/address.h"
#include "notifiers/secret.h"
#include "notifiers/text.h"

namespace lapse::notifiers {
namespace {

using lapse::v1::EmailNotifier;

constexpr int kMaxPort = 65'535;

absl::Status ValidateLine(absl::string_view text, size_t max_bytes, absl::string_view field,
                          absl::string_view reason) {
  // Escaping changes what is not one line of plain UTF-8.
  if (text.size() <= max_bytes && OneLine(text, max_bytes + 3) == text) return absl::OkStatus();
  return InvalidField(field, reason,
                      absl::StrCat(field, " is ", Quoted(text), "; expected one line of at most ",
                                   max_bytes, " bytes of UTF-8 without control characters"));
}

bool IsHostLabel(absl::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_'; });
}

// Names, IPv4 addresses, and IPv6 addresses without brackets. Nothing that means something in a
// URL.
bool IsHost(absl::string_view host) {
  if (host.empty() || host.size() > limits::kMaxHostBytes) return false;
  if (absl::StrContains(host, ":")) {
    return std::all_of(host.begin(), host.end(),
                       [](char c) { return absl::ascii_isxdigit(c) || c == ':' || c == '.'; });
  }
  const std::vector<absl::string_view> labels = absl::StrSplit(absl::StripSuffix(host, "."), '.');
  return std::all_of(labels.begin(), labels.end(), IsHostLabel);
}

absl::Status ValidateServer(const EmailNotifier& email) {
  if (email.host().empty()) {
    return InvalidField("notifier.email.host", "HOST_MISSING", "notifier.email.host is required");
  }
  if (!IsHost(email.host())) {
    return InvalidField("notifier.email.host", "HOST_INVALID",
                        absl::StrCat("notifier.email.host is ", Quoted(email.host()),
                                     "; expected a host name or an IP address"));
  }
  if (email.port() < 0 || email.port() > kMaxPort) {
    return InvalidField("notifier.email.port", "PORT_INVALID",
                        absl::StrCat("notifier.email.port is ", email.port(),
                                     "; expected 1 to 65535, or 0 for the default"));
  }
  if (!EmailNotifier::Security_IsValid(email.security())) {
    return InvalidField("notifier.email.security", "SECURITY_INVALID",
                        absl::StrCat("notifier.email.security is ", email.security(),
                                     "; expected STARTTLS, TLS or NONE"));
  }
  return absl::OkStatus();
}

absl::Status ValidateLogin(const EmailNotifier& email) {
  RETURN_IF_ERROR(ValidateLine(email.username(), limits::kMaxUsernameBytes,
                               "notifier.email.username", "USERNAME_INVALID"));
  if (email.username().empty() && email.password_ref().empty()) return absl::OkStatus();
  if (email.username().empty()) {
    return InvalidField("notifier.email.username", "USERNAME_MISSING",
                        "notifier.email.username is required with password_ref");
  }
  if (email.password_ref().empty()) {
    return InvalidField("notifier.email.password_ref", "SECRET_REF_MISSING",
                        "notifier.email.password_ref is required with username");
  }
  return ValidateSecretRef(email.password_ref(), "notifier.email.password_ref");
}

absl::Status ValidateAddresses(const EmailNotifier& email) {
  if (email.from().empty()) {
    return InvalidField("notifier.email.from", "FROM_MISSING", "notifier.email.from is required");
  }
  RETURN_IF_ERROR(ParseAddress(email.from(), "notifier.email.from").status());
  const auto count = static_cast<size_t>(email.to_size());
  if (count == 0 || count > limits::kMaxEmailRecipients) {
    return InvalidField("notifier.email.to", "RECIPIENT_COUNT_INVALID",
                        absl::StrCat("notifier.email.to has ", count, " addresses; expected 1 to ",
                                     limits::kMaxEmailRecipients));
  }
  for (int i = 0; i < email.to_size(); ++i) {
    const std::string field = absl::StrCat("notifier.email.to[", i, "]");
    RETURN_IF_ERROR(ParseAddress(email.to(i), field).status());
  }
  return absl::OkStatus();
}

absl::Status ValidateTransport(const EmailNotifier& email) {
  RETURN_IF_ERROR(ValidateLine(email.ca_file(), limits::kMaxPathBytes, "notifier.email.ca_file",
                               "CA_FILE_INVALID"));
  if (!email.ca_file().empty() && !absl::StartsWith(email.ca_file(), "/")) {
    return InvalidField("notifier.email.ca_file", "CA_FILE_INVALID",
                        absl::StrCat("notifier.email.ca_file is ", Quoted(email.ca_file()),
                                     "; expected an absolute path"));
  }
  if (email.timeout_seconds() < 0 || email.timeout_seconds() > limits::kMaxEmailTimeoutSeconds) {
    return InvalidField(
        "notifier.email.timeout_seconds", "TIMEOUT_INVALID",
        absl::StrCat("notifier.email.timeout_seconds is ", email.timeout_seconds(),
                     "; expected 1 to ", limits::kMaxEmailTimeoutSeconds,
                     ", or 0 for the default of ", limits::kDefaultEmailTimeoutSeconds));
  }
  return absl::OkStatus();
}

absl::Status ValidateEmail(const EmailNotifier& email) {
  RETURN_IF_ERROR(ValidateServer(email));
  RETURN_IF_ERROR(ValidateLogin(email));
  RETURN_IF_ERROR(ValidateAddresses(email));
  return ValidateTransport(email);
}

}  // namespace

absl::Status ValidateNotifier(const lapse::v1::Notifier& notifier) {
  RETURN_IF_ERROR(ValidateLine(notifier.display_name(), limits::kMaxDisplayNameBytes,
                               "notifier.display_name", "DISPLAY_NAME_INVALID"));
  switch (notifier.kind_case()) {
    case lapse::v1::Notifier::kEmail:
      return ValidateEmail(notifier.email());
    case lapse::v1::Notifier::KIND_NOT_SET:
      break;
  }
  return InvalidField("notifier.email", "KIND_MISSING", "notifier has no kind; set notifier.email");
}

}  // namespace lapse::notifiers
