#include "notifiers/email_channel.h"

#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "notifiers/test_messages.h"
#include "test/mail/smtp_sink.h"

namespace lapse::notifiers {
namespace {

using lapse::test::ReceivedMail;
using lapse::test::SmtpSink;
using lapse::test::SmtpSinkOptions;
using lapse::v1::EmailNotifier;
using lapse::v1::Notifier;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kPassword[] = "hunter2-very-secret";

class EmailChannelTest : public ::testing::Test {
 protected:
  void SetUp() override { setenv("LAPSE_TEST_PASSWORD", kPassword, 1); }

  void StartSink(const SmtpSinkOptions& options) {
    absl::StatusOr<std::unique_ptr<SmtpSink>> sink = SmtpSink::Start(options);
    ASSERT_TRUE(sink.ok()) << sink.status();
    sink_ = *std::move(sink);
    notifier_ = MailNotifier(sink_->port());
    notifier_.mutable_email()->set_ca_file(sink_->ca_file());
    if (options.tls == "starttls") email().set_security(EmailNotifier::SECURITY_STARTTLS);
    if (options.tls == "smtps") email().set_security(EmailNotifier::SECURITY_TLS);
    if (!options.user.empty()) {
      email().set_username(options.user);
      email().set_password_ref("env:LAPSE_TEST_PASSWORD");
    }
  }

  EmailNotifier& email() { return *notifier_.mutable_email(); }
  SendResult Send(const lapse::v1::Alert& alert = FiringAlert("A-17")) {
    return channel_.Send(AlertMessage(alert), notifier_);
  }

