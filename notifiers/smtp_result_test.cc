#include "notifiers/smtp_result.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace lapse::notifiers {
namespace {

SmtpReplies Replies(const std::vector<std::string>& lines) {
  SmtpReplies replies;
  for (const std::string& line : lines) replies.AddLine(line + "\r\n");
  return replies;
}

TEST(SmtpRepliesTest, JoinsTheLinesOfAReply) {
  const SmtpReplies replies = Replies({"220 hello", "250-sink", "250-SIZE 1", "250 HELP"});
  EXPECT_EQ(replies.last_code(), 250);
  EXPECT_EQ(replies.last_text(), "250-sink SIZE 1 HELP");
  EXPECT_FALSE(replies.data_wanted());
}

TEST(SmtpRepliesTest, BoundsWhatItKeeps) {
  SmtpReplies replies;
  for (int i = 0; i < 10'000; ++i) replies.AddLine("250-" + std::string(500, 'x'));
  replies.AddLine("250 end");
  EXPECT_LE(replies.last_text().size(), 1'024u);
}

TEST(SmtpResultTest, OutcomeFollowsFromWhatWasAnsweredToWhat) {
  const struct {
    const char* name;
    std::vector<std::string> replies;
    CURLcode code;
    SendOutcome outcome;
    int status_code;
    bool may_have_arrived;
  } kCases[] = {
      {"sent",
       {"220 x", "250 x", "250 from", "250 to", "354 go", "250 taken"},
       CURLE_OK,
       SendOutcome::kSent,
       250,
       true},
      {"no connection", {}, CURLE_COULDNT_CONNECT, SendOutcome::kReceiverDown, 0, false},
      {"no such host", {}, CURLE_COULDNT_RESOLVE_HOST, SendOutcome::kReceiverDown, 0, false},
      {"greeting 421",
       {"421 busy"},
       CURLE_WEIRD_SERVER_REPLY,
       SendOutcome::kReceiverDown,
       421,
       false},
      {"greeting 554",
       {"554 no SMTP here"},
       CURLE_WEIRD_SERVER_REPLY,
       SendOutcome::kMisconfigured,
       554,
       false},
      {"no STARTTLS",
       {"220 x", "250 x"},
       CURLE_USE_SSL_FAILED,
       SendOutcome::kReceiverDown,
       0,
       false},
      {"certificate",
       {"220 x", "250 x", "220 go"},
       CURLE_PEER_FAILED_VERIFICATION,
       SendOutcome::kReceiverDown,
       0,
       false},
      {"ca file",
       {"220 x", "250 x", "220 go"},
       CURLE_SSL_CACERT_BADFILE,
       SendOutcome::kMisconfigured,
       0,
       false},
      {"password",
       {"220 x", "250 x", "535 no"},
       CURLE_LOGIN_DENIED,
       SendOutcome::kMisconfigured,
       535,
       false},
      {"auth required",
       {"220 x", "250 x", "530 auth first"},
       CURLE_SEND_ERROR,
       SendOutcome::kMisconfigured,
       530,
       false},
      {"sender refused",
       {"220 x", "250 x", "550 no"},
       CURLE_SEND_ERROR,
       SendOutcome::kRefused,
       550,
       false},
      {"recipient refused",
       {"220 x", "250 x", "250 from", "550 no"},
       CURLE_SEND_ERROR,
       SendOutcome::kRefused,
       550,
       false},
      {"recipient refused, then QUIT answered",
       {"220 x", "250 x", "250 from", "550 no", "221 bye"},
       CURLE_SEND_ERROR,
       SendOutcome::kRefused,
       550,
       false},
      {"one recipient later, one never",
       {"220 x", "250 x", "250 from", "450 later", "550 no"},
       CURLE_SEND_ERROR,
       SendOutcome::kRetry,
       550,
       false},
      {"recipient later",
       {"220 x", "250 x", "250 from", "450 later"},
       CURLE_SEND_ERROR,
       SendOutcome::kRetry,
       450,
       false},
      {"mail later",
       {"220 x", "250 x", "250 from", "250 to", "354 go", "451 later"},
       CURLE_WEIRD_SERVER_REPLY,
       SendOutcome::kRetry,
       451,
       false},
      {"mail refused",
       {"220 x", "250 x", "250 from", "250 to", "354 go", "554 spam"},
       CURLE_WEIRD_SERVER_REPLY,
       SendOutcome::kRefused,
       554,
       false},
      {"mail refused, a recipient put off before",
       {"220 x", "250 x", "250 from", "450 later", "250 to", "354 go", "554 spam"},
       CURLE_WEIRD_SERVER_REPLY,
       SendOutcome::kRefused,
       554,
       false},
      {"closing down after data",
       {"220 x", "250 x", "250 from", "250 to", "354 go", "421 bye"},
       CURLE_WEIRD_SERVER_REPLY,
       SendOutcome::kReceiverDown,
       421,
       false},
      {"dropped after data",
       {"220 x", "250 x", "250 from", "250 to", "354 go"},
       CURLE_RECV_ERROR,
       SendOutcome::kReceiverDown,
       354,
       true},
      {"timed out after data",
       {"220 x", "250 x", "250 from", "250 to", "354 go"},
       CURLE_OPERATION_TIMEDOUT,
       SendOutcome::kReceiverDown,
       354,
       true},
      {"timed out before",
       {"220 x"},
       CURLE_OPERATION_TIMEDOUT,
       SendOutcome::kReceiverDown,
       0,
       false},
      {"stopped by us", {"220 x"}, CURLE_ABORTED_BY_CALLBACK, SendOutcome::kRetry, 0, false},
  };
  for (const auto& c : kCases) {
    const SendResult result = SmtpResult(c.code, Replies(c.replies), "transport failed", 1);
    EXPECT_EQ(result.outcome, c.outcome) << c.name;
    EXPECT_EQ(result.status_code, c.status_code) << c.name;
    EXPECT_EQ(result.may_have_arrived, c.may_have_arrived) << c.name;
    EXPECT_EQ(result.error.empty(), c.outcome == SendOutcome::kSent) << c.name;
  }
}

TEST(SmtpResultTest, TheServersWordsGoBeforeTheTransports) {
  EXPECT_EQ(SmtpResult(CURLE_SEND_ERROR, Replies({"220 x", "550 no such user"}), "failed", 1).error,
            "550 no such user");
  EXPECT_EQ(SmtpResult(CURLE_COULDNT_CONNECT, Replies({}), "failed", 1).error, "failed");
}

TEST(SmtpResultTest, NamesARefusalWhereOtherRecipientsAccepted) {
  const SmtpReplies replies = Replies(
      {"220 x", "502 no EHLO", "250 x", "250 from", "550 who?", "250 to", "354 go", "250 taken"});
  EXPECT_EQ(SmtpResult(CURLE_OK, replies, "", 2).error, "1 of 2 recipients refused: 550 who?");
}

}  // namespace
}  // namespace lapse::notifiers
