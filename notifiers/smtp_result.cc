#include "notifiers/smtp_result.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"

namespace lapse::notifiers {
namespace {

constexpr size_t kMaxKeptReplyBytes = 1'024;
constexpr size_t kMaxKeptRefusals = limits::kMaxEmailRecipients;

// 530 "authentication required", 534 and 538 "mechanism too weak", 535 "credentials invalid".
bool IsAboutLogin(int code) { return code == 530 || code == 534 || code == 535 || code == 538; }

// The server understood no command: not an answer to a recipient.
bool IsAboutSyntax(int code) { return code >= 500 && code <= 504; }

bool IsSettingsFault(CURLcode code) {
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_NOT_BUILT_IN:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_LOGIN_DENIED:
      return true;
    default:
      return false;
  }
}

// Whether a command about this mail (MAIL, RCPT, DATA) was answered, rather than the greeting, EHLO
// or STARTTLS.
bool AnswersTheMail(CURLcode code, const SmtpReplies& replies) {
  return code == CURLE_SEND_ERROR || replies.data_wanted();
}

SendOutcome OutcomeOfFailure(CURLcode code, const SmtpReplies& replies) {
  const int reply = replies.last_code();
  if (IsSettingsFault(code) || IsAboutLogin(reply)) return SendOutcome::kMisconfigured;
  // 421 is the server's word for itself, whatever was asked.
  if (reply < 400 || reply == 421) return SendOutcome::kReceiverDown;
  if (!AnswersTheMail(code, replies)) {
    return reply < 500 ? SendOutcome::kReceiverDown : SendOutcome::kMisconfigured;
  }
  const bool some_later = !replies.data_wanted() && replies.refused_for_now();
  return reply < 500 || some_later ? SendOutcome::kRetry : SendOutcome::kRefused;
}

SendResult Success(const SmtpReplies& replies, int recipient_count) {
  SendResult result;
  result.status_code = replies.last_code();
  result.may_have_arrived = true;
  if (!replies.refusals().empty()) {
    result.error = absl::StrCat(replies.refusals().size(), " of ", recipient_count,
                                " recipients refused: ", replies.refusals().back());
  }
  return result;
}

}  // namespace

void SmtpReplies::AddLine(absl::string_view line) {
  line = absl::StripAsciiWhitespace(line);
  int code = 0;
  if (line.size() < 3 || !absl::SimpleAtoi(line.substr(0, 3), &code)) return;
  if (partial_.size() + line.size() <= kMaxKeptReplyBytes) {
    absl::StrAppend(&partial_, partial_.empty() ? "" : " ",
                    partial_.empty() ? line : line.substr(std::min<size_t>(4, line.size())));
  }
  if (line.size() == 3 || line[3] != '-') EndReply(code);
}

void SmtpReplies::EndReply(int code) {
  const std::string text = std::exchange(partial_, {});
  // Answers the QUIT that libcurl sends after a failure.
  if (code == 221) return;
  last_code_ = code;
  last_text_ = text;
  if (code == 354) data_wanted_ = true;
  if (code < 400 || data_wanted_ || IsAboutSyntax(code)) return;
  refused_for_now_ = refused_for_now_ || code < 500;
  if (refusals_.size() < kMaxKeptRefusals) refusals_.push_back(last_text_);
}

SendResult SmtpResult(CURLcode code, const SmtpReplies& replies, absl::string_view transport_error,
                      int recipient_count) {
  if (code == CURLE_OK) return Success(replies, recipient_count);
  SendResult result;
  result.outcome =
      code == CURLE_ABORTED_BY_CALLBACK ? SendOutcome::kRetry : OutcomeOfFailure(code, replies);
  const bool answered = replies.last_code() >= 400;
  // 354 is the last reply where the data went out, or was going out, and no answer came.
  result.may_have_arrived = replies.last_code() == 354;
  result.status_code = answered || result.may_have_arrived ? replies.last_code() : 0;
  result.error = answered ? replies.last_text() : std::string(transport_error);
  return result;
}

}  // namespace lapse::notifiers