  std::unique_ptr<SmtpSink> sink_;
  Notifier notifier_;
  EmailChannel channel_;
};

TEST_F(EmailChannelTest, SendsByStartTlsWithAuth) {
  StartSink({.tls = "starttls", .user = "lapse", .password = kPassword});
  email().add_to("Night shift <night@example.com>");
  const SendResult result = Send();
  EXPECT_EQ(result.outcome, SendOutcome::kSent) << result.error;
  EXPECT_EQ(result.status_code, 250);
  EXPECT_EQ(result.error, "");
  const auto mails = sink_->WaitForMails(1);
  ASSERT_EQ(mails.size(), 1u);
  const ReceivedMail& mail = mails[0];
  EXPECT_EQ(mail.sender, "lapse@example.com");
  EXPECT_THAT(mail.recipients, ElementsAre("ops@example.com", "night@example.com"));
  EXPECT_EQ(mail.headers.at("Subject"),
            "[Lapse] FIRING order delivered: A-17 - order_delivered did not follow order_created "
            "within 10 s");
  EXPECT_EQ(mail.headers.at("To"), "ops@example.com, Night shift <night@example.com>");
  EXPECT_THAT(mail.content_types, ElementsAre("text/plain", "text/html"));
  EXPECT_THAT(mail.text,
              HasSubstr("order_delivered did not follow order_created within 10 s.\r\n"));
  EXPECT_THAT(mail.text, HasSubstr("lapsectl alerts get alerts/a-A-17\r\n"));
  EXPECT_THAT(mail.html, HasSubstr("<td>A-17</td>"));
  EXPECT_THAT(mail.defects, IsEmpty());
}

TEST_F(EmailChannelTest, SendsByTlsFromTheFirstByte) {
  StartSink({.tls = "smtps", .user = "lapse", .password = kPassword});
  const SendResult result = Send();
  EXPECT_EQ(result.outcome, SendOutcome::kSent) << result.error;
  EXPECT_EQ(sink_->Mails().size(), 1u);
}

TEST_F(EmailChannelTest, SendsInTheClearWhereAskedTo) {
  StartSink({});
  EXPECT_EQ(Send().outcome, SendOutcome::kSent);
  EXPECT_EQ(sink_->Mails().size(), 1u);
}

TEST_F(EmailChannelTest, AServerWithoutStartTlsGetsNothing) {
  StartSink({});
  email().set_security(EmailNotifier::SECURITY_STARTTLS);
  const SendResult result = Send();
  EXPECT_EQ(result.outcome, SendOutcome::kReceiverDown);
  EXPECT_THAT(result.error, HasSubstr("STARTTLS"));
  EXPECT_FALSE(result.may_have_arrived);
  EXPECT_THAT(sink_->Mails(), IsEmpty());
}

TEST_F(EmailChannelTest, ACertificateThatIsNotTrustedGetsNothing) {
  StartSink({.tls = "starttls", .user = "lapse", .password = kPassword});
  email().clear_ca_file();
  const SendResult result = Send();
  EXPECT_EQ(result.outcome, SendOutcome::kReceiverDown);
  EXPECT_THAT(result.error, HasSubstr("certificate"));
  EXPECT_THAT(sink_->Mails(), IsEmpty());
}

TEST_F(EmailChannelTest, ACertificateOfAnotherHostGetsNothing) {
  StartSink({.tls = "starttls"});
  email().set_host("127.0.0.1");
  const SendResult result = Send();
  EXPECT_EQ(result.outcome, SendOutcome::kReceiverDown);
  EXPECT_THAT(result.error, HasSubstr("subject name"));
  EXPECT_THAT(sink_->Mails(), IsEmpty());
}

TEST_F(EmailChannelTest, AMissingCaFileIsAFaultOfTheSettings) {
  StartSink({.tls = "starttls"});
  email().set_ca_file("/no/such/ca.pem");
  const SendResult result = Send();
  EXPECT_EQ(result.outcome, SendOutcome::kMisconfigured);
  EXPECT_THAT(result.error, HasSubstr("/no/such/ca.pem"));
}

TEST_F(EmailChannelTest, AWrongPasswordIsAFaultOfTheSettingsAndIsNotShown) {
  StartSink({.tls = "starttls", .user = "lapse", .password = "another"});
  const SendResult result = Send();
  EXPECT_EQ(result.outcome, SendOutcome::kMisconfigured);
  EXPECT_EQ(result.status_code, 535);
  EXPECT_THAT(result.error, HasSubstr("535"));
  EXPECT_THAT(result.error, Not(HasSubstr(kPassword)));
  EXPECT_THAT(result.error, Not(HasSubstr(absl::Base64Escape(kPassword))));
  EXPECT_THAT(sink_->Mails(), IsEmpty());
}

TEST_F(EmailChannelTest, AMissingLoginIsAFaultOfTheSettings) {
  StartSink({.tls = "starttls", .user = "lapse", .password = kPassword});
  email().clear_username();
  email().clear_password_ref();
  const SendResult result = Send();
  EXPECT_EQ(result.outcome, SendOutcome::kMisconfigured);
  EXPECT_EQ(result.status_code, 530);
}

TEST_F(EmailChannelTest, APasswordThatCannotBeReadIsAFaultOfTheSettings) {
  StartSink({});
  email().set_username("lapse");
  email().set_password_ref("file:/no/such/password");
  const SendResult result = Send();
  EXPECT_EQ(result.outcome, SendOutcome::kMisconfigured);
  EXPECT_THAT(result.error, HasSubstr("/no/such/password"));
}

TEST_F(EmailChannelTest, ATemporaryRefusalIsTriedAgain) {
  StartSink({.fail_first = 1});
  const SendResult first = Send();
  EXPECT_EQ(first.outcome, SendOutcome::kRetry);
  EXPECT_EQ(first.status_code, 451);
  EXPECT_EQ(first.error, "451 4.3.0 try again later");
  EXPECT_EQ(Send().outcome, SendOutcome::kSent);
}

TEST_F(EmailChannelTest, ARefusedRecipientIsForGood) {
  StartSink({.refused_recipients = {"ops@example.com"}});
  const SendResult result = Send();
  EXPECT_EQ(result.outcome, SendOutcome::kRefused);
  EXPECT_EQ(result.status_code, 550);
  EXPECT_EQ(result.error, "550 5.1.1 no such mailbox here");
}

TEST_F(EmailChannelTest, ARefusedMailIsForGood) {
  StartSink({.refuse_mails_with = 554});
  EXPECT_EQ(Send().outcome, SendOutcome::kRefused);
}

TEST_F(EmailChannelTest, OneRefusedRecipientDoesNotKeepTheMailFromTheOthers) {
  StartSink({.refused_recipients = {"ops@example.com"}});
  email().add_to("night@example.com");
  const SendResult result = Send();
  EXPECT_EQ(result.outcome, SendOutcome::kSent);
  EXPECT_EQ(result.error, "1 of 2 recipients refused: 550 5.1.1 no such mailbox here");
  const auto mails = sink_->Mails();
  ASSERT_EQ(mails.size(), 1u);
  EXPECT_THAT(mails[0].recipients, ElementsAre("night@example.com"));
}

TEST_F(EmailChannelTest, AConnectionDroppedAfterDataMayHaveArrivedAndIsSentAgainAsTheSameMail) {
  StartSink({.drop_after_data = 1});
  const SendResult first = Send();
  EXPECT_EQ(first.outcome, SendOutcome::kReceiverDown);
  EXPECT_TRUE(first.may_have_arrived);
  EXPECT_EQ(Send().outcome, SendOutcome::kSent);
  const auto mails = sink_->Mails();
  ASSERT_EQ(mails.size(), 2u);
  EXPECT_EQ(mails[0].headers.at("Message-ID"), mails[1].headers.at("Message-ID"));
  EXPECT_EQ(mails[0].raw, mails[1].raw);
}

TEST_F(EmailChannelTest, NoServerIsTriedAgain) {
  StartSink({});
  sink_->Kill();
  const SendResult result = Send();
  EXPECT_EQ(result.outcome, SendOutcome::kReceiverDown);
  EXPECT_EQ(result.status_code, 0);
  EXPECT_THAT(result.error, HasSubstr("connect"));
}

TEST_F(EmailChannelTest, AServerThatHangsTimesOut) {
  StartSink({.hang = "greeting"});
  email().set_timeout_seconds(1);
  const SendResult result = Send();
  EXPECT_EQ(result.outcome, SendOutcome::kReceiverDown);
  EXPECT_FALSE(result.may_have_arrived);
  EXPECT_THAT(result.error, HasSubstr("timed out"));
}

TEST_F(EmailChannelTest, AServerThatHangsAfterDataMayHaveTheMail) {
  StartSink({.hang = "data"});
  email().set_timeout_seconds(1);
  const SendResult result = Send();
  EXPECT_EQ(result.outcome, SendOutcome::kReceiverDown);
  EXPECT_TRUE(result.may_have_arrived);
}

TEST_F(EmailChannelTest, AServerThatHangsAfterTheMailDoesNotHoldUpTheNextOne) {
  StartSink({.hang = "quit"});
  email().set_timeout_seconds(300);
  EXPECT_EQ(Send().outcome, SendOutcome::kSent);
  EXPECT_EQ(sink_->Mails().size(), 1u);
}

TEST_F(EmailChannelTest, CancelEndsASendUnderWay) {
  StartSink({.hang = "greeting"});
  email().set_timeout_seconds(300);
  SendResult result;
  std::thread sender([&] { result = Send(); });
  channel_.Cancel();
  sender.join();
  EXPECT_EQ(result.outcome, SendOutcome::kRetry);
}

TEST_F(EmailChannelTest, WhatIsInjectedArrivesAsText) {
  StartSink({});
  lapse::v1::Alert alert = FiringAlert("A-17\r\nBcc: evil@example.com\r\n\r\n.\r\nQUIT");
  alert.set_monitor_display_name(
      "Gr\xC3\xBC\xC3\x9F"
      "e \xE6\x9D\xB1\xE4\xBA\xAC");
  alert.set_close_note(".\r\n.\r\n");
  (*alert.mutable_primary_event()->mutable_attributes())["note"].set_string_value(
      std::string(4'000, 'x'));
  email().set_from("J\xC3\xBCrgen, Ops <lapse@example.com>");
  EXPECT_EQ(Send(alert).outcome, SendOutcome::kMisconfigured);
  email().set_from("\"J\xC3\xBCrgen, Ops\" <lapse@example.com>");
  ASSERT_EQ(Send(alert).outcome, SendOutcome::kSent);
  const auto mails = sink_->Mails();
  ASSERT_EQ(mails.size(), 1u);
  const ReceivedMail& mail = mails[0];
  EXPECT_THAT(mail.header_names,
              ElementsAre("Date", "From", "To", "Auto-Submitted", "X-Lapse-Idempotency-Key",
                          "Subject", "Message-ID", "MIME-Version", "Content-Type"));
  EXPECT_THAT(mail.headers.at("Subject"),
              HasSubstr("Gr\xC3\xBC\xC3\x9F"
                        "e \xE6\x9D\xB1\xE4\xBA\xAC: A-17\\r\\nBcc: evil"));
  EXPECT_EQ(mail.headers.at("From"), "\"J\xC3\xBCrgen, Ops\" <lapse@example.com>");
  EXPECT_THAT(mail.text,
              HasSubstr("key: A-17\\r\\nBcc: evil@example.com\\r\\n\\r\\n.\\r\\nQUIT\r\n"));
  EXPECT_THAT(mail.text, HasSubstr(std::string(1'000, 'x')));
  EXPECT_THAT(mail.recipients, ElementsAre("ops@example.com"));
  EXPECT_THAT(mail.defects, IsEmpty());
}

TEST_F(EmailChannelTest, ALineOfADotAloneArrives) {
  StartSink({});
  Message message = AlertMessage(FiringAlert("."));
  message.alert.set_close_note(".");
  ASSERT_EQ(channel_.Send(message, notifier_).outcome, SendOutcome::kSent);
  EXPECT_THAT(sink_->Mails()[0].text, HasSubstr("key: .\r\n"));
}

}  // namespace
}  // namespace lapse::notifiers
