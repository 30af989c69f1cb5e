// A message as a mail: RFC 5322, multipart/alternative of plain text and HTML.
#ifndef LAPSE_NOTIFIERS_MAIL_MESSAGE_H_
#define LAPSE_NOTIFIERS_MAIL_MESSAGE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "lapse/v1/notifier.pb.h"
#include "notifiers/channel.h"

namespace lapse::notifiers {

struct Mail {
  // The envelope, as local@domain.
  std::string sender;
  std::vector<std::string> recipients;
  // With its angle brackets.
  std::string message_id;
  // Header and body, ASCII, lines ending in CRLF and at most 998 characters long.
  std::string data;
};

// Pure: the same arguments give the same bytes, so that a repeated try is the same mail.
//
// The Message-ID is <{alert id}.{version}.{notifier id}@{domain of `from`}>; from version 2 on,
// In-Reply-To and References name that of version 1, which puts all mails of an alert to a notifier
// in one thread. A digest's and a test's is
// <{idempotency key}@...>. Header X-Lapse-Idempotency-Key holds the delivery's key.
//
// Nothing in the message can add a header or end the body. INVALID_ARGUMENT where an address of the
// notifier is not valid.
absl::StatusOr<Mail> BuildMail(const Message& message, const lapse::v1::Notifier& notifier);

}  // namespace lapse::notifiers

#endif  // LAPSE_NOTIFIERS_MAIL_MESSAGE_H_
