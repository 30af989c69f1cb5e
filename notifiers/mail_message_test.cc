#include "notifiers/mail_message.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "notifiers/test_messages.h"

namespace lapse::notifiers {
namespace {

using lapse::v1::Alert;
using lapse::v1::Notifier;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Mail Build(const Message& message, const Notifier& notifier = MailNotifier()) {
  const absl::StatusOr<Mail> mail = BuildMail(message, notifier);
  EXPECT_TRUE(mail.ok()) << mail.status();
  return mail.ok() ? *mail : Mail{};
}

// Names of the header's fields, in order.
std::vector<std::string> HeaderNames(const Mail& mail) {
  const std::string header = mail.data.substr(0, mail.data.find("\r\n\r\n"));
  std::vector<std::string> names;
  for (absl::string_view line : absl::StrSplit(header, "\r\n")) {
    if (!absl::StartsWith(line, " ")) names.emplace_back(line.substr(0, line.find(':')));
  }
  return names;
}

const char* const kHeaderNames[] = {
    "Date",    "From",       "To",           "Auto-Submitted", "X-Lapse-Idempotency-Key",
    "Subject", "Message-ID", "MIME-Version", "Content-Type"};

void ExpectWellFormed(const Mail& mail) {
  EXPECT_TRUE(absl::EndsWith(mail.data, "\r\n"));
  EXPECT_TRUE(std::all_of(mail.data.begin(), mail.data.end(),
                          [](char c) { return (c >= ' ' && c <= '~') || c == '\r' || c == '\n'; }));
  for (absl::string_view line : absl::StrSplit(mail.data, "\r\n")) {
    EXPECT_LE(line.size(), 998u);
    EXPECT_EQ(line.find_first_of("\r\n"), absl::string_view::npos) << line;
  }
}

TEST(BuildMailTest, HasEnvelopeAndHeaders) {
  Notifier notifier = MailNotifier();
  notifier.mutable_email()->add_to("Night shift <night@example.com>");
  const Mail mail = Build(AlertMessage(FiringAlert("A-17")), notifier);
  EXPECT_EQ(mail.sender, "lapse@example.com");
  EXPECT_THAT(mail.recipients, ElementsAre("ops@example.com", "night@example.com"));
  EXPECT_THAT(HeaderNames(mail), ::testing::ElementsAreArray(kHeaderNames));
  EXPECT_THAT(mail.data, HasSubstr("Date: Sun, 01 Mar 2026 12:00:10 +0000\r\n"));
  EXPECT_THAT(mail.data, HasSubstr("From: Lapse <lapse@example.com>\r\n"));
  EXPECT_THAT(mail.data, HasSubstr("To: ops@example.com,\r\n Night shift <night@example.com>\r\n"));
  EXPECT_THAT(mail.data,
              HasSubstr("X-Lapse-Idempotency-Key: 00112233445566778899aabbccddeeff\r\n"));
  ExpectWellFormed(mail);
}

TEST(BuildMailTest, TheSameDeliveryIsTheSameMailByteForByte) {
  const Message message = AlertMessage(FiringAlert("A-17"));
  EXPECT_EQ(Build(message).data, Build(message).data);
}

TEST(BuildMailTest, LaterVersionsAreThreadedToTheFirst) {
  const Mail first = Build(AlertMessage(FiringAlert("A-17")));
  const Mail second = Build(AlertMessage(ResolvedAlert("A-17")));
  EXPECT_EQ(first.message_id, "<a-A-17.1.ops-mail@example.com>");
  EXPECT_THAT(first.data, HasSubstr("Message-ID: <a-A-17.1.ops-mail@example.com>\r\n"));
  EXPECT_THAT(first.data, Not(HasSubstr("In-Reply-To")));
  EXPECT_EQ(second.message_id, "<a-A-17.2.ops-mail@example.com>");
  EXPECT_THAT(second.data, HasSubstr("In-Reply-To: <a-A-17.1.ops-mail@example.com>\r\n"
                                     "References: <a-A-17.1.ops-mail@example.com>\r\n"));
  ExpectWellFormed(second);
}

TEST(BuildMailTest, AnotherNotifierHasAThreadOfItsOwn) {
  Notifier other = MailNotifier();
  other.set_name("notifiers/night");
  EXPECT_EQ(Build(AlertMessage(FiringAlert("A-17")), other).message_id,
            "<a-A-17.1.night@example.com>");
}

TEST(BuildMailTest, ADigestHasItsIdempotencyKeyAsMessageId) {
  Message message = AlertMessage({});
  message.kind = Message::Kind::kDigest;
  message.digested_count = 30;
  for (int i = 0; i < 20; ++i) message.samples.push_back(FiringAlert(absl::StrCat("A-", i)));
  const Mail mail = Build(message);
  EXPECT_EQ(mail.message_id, "<00112233445566778899aabbccddeeff@example.com>");
  EXPECT_THAT(mail.data, HasSubstr("Subject: [Lapse] 30 more changes of alerts\r\n"));
  ExpectWellFormed(mail);
}

TEST(BuildMailTest, HtmlInValuesIsEscaped) {
  Alert alert = FiringAlert("<script>alert(1)</script>");
  (*alert.mutable_primary_event()->mutable_attributes())["<b>"].set_string_value("<img src=x>");
  const Mail mail = Build(AlertMessage(alert));
  const std::string html = mail.data.substr(mail.data.find("text/html"));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("<img")));
  EXPECT_THAT(html, Not(HasSubstr("<b>")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
}

TEST(BuildMailTest, NoFieldOfAMessageCanAddAHeaderOrEndTheBody) {
  const std::string kEvil[] = {
      "x\r\nBcc: evil@example.com\r\n\r\n<h1>body</h1>",
      "x\nBcc: evil@example.com",
      "x\rBcc: evil@example.com",
      std::string("x\0\r\nBcc: evil@example.com", 25),
      "\r\n.\r\nMAIL FROM:<evil@example.com>\r\n",
      "\r\n--=_lapse_00112233445566778899aabbccddeeff--\r\nBcc: evil@example.com",
      "=?UTF-8?Q?x=0D=0ABcc:_evil@example.com?=",
      "\u2028Bcc: evil@example.com",
      "\u0085Bcc: evil@example.com",
      "Gr\xC3\xBC\xC3\x9F"
      "e \xE6\x9D\xB1\xE4\xBA\xAC \xE2\x80\xAEgnirts",
      std::string(4'000, 'x'),
      std::string(4'000, ' '),
      "\xFF\xFE not utf8",
  };
  const std::function<void(Alert&, const std::string&)> kFields[] = {
      [](Alert& a, const std::string& s) { a.set_name("alerts/" + s); },
      [](Alert& a, const std::string& s) { a.set_monitor("monitors/" + s); },
      [](Alert& a, const std::string& s) { a.set_monitor_display_name(s); },
      [](Alert& a, const std::string& s) { a.set_key(s); },
      [](Alert& a, const std::string& s) { a.set_expected_event_type(s); },
      [](Alert& a, const std::string& s) { a.set_close_note(s); },
      [](Alert& a, const std::string& s) { (*a.mutable_labels())[s] = s; },
      [](Alert& a, const std::string& s) { a.mutable_primary_event()->set_id(s); },
      [](Alert& a, const std::string& s) { a.mutable_primary_event()->set_source(s); },
      [](Alert& a, const std::string& s) { a.mutable_primary_event()->set_type(s); },
      [](Alert& a, const std::string& s) { a.mutable_secondary_event()->set_source(s); },
      [](Alert& a, const std::string& s) {
        (*a.mutable_primary_event()->mutable_attributes())[s].set_string_value(s);
      },
  };
  for (const std::string& evil : kEvil) {
    for (size_t field = 0; field < std::size(kFields); ++field) {
      Alert alert = ResolvedAlert("A-17");
      alert.set_version(1);
      kFields[field](alert, evil);
      const Mail mail = Build(AlertMessage(alert));
      EXPECT_THAT(HeaderNames(mail), ::testing::ElementsAreArray(kHeaderNames)) << field << evil;
      ExpectWellFormed(mail);
      // The one that opens each part and the one that ends the mail.
      EXPECT_EQ(std::vector<std::string>(absl::StrSplit(mail.data, "\r\n--=_lapse_")).size(), 4u)
          << field << evil;
    }
  }
}

TEST(BuildMailTest, NoNameOfANotifierCanAddAHeader) {
  Notifier notifier = MailNotifier();
  notifier.set_name("notifiers/x>\r\nBcc: evil@example.com");
  Message message = AlertMessage(FiringAlert("A-17"));
  message.idempotency_key = "k\r\nBcc: evil@example.com";
  for (const Message::Kind kind :
       {Message::Kind::kAlert, Message::Kind::kDigest, Message::Kind::kTest}) {
    message.kind = kind;
    const Mail mail = Build(message, notifier);
    EXPECT_THAT(HeaderNames(mail), ::testing::ElementsAreArray(kHeaderNames));
  }
}

TEST(BuildMailTest, AnAddressThatIsNotOneIsRefused) {
  Notifier notifier = MailNotifier();
  notifier.mutable_email()->add_to("ops@example.com\r\nBcc: evil@example.com");
  const absl::Status status = BuildMail(AlertMessage(FiringAlert("A-17")), notifier).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DetailsOf(status).field, "notifier.email.to[1]");
}

}  // namespace
}  // namespace lapse::notifiers
