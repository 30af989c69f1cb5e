#include "notifiers/mail_message.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "notifiers/address.h"
#include "notifiers/alert_text.h"
#include "notifiers/mime.h"
#include "notifiers/text.h"

namespace lapse::notifiers {
namespace {

constexpr absl::string_view kEol = "\r\n";

// Ids are shorter.
constexpr size_t kMaxIdTokenBytes = 128;

// The part after the last '/', in characters that a Message-ID may hold.
std::string IdToken(absl::string_view name) {
  const size_t slash = name.rfind('/');
  if (slash != absl::string_view::npos) name.remove_prefix(slash + 1);
  std::string token(name.substr(0, kMaxIdTokenBytes));
  std::replace_if(
      token.begin(), token.end(),
      [](char c) { return !absl::ascii_isalnum(c) && c != '-' && c != '_'; }, '_');
  return token;
}

std::string AlertMessageId(const lapse::v1::Alert& alert, int64_t version,
                           const lapse::v1::Notifier& notifier, const Address& from) {
  return absl::StrCat("<", IdToken(alert.name()), ".", version, ".", IdToken(notifier.name()), "@",
                      from.Domain(), ">");
}

std::string MessageIdOf(const Message& message, const lapse::v1::Notifier& notifier,
                        const Address& from) {
  if (message.kind == Message::Kind::kAlert) {
    return AlertMessageId(message.alert, message.alert.version(), notifier, from);
  }
  return absl::StrCat("<", IdToken(message.idempotency_key), "@", from.Domain(), ">");
}

std::string ThreadHeaders(const Message& message, const lapse::v1::Notifier& notifier,
                          const Address& from) {
  if (message.kind != Message::Kind::kAlert || message.alert.version() <= 1) return "";
  const std::string first = AlertMessageId(message.alert, 1, notifier, from);
  return absl::StrCat("In-Reply-To: ", first, kEol, "References: ", first, kEol);
}

std::string PlainText(const MessageText& text) {
  std::string body = absl::StrCat(absl::StrJoin(text.sentences, "\n"), "\n");
  const auto section = [&body](const auto& rows, absl::string_view title, const auto& append) {
    if (rows.empty()) return;
    absl::StrAppend(&body, "\n", title.empty() ? "" : absl::StrCat(title, ":\n"));
    for (const auto& row : rows) append(row);
  };
  const auto named = [&body](const std::pair<std::string, std::string>& row) {
    absl::StrAppend(&body, "  ", row.first, ": ", row.second, "\n");
  };
  const auto plain = [&body](const std::string& row) { absl::StrAppend(&body, "  ", row, "\n"); };
  section(text.alert_lines, "", plain);
  section(text.facts, "", named);
  section(text.attributes, "Attributes of the primary event", named);
  section(text.commands, "To look closer", plain);
  return body;
}

void AppendTable(const std::vector<std::pair<std::string, std::string>>& rows, std::string* html) {
  absl::StrAppend(html, "<table cellpadding=\"3\">\n");
  for (const auto& [name, value] : rows) {
    absl::StrAppend(html, "<tr><td style=\"color:#666\">", HtmlEscape(name), "</td><td>",
                    HtmlEscape(value), "</td></tr>\n");
  }
  absl::StrAppend(html, "</table>\n");
}

std::string Html(const MessageText& text) {
  std::string html = "<!DOCTYPE html>\n<html><body style=\"font-family:sans-serif\">\n";
  for (const std::string& sentence : text.sentences) {
    absl::StrAppend(&html, "<p>", HtmlEscape(sentence), "</p>\n");
  }
  if (!text.alert_lines.empty()) {
    absl::StrAppend(&html, "<ul>\n");
    for (const std::string& line : text.alert_lines) {
      absl::StrAppend(&html, "<li>", HtmlEscape(line), "</li>\n");
    }
    absl::StrAppend(&html, "</ul>\n");
  }
  if (!text.facts.empty()) AppendTable(text.facts, &html);
  if (!text.attributes.empty()) {
    absl::StrAppend(&html, "<p>Attributes of the primary event:</p>\n");
    AppendTable(text.attributes, &html);
  }
  for (const std::string& command : text.commands) {
    absl::StrAppend(&html, "<pre>", HtmlEscape(command), "</pre>\n");
  }
  return html + "</body></html>\n";
}

std::string BodyPart(absl::string_view boundary, absl::string_view type, absl::string_view text) {
  return absl::StrCat("--", boundary, kEol, "Content-Type: ", type, "; charset=utf-8", kEol,
                      "Content-Transfer-Encoding: quoted-printable", kEol, kEol,
                      QuotedPrintable(text));
}

// Quoted-printable lines cannot hold "=_", so that no body line is taken for a boundary.
std::string Multipart(const MessageText& text, absl::string_view boundary) {
  return absl::StrCat("MIME-Version: 1.0", kEol, "Content-Type: multipart/alternative;", kEol,
                      " boundary=\"", boundary, "\"", kEol, kEol,
                      BodyPart(boundary, "text/plain", PlainText(text)),
                      BodyPart(boundary, "text/html", Html(text)), "--", boundary, "--", kEol);
}

std::string Headers(const Message& message, const Address& from, const std::vector<Address>& to) {
  const std::string recipients =
      absl::StrJoin(to, ",\r\n ", [](std::string* out, const Address& address) {
        absl::StrAppend(out, FormatAddress(address));
      });
  return absl::StrCat("Date: ", MailDate(message.create_time_us), kEol,
                      "From: ", FormatAddress(from), kEol, "To: ", recipients, kEol,
                      "Auto-Submitted: auto-generated", kEol,
                      "X-Lapse-Idempotency-Key: ", IdToken(message.idempotency_key), kEol);
}

}  // namespace

absl::StatusOr<Mail> BuildMail(const Message& message, const lapse::v1::Notifier& notifier) {
  const lapse::v1::EmailNotifier& email = notifier.email();
  ASSIGN_OR_RETURN(const Address from, ParseAddress(email.from(), "notifier.email.from"));
  std::vector<Address> to;
  for (int i = 0; i < email.to_size(); ++i) {
    const std::string field = absl::StrCat("notifier.email.to[", i, "]");
    ASSIGN_OR_RETURN(Address address, ParseAddress(email.to(i), field));
    to.push_back(std::move(address));
  }
  Mail mail;
  mail.sender = from.addr_spec;
  for (const Address& address : to) mail.recipients.push_back(address.addr_spec);
  mail.message_id = MessageIdOf(message, notifier, from);
  const MessageText text = TextOf(message, notifier.name());
  const std::string boundary = absl::StrCat("=_lapse_", IdToken(message.idempotency_key));
  mail.data = absl::StrCat(Headers(message, from, to), TextHeader("Subject", text.subject),
                           "Message-ID: ", mail.message_id, kEol,
                           ThreadHeaders(message, notifier, from), Multipart(text, boundary));
  return mail;
}

}  // namespace lapse::notifiers
