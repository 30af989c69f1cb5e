// From how libcurl ended and what the server answered to what it means for the delivery. Pure.
#ifndef LAPSE_NOTIFIERS_SMTP_RESULT_H_
#define LAPSE_NOTIFIERS_SMTP_RESULT_H_

#include <curl/curl.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "notifiers/channel.h"

namespace lapse::notifiers {

// What the server answered in one session, in order.
class SmtpReplies {
 public:
  // A line as it came, with its end.
  void AddLine(absl::string_view line);

  // Of the last complete reply but that to QUIT; 0 where none came.
  int last_code() const { return last_code_; }
  // Of the last reply, its lines joined by a space; cut.
  const std::string& last_text() const { return last_text_; }
  // Whether the server asked for the message's data.
  bool data_wanted() const { return data_wanted_; }
  // The replies that refuse a recipient, as text. Only meaningful once data was wanted, or no
  // recipient was taken.
  const std::vector<std::string>& refusals() const { return refusals_; }
  // Whether one of them was 4xx.
  bool refused_for_now() const { return refused_for_now_; }

 private:
  void EndReply(int code);

  std::string partial_;
  std::string last_text_;
  int last_code_ = 0;
  bool data_wanted_ = false;
  bool refused_for_now_ = false;
  std::vector<std::string> refusals_;
};

// `transport_error` is libcurl's message; `recipient_count` that of the mail. The error may hold
// secrets that the server echoed: the caller removes them.
SendResult SmtpResult(CURLcode code, const SmtpReplies& replies, absl::string_view transport_error,
                      int recipient_count);

}  // namespace lapse::notifiers

#endif  // LAPSE_NOTIFIERS_SMTP_RESULT_H_
