// A real SMTP server for tests: smtp_sink.py in a process of its own.
#ifndef LAPSE_TEST_MAIL_SMTP_SINK_H_
#define LAPSE_TEST_MAIL_SMTP_SINK_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lapse::test {

struct SmtpSinkOptions {
  // "none", "starttls" or "smtps".
  std::string tls = "none";
  // 0 takes a free port.
  int port = 0;
  // Where mails go; empty: a folder of its own under the test's temporary one.
  std::string folder;
  // Require AUTH where not empty.
  std::string user;
  std::string password;
  // The faults of smtp_sink.py.
  int fail_first = 0;
  std::vector<std::string> refused_recipients;
  int refuse_mails_with = 0;
  int drop_after_data = 0;
  // What it never answers: "", "greeting", "data", "kept" (the data, once the mail is kept) or
  // "quit".
  std::string hang;
};

// What Python's email package makes of a mail.
struct ReceivedMail {
  std::string sender;
  std::vector<std::string> recipients;
  // As sent, in order, repeated ones too.
  std::vector<std::string> header_names;
  // Decoded, by name.
  std::map<std::string, std::string> headers;
  std::vector<std::string> content_types;
  std::string text;
  std::string html;
  // What is wrong with the mail; empty for a good one.
  std::vector<std::string> defects;
  // The bytes as they came.
  std::string raw;
};

// A certificate for the name localhost (not for 127.0.0.1) that signs itself.
struct TestCertificate {
  std::string cert_file;
  std::string key_file;
};

// Makes one with openssl in `folder`.
absl::StatusOr<TestCertificate> MakeTestCertificate(const std::string& folder);

// A new empty folder, which lives as long as the test's temporary one.
std::string MakeTestFolder();

// Not thread-safe. The process ends with the object, or with the test's process.
class SmtpSink {
 public:
  // Returns when the server listens on 127.0.0.1.
  static absl::StatusOr<std::unique_ptr<SmtpSink>> Start(const SmtpSinkOptions& options);
  ~SmtpSink();
  SmtpSink(const SmtpSink&) = delete;
  SmtpSink& operator=(const SmtpSink&) = delete;

  int port() const { return port_; }
  const std::string& folder() const { return folder_; }
  // What a client must trust; empty without TLS.
  const std::string& ca_file() const { return certificate_.cert_file; }

  // The mails so far, in the order they came.
  std::vector<ReceivedMail> Mails() const;
  // Waits, watching the folder, until there are at least `count`, or `timeout_us` of real time have
  // passed; returns what there is then.
  std::vector<ReceivedMail> WaitForMails(size_t count, int64_t timeout_us = 30'000'000) const;

  // Ends the process at once, as a crash would. Idempotent.
  void Kill();

 private:
  SmtpSink() = default;

  int port_ = 0;
  int pid_ = -1;
  // Our ends of the process's standard input and output.
  int input_ = -1;
  int output_ = -1;
  std::string folder_;
  TestCertificate certificate_;
};

}  // namespace lapse::test

#endif  // LAPSE_TEST_MAIL_SMTP_SINK_H_
