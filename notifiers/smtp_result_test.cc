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
    CURLcode code;
    std::vector<std::string> replies;
    SendOutcome outcome;
    int status_code;
    bool may_have_arrived;
  } kCases[] = {
      {"sent",
       CURLE_OK,
       {"220 x", "250 x", "250 from", "250 to", "354 go", "250 taken"},
       SendOutcome::kSent,
       250,
       true},
      {"no connection", CURLE_COULDNT_CONNECT, {}, SendOutcome::kReceiverDown, 0, false},
      {"no such host", CURLE_COULDNT_RESOLVE_HOST, {}, SendOutcome::kReceiverDown, 0, false},
      {"greeting 421",
       CURLE_WEIRD_SERVER_REPLY,
       {"421 busy"},
       SendOutcome::kReceiverDown,
       421,
       false},
      {"greeting 554",
       CURLE_WEIRD_SERVER_REPLY,
       {"554 no SMTP here"},
       SendOutcome::kMisconfigured,
       554,
       false},
      {"no STARTTLS",
       CURLE_USE_SSL_FAILED,
       {"220 x", "250 x"},
       SendOutcome::kReceiverDown,
       0,
       false},
      {"certificate",
       CURLE_PEER_FAILED_VERIFICATION,
       {"220 x", "250 x", "220 go"},
       SendOutcome::kReceiverDown,
       0,
       false},
      {"ca file",
       CURLE_SSL_CACERT_BADFILE,
       {"220 x", "250 x", "220 go"},
       SendOutcome::kMisconfigured,
       0,
       false},
      {"password",
       CURLE_LOGIN_DENIED,
       {"220 x", "250 x", "535 no"},
       SendOutcome::kMisconfigured,
       535,
       false},
      {"auth required",
       CURLE_SEND_ERROR,
       {"220 x", "250 x", "530 auth first"},
       SendOutcome::kMisconfigured,
       530,
       false},
      {"sender refused",
       CURLE_SEND_ERROR,
       {"220 x", "250 x", "550 no"},
       SendOutcome::kRefused,
       550,
       false},
      {"recipient refused",
       CURLE_SEND_ERROR,
       {"220 x", "250 x", "250 from", "550 no"},
       SendOutcome::kRefused,
       550,
       false},
      {"recipient refused, then QUIT answered",
       CURLE_SEND_ERROR,
       {"220 x", "250 x", "250 from", "550 no", "221 bye"},
       SendOutcome::kRefused,
       550,
       false},
      {"one recipient later, one never",
       CURLE_SEND_ERROR,
       {"220 x", "250 x", "250 from", "450 later", "550 no"},
       SendOutcome::kRetry,
       550,
       false},
      {"recipient later",
       CURLE_SEND_ERROR,
       {"220 x", "250 x", "250 from", "450 later"},
       SendOutcome::kRetry,
       450,
       false},
      {"mail later",
       CURLE_WEIRD_SERVER_REPLY,
       {"220 x", "250 x", "250 from", "250 to", "354 go", "451 later"},
       SendOutcome::kRetry,
       451,
       false},
      {"mail refused",
       CURLE_WEIRD_SERVER_REPLY,
       {"220 x", "250 x", "250 from", "250 to", "354 go", "554 spam"},
       SendOutcome::kRefused,
       554,
       false},
      {"mail refused, a recipient put off before",
       CURLE_WEIRD_SERVER_REPLY,
       {"220 x", "250 x", "250 from", "450 later", "250 to", "354 go", "554 spam"},
       SendOutcome::kRefused,
       554,
       false},
      {"closing down after data",
       CURLE_WEIRD_SERVER_REPLY,
       {"220 x", "250 x", "250 from", "250 to", "354 go", "421 bye"},
       SendOutcome::kReceiverDown,
       421,
       false},
      {"dropped after data",
       CURLE_RECV_ERROR,
       {"220 x", "250 x", "250 from", "250 to", "354 go"},
       SendOutcome::kReceiverDown,
       354,
       true},
      {"timed out after data",
       CURLE_OPERATION_TIMEDOUT,
       {"220 x", "250 x", "250 from", "250 to", "354 go"},
       SendOutcome::kReceiverDown,
       354,
       true},
      {"timed out before",
       CURLE_OPERATION_TIMEDOUT,
       {"220 x"},
       SendOutcome::kReceiverDown,
       0,
       false},
      {"stopped by us", CURLE_ABORTED_BY_CALLBACK, {"220 x"}, SendOutcome::kRetry, 0, false},
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
