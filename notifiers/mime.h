// The parts of RFC 5322 and MIME that Lapse writes. Everything returned is ASCII, its lines end in
// CRLF and are at most 998 characters long.
#ifndef LAPSE_NOTIFIERS_MIME_H_
#define LAPSE_NOTIFIERS_MIME_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace lapse::notifiers {

// A header field `name: text` CRLF, folded. `text` is any UTF-8; what is not plain ASCII goes into
// RFC 2047 words, and a control character never gets through.
std::string TextHeader(absl::string_view name, absl::string_view text);

// `text` as RFC 2047 encoded words, separated by CRLF and a space.
std::string EncodedWords(absl::string_view text);

// Of a body part; `text` has lines ending in LF.
std::string QuotedPrintable(absl::string_view text);

// As the Date field has it, in UTC.
std::string MailDate(int64_t time_us);

}  // namespace lapse::notifiers

#endif  // LAPSE_NOTIFIERS_MIME_H_
