#include "notifiers/validate.h"

#include <functional>
#include <string>

#include "absl/strings/match.h"
#include "base/errors.h"
#include "gtest/gtest.h"

namespace lapse::notifiers {
namespace {

using lapse::v1::EmailNotifier;
using lapse::v1::Notifier;

Notifier Good() {
  Notifier notifier;
  notifier.set_display_name("Ops mail");
  EmailNotifier& email = *notifier.mutable_email();
  email.set_host("mail.example.com");
  email.set_from("Lapse <lapse@example.com>");
  email.add_to("ops@example.com");
  email.add_to("Night shift <night@example.com>");
  return notifier;
}

TEST(ValidateNotifierTest, AcceptsWhatCanBeSentTo) {
  const std::function<void(Notifier&)> kCases[] = {
      [](Notifier&) {},
      [](Notifier& n) { n.mutable_email()->set_host("127.0.0.1"); },
      [](Notifier& n) { n.mutable_email()->set_host("::1"); },
      [](Notifier& n) { n.mutable_email()->set_host("localhost"); },
      [](Notifier& n) { n.mutable_email()->set_port(65'535); },
      [](Notifier& n) { n.mutable_email()->set_timeout_seconds(300); },
      [](Notifier& n) { n.mutable_email()->set_ca_file("/etc/ssl/own.pem"); },
      [](Notifier& n) { n.mutable_email()->set_security(EmailNotifier::SECURITY_NONE); },
      [](Notifier& n) {
        n.mutable_email()->set_username("lapse");
        n.mutable_email()->set_password_ref("env:SMTP_PASSWORD");
      },
      [](Notifier& n) {
        while (n.email().to_size() < 50) n.mutable_email()->add_to("ops@example.com");
      },
      [](Notifier& n) { n.clear_display_name(); },
  };
  for (const auto& change : kCases) {
    Notifier notifier = Good();
    change(notifier);
    EXPECT_TRUE(ValidateNotifier(notifier).ok()) << ValidateNotifier(notifier);
  }
}

TEST(ValidateNotifierTest, NamesTheFieldAtFault) {
  const struct {
    std::string field;
    std::string reason;
    std::function<void(Notifier&)> change;
  } kCases[] = {
      {"notifier.email", "KIND_MISSING", [](Notifier& n) { n.clear_email(); }},
      {"notifier.display_name", "DISPLAY_NAME_INVALID",
       [](Notifier& n) { n.set_display_name("a\r\nBcc: evil@example.com"); }},
      {"notifier.display_name", "DISPLAY_NAME_INVALID",
       [](Notifier& n) { n.set_display_name(std::string(129, 'x')); }},
      {"notifier.email.host", "HOST_MISSING", [](Notifier& n) { n.mutable_email()->clear_host(); }},
      {"notifier.email.host", "HOST_INVALID",
       [](Notifier& n) { n.mutable_email()->set_host("mail.example.com/x"); }},
      {"notifier.email.host", "HOST_INVALID",
       [](Notifier& n) { n.mutable_email()->set_host("user:secret@mail"); }},
      {"notifier.email.host", "HOST_INVALID",
       [](Notifier& n) { n.mutable_email()->set_host("mail\r\nX"); }},
      {"notifier.email.host", "HOST_INVALID",
       [](Notifier& n) { n.mutable_email()->set_host(std::string(254, 'a')); }},
      {"notifier.email.port", "PORT_INVALID", [](Notifier& n) { n.mutable_email()->set_port(-1); }},
      {"notifier.email.port", "PORT_INVALID",
       [](Notifier& n) { n.mutable_email()->set_port(65'536); }},
      {"notifier.email.security", "SECURITY_INVALID",
       [](Notifier& n) {
         n.mutable_email()->set_security(static_cast<EmailNotifier::Security>(9));
       }},
      {"notifier.email.username", "USERNAME_MISSING",
       [](Notifier& n) { n.mutable_email()->set_password_ref("env:X"); }},
      {"notifier.email.username", "USERNAME_INVALID",
       [](Notifier& n) { n.mutable_email()->set_username("a\r\nb"); }},
      {"notifier.email.password_ref", "SECRET_REF_MISSING",
       [](Notifier& n) { n.mutable_email()->set_username("lapse"); }},
      {"notifier.email.password_ref", "SECRET_REF_INVALID",
       [](Notifier& n) {
         n.mutable_email()->set_username("lapse");
         n.mutable_email()->set_password_ref("hunter2");
       }},
      {"notifier.email.from", "FROM_MISSING", [](Notifier& n) { n.mutable_email()->clear_from(); }},
      {"notifier.email.from", "ADDRESS_INVALID",
       [](Notifier& n) { n.mutable_email()->set_from("a@x.y\r\nBcc: evil@example.com"); }},
      {"notifier.email.to", "RECIPIENT_COUNT_INVALID",
       [](Notifier& n) { n.mutable_email()->clear_to(); }},
      {"notifier.email.to", "RECIPIENT_COUNT_INVALID",
       [](Notifier& n) {
         while (n.email().to_size() < 51) n.mutable_email()->add_to("ops@example.com");
       }},
      {"notifier.email.to[2]", "ADDRESS_INVALID",
       [](Notifier& n) { n.mutable_email()->add_to("x@y.z\nBcc: evil@example.com"); }},
      {"notifier.email.ca_file", "CA_FILE_INVALID",
       [](Notifier& n) { n.mutable_email()->set_ca_file("relative.pem"); }},
      {"notifier.email.timeout_seconds", "TIMEOUT_INVALID",
       [](Notifier& n) { n.mutable_email()->set_timeout_seconds(301); }},
      {"notifier.email.timeout_seconds", "TIMEOUT_INVALID",
       [](Notifier& n) { n.mutable_email()->set_timeout_seconds(-1); }},
  };
  for (const auto& c : kCases) {
    Notifier notifier = Good();
    c.change(notifier);
    const absl::Status status = ValidateNotifier(notifier);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.field;
    EXPECT_EQ(DetailsOf(status).field, c.field) << status;
    EXPECT_EQ(DetailsOf(status).reason, c.reason) << status;
    EXPECT_FALSE(absl::StrContains(status.message(), "hunter2")) << status;
  }
}

}  // namespace
}  // namespace lapse::notifiers
