#include "notifiers/email_channel.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "notifiers/mail_message.h"
#include "notifiers/secret.h"
#include "notifiers/smtp_result.h"
#include "notifiers/text.h"

namespace lapse::notifiers {
namespace {

using lapse::v1::EmailNotifier;

constexpr int kSubmissionPort = 587;
constexpr int kTlsPort = 465;
constexpr int kDataWanted = 354;
// For QUIT and its answer, once the mail is answered or libcurl's own time-out has passed.
constexpr int64_t kQuitGraceUs = limits::kMicrosPerSecond / 2;

struct EasyDeleter {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// One send. Its addresses are given to libcurl: it stays where it is.
struct Session {
  Mail mail;
  std::string password;
  size_t sent_bytes = 0;
  SmtpReplies replies;
  const std::atomic<bool>* cancelled = nullptr;
  int64_t quit_by_us = INT64_MAX;
  char error[CURL_ERROR_SIZE] = {};
  std::unique_ptr<CURLU, UrlDeleter> url;
  std::unique_ptr<curl_slist, ListDeleter> recipients;
  std::unique_ptr<CURL, EasyDeleter> curl;
};

size_t ReadMail(char* buffer, size_t size, size_t count, void* context) {
  auto* session = static_cast<Session*>(context);
  const std::string& data = session->mail.data;
  const size_t bytes = std::min(size * count, data.size() - session->sent_bytes);
  data.copy(buffer, bytes, session->sent_bytes);
  session->sent_bytes += bytes;
  return bytes;
}

size_t KeepReply(char* line, size_t size, size_t count, void* context) {
  auto* session = static_cast<Session*>(context);
  session->replies.AddLine(absl::string_view(line, size * count));
  const bool mail_answered =
      session->replies.data_wanted() && session->replies.last_code() != kDataWanted;
  if (mail_answered) {
    session->quit_by_us = std::min(session->quit_by_us, RealClock().SteadyUs() + kQuitGraceUs);
  }
  return size * count;
}

size_t IgnoreBody(char*, size_t size, size_t count, void*) { return size * count; }

// Called by libcurl at least once a second, also while it waits for the answer to QUIT, which its
// own time-out leaves out.
int StopWhenCancelledOrLate(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto* session = static_cast<Session*>(context);
  return session->cancelled->load() || RealClock().SteadyUs() > session->quit_by_us ? 1 : 0;
}

int TimeoutSeconds(const EmailNotifier& email) {
  return email.timeout_seconds() != 0 ? email.timeout_seconds()
                                      : limits::kDefaultEmailTimeoutSeconds;
}

absl::Status Check(CURLcode code) {
  if (code == CURLE_OK) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("mail set-up: ", curl_easy_strerror(code)));
}

template <typename T>
absl::Status Set(Session& session, CURLoption option, T value) {
  return Check(curl_easy_setopt(session.curl.get(), option, value));
}

int PortOf(const EmailNotifier& email) {
  if (email.port() != 0) return email.port();
  return email.security() == EmailNotifier::SECURITY_TLS ? kTlsPort : kSubmissionPort;
}

absl::Status SetUrl(const EmailNotifier& email, Session& session) {
  const bool tls = email.security() == EmailNotifier::SECURITY_TLS;
  const bool ipv6 = absl::StrContains(email.host(), ":");
  const std::string host = ipv6 ? absl::StrCat("[", email.host(), "]") : email.host();
  session.url.reset(curl_url());
  CURLU* url = session.url.get();
  const bool set =
      url != nullptr &&
      curl_url_set(url, CURLUPART_SCHEME, tls ? "smtps" : "smtp", 0) == CURLUE_OK &&
      curl_url_set(url, CURLUPART_HOST, host.c_str(), 0) == CURLUE_OK &&
      curl_url_set(url, CURLUPART_PORT, absl::StrCat(PortOf(email)).c_str(), 0) == CURLUE_OK;
  if (!set) return absl::InvalidArgumentError("the host or port of the mail server is not valid");
  RETURN_IF_ERROR(Set(session, CURLOPT_CURLU, url));
  RETURN_IF_ERROR(Set(session, CURLOPT_PROTOCOLS_STR, "smtp,smtps"));
  return Set(session, CURLOPT_NOPROXY, "*");
}

absl::Status SetSecurity(const EmailNotifier& email, Session& session) {
  const bool clear = email.security() == EmailNotifier::SECURITY_NONE;
  RETURN_IF_ERROR(
      Set(session, CURLOPT_USE_SSL, static_cast<long>(clear ? CURLUSESSL_NONE : CURLUSESSL_ALL)));
  RETURN_IF_ERROR(Set(session, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2)));
  RETURN_IF_ERROR(Set(session, CURLOPT_SSL_VERIFYPEER, 1L));
  RETURN_IF_ERROR(Set(session, CURLOPT_SSL_VERIFYHOST, 2L));
  if (email.ca_file().empty()) return absl::OkStatus();
  // Those authorities alone, not the system's besides.
  RETURN_IF_ERROR(Set(session, CURLOPT_CAPATH, static_cast<const char*>(nullptr)));
  return Set(session, CURLOPT_CAINFO, email.ca_file().c_str());
}

absl::Status SetLogin(const EmailNotifier& email, Session& session) {
  if (email.username().empty()) return absl::OkStatus();
  RETURN_IF_ERROR(Set(session, CURLOPT_USERNAME, email.username().c_str()));
  return Set(session, CURLOPT_PASSWORD, session.password.c_str());
}

absl::Status SetMail(Session& session) {
  RETURN_IF_ERROR(
      Set(session, CURLOPT_MAIL_FROM, absl::StrCat("<", session.mail.sender, ">").c_str()));
  for (const std::string& recipient : session.mail.recipients) {
    const std::string path = absl::StrCat("<", recipient, ">");
    curl_slist* list = curl_slist_append(session.recipients.get(), path.c_str());
    if (list == nullptr) return absl::ResourceExhaustedError("no memory for the recipients");
    // The list's head does not move: only the first append makes it.
    if (session.recipients == nullptr) session.recipients.reset(list);
  }
  RETURN_IF_ERROR(Set(session, CURLOPT_MAIL_RCPT, session.recipients.get()));
  RETURN_IF_ERROR(Set(session, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L));
  RETURN_IF_ERROR(Set(session, CURLOPT_UPLOAD, 1L));
  RETURN_IF_ERROR(
      Set(session, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(session.mail.data.size())));
  RETURN_IF_ERROR(Set(session, CURLOPT_READFUNCTION, &ReadMail));
  return Set(session, CURLOPT_READDATA, static_cast<void*>(&session));
}

absl::Status SetTransfer(const EmailNotifier& email, Session& session) {
  const long timeout_seconds = TimeoutSeconds(email);
  RETURN_IF_ERROR(Set(session, CURLOPT_TIMEOUT, timeout_seconds));
  RETURN_IF_ERROR(Set(session, CURLOPT_CONNECTTIMEOUT, timeout_seconds));
  // A connection that were kept would say QUIT when the session ends, and wait two minutes for an
  // answer that we cannot cut.
  RETURN_IF_ERROR(Set(session, CURLOPT_FORBID_REUSE, 1L));
  // Signals are the process's; without them name look-ups time out by a thread.
  RETURN_IF_ERROR(Set(session, CURLOPT_NOSIGNAL, 1L));
  RETURN_IF_ERROR(Set(session, CURLOPT_ERRORBUFFER, static_cast<char*>(session.error)));
  RETURN_IF_ERROR(Set(session, CURLOPT_HEADERFUNCTION, &KeepReply));
  RETURN_IF_ERROR(Set(session, CURLOPT_HEADERDATA, static_cast<void*>(&session)));
  RETURN_IF_ERROR(Set(session, CURLOPT_WRITEFUNCTION, &IgnoreBody));
  RETURN_IF_ERROR(Set(session, CURLOPT_NOPROGRESS, 0L));
  RETURN_IF_ERROR(Set(session, CURLOPT_XFERINFOFUNCTION, &StopWhenCancelledOrLate));
  return Set(session, CURLOPT_XFERINFODATA, static_cast<void*>(&session));
}

absl::Status SetUp(const EmailNotifier& email, Session& session) {
  session.curl.reset(curl_easy_init());
  if (session.curl == nullptr) return absl::ResourceExhaustedError("no memory for a mail session");
  RETURN_IF_ERROR(SetUrl(email, session));
  RETURN_IF_ERROR(SetSecurity(email, session));
  RETURN_IF_ERROR(SetLogin(email, session));
  RETURN_IF_ERROR(SetMail(session));
  return SetTransfer(email, session);
}

absl::Status Prepare(const Message& message, const lapse::v1::Notifier& notifier,
                     Session& session) {
  ASSIGN_OR_RETURN(session.mail, BuildMail(message, notifier));
  if (!notifier.email().username().empty()) {
    ASSIGN_OR_RETURN(session.password, ReadSecret(notifier.email().password_ref()));
  }
  return SetUp(notifier.email(), session);
}

// A server may echo what it was sent, plainly or as AUTH encodes it.
std::string WithoutSecrets(std::string text, const std::string& user, const std::string& password) {
  const std::string plain =
      absl::StrCat(absl::string_view("\0", 1), user, absl::string_view("\0", 1), password);
  for (const std::string& secret : {absl::Base64Escape(plain), absl::Base64Escape(password),
                                    absl::Base64Escape(user), password, user}) {
    if (!secret.empty()) text = absl::StrReplaceAll(text, {{secret, "***"}});
  }
  return text;
}

SendResult Perform(const EmailNotifier& email, Session& session) {
  session.quit_by_us =
      RealClock().SteadyUs() + TimeoutSeconds(email) * limits::kMicrosPerSecond + kQuitGraceUs;
  const CURLcode code = curl_easy_perform(session.curl.get());
  const char* error = session.error[0] != '\0' ? session.error : curl_easy_strerror(code);
  SendResult result =
      SmtpResult(code, session.replies, error, static_cast<int>(session.mail.recipients.size()));
  result.error = OneLine(WithoutSecrets(result.error, email.username(), session.password),
                         limits::kMaxTryErrorBytes);
  return result;
}

}  // namespace

EmailChannel::EmailChannel() {
  // Not undone: others in the process may use libcurl until it ends. Where it fails, so does each
  // curl_easy_init.
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(initialised);
}

SendResult EmailChannel::Send(const Message& message, const lapse::v1::Notifier& notifier) {
  Session session;
  session.cancelled = &cancelled_;
  const absl::Status prepared = Prepare(message, notifier, session);
  if (prepared.ok()) return Perform(notifier.email(), session);
  SendResult result;
  result.outcome = SendOutcome::kMisconfigured;
  result.error = OneLine(prepared.message(), limits::kMaxTryErrorBytes);
  return result;
}

void EmailChannel::Cancel() { cancelled_ = true; }

}  // namespace lapse::notifiers
