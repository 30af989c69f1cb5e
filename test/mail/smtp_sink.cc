#include "test/mail/smtp_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace lapse::test {
namespace {

namespace fs = std::filesystem;

constexpr char kScript[] = "test/mail/smtp_sink.py";
constexpr char kPython[] = "/usr/bin/python3";

absl::Status SystemError(absl::string_view what, int error) {
  return absl::InternalError(absl::StrCat(what, ": ", std::strerror(error)));
}

absl::StatusOr<int> Spawn(const std::vector<std::string>& command, int input, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (input >= 0) posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  if (output >= 0) posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  std::vector<char*> argv;
  argv.reserve(command.size() + 1);
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return SystemError(command[0], error);
  return pid;
}

int WaitForExit(int pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string ReadAll(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

void WriteAll(const fs::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

void AddValue(absl::string_view name, const std::string& value, ReceivedMail* mail) {
  if (absl::ConsumePrefix(&name, "header:")) {
    mail->header_names.emplace_back(name);
    mail->headers[std::string(name)] = value;
    return;
  }
  if (name == "sender") mail->sender = value;
  if (name == "recipient") mail->recipients.push_back(value);
  if (name == "content_type") mail->content_types.push_back(value);
  if (name == "text") mail->text = value;
  if (name == "html") mail->html = value;
  if (name == "defect") mail->defects.push_back(value);
}

ReceivedMail ReadMail(fs::path eml) {
  ReceivedMail mail;
  mail.raw = ReadAll(eml);
  const std::string parsed = ReadAll(eml.replace_extension(".parsed"));
  for (absl::string_view line : absl::StrSplit(parsed, '\n', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(line, '\t');
    std::string value;
    if (!absl::Base64Unescape(parts.second, &value)) mail.defects.emplace_back("not base64");
    AddValue(parts.first, value, &mail);
  }
  if (parsed.empty()) mail.defects.push_back(absl::StrCat("no picture of ", eml.string()));
  return mail;
}

std::vector<std::string> CommandOf(const SmtpSinkOptions& options, const std::string& folder,
                                   const TestCertificate& certificate) {
  std::vector<std::string> command = {kPython,
                                      kScript,
                                      "--folder",
                                      folder,
                                      "--parsed",
                                      "--quiet",
                                      "--exit-with-stdin",
                                      "--port",
                                      absl::StrCat(options.port),
                                      "--tls",
                                      options.tls};
  const auto add = [&command](const std::string& flag, const std::string& value) {
    if (value.empty() || value == "0") return;
    command.push_back(flag);
    command.push_back(value);
  };
  add("--cert", certificate.cert_file);
  add("--key", certificate.key_file);
  if (!options.user.empty()) {
    const std::string password_file = folder + "/sink.password";
    WriteAll(password_file, options.password + "\n");
    add("--user", options.user);
    add("--password-file", password_file);
  }
  add("--fail-first", absl::StrCat(options.fail_first));
  for (const std::string& address : options.refused_recipients) add("--refuse", address);
  add("--refuse-mails", absl::StrCat(options.refuse_mails_with));
  add("--drop-after-data", absl::StrCat(options.drop_after_data));
  add("--hang", options.hang);
  return command;
}

// The process ends its output when it ends, so that this does not wait for ever.
absl::StatusOr<int> ReadPort(int output) {
  std::string line;
  char c = 0;
  while (read(output, &c, 1) == 1 && c != '\n') line.push_back(c);
  int port = 0;
  if (absl::StartsWith(line, "port ") && absl::SimpleAtoi(line.substr(5), &port)) return port;
  return absl::InternalError(absl::StrCat("the mail sink did not start: \"", line, "\""));
}

// Wakes when a file appears in a folder.
class FolderWatch {
 public:
  explicit FolderWatch(const std::string& folder) : fd_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    inotify_add_watch(fd_, folder.c_str(), IN_MOVED_TO);
  }
  ~FolderWatch() { close(fd_); }
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  void Wait(int64_t timeout_us) const {
    pollfd poll_fd = {fd_, POLLIN, 0};
    poll(&poll_fd, 1, static_cast<int>(timeout_us / limits::kMicrosPerMilli) + 1);
    char events[4'096];
    while (read(fd_, events, sizeof(events)) > 0) {
    }
  }

 private:
  const int fd_;
};

}  // namespace

std::string MakeTestFolder() {
  const char* base = std::getenv("TEST_TMPDIR");
  std::string folder = absl::StrCat(base != nullptr ? base : "/tmp", "/mail.XXXXXX");
  if (mkdtemp(folder.data()) == nullptr) std::abort();
  return folder;
}

absl::StatusOr<TestCertificate> MakeTestCertificate(const std::string& folder) {
  TestCertificate made{folder + "/sink.cert.pem", folder + "/sink.key.pem"};
  ASSIGN_OR_RETURN(
      const int pid,
      Spawn({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-days", "2", "-batch", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost", "-keyout", made.key_file, "-out", made.cert_file},
            -1, -1));
  if (WaitForExit(pid) != 0) return absl::InternalError("openssl made no certificate");
  return made;
}

absl::StatusOr<std::unique_ptr<SmtpSink>> SmtpSink::Start(const SmtpSinkOptions& options) {
  std::unique_ptr<SmtpSink> sink(new SmtpSink);
  sink->folder_ = options.folder.empty() ? MakeTestFolder() : options.folder;
  if (options.tls != "none") {
    ASSIGN_OR_RETURN(sink->certificate_, MakeTestCertificate(sink->folder_));
  }
  int input[2];
  int output[2];
  if (pipe2(input, O_CLOEXEC) != 0) return SystemError("pipe", errno);
  sink->input_ = input[1];
  if (pipe2(output, O_CLOEXEC) != 0) return SystemError("pipe", errno);
  sink->output_ = output[0];
  const absl::StatusOr<int> pid =
      Spawn(CommandOf(options, sink->folder_, sink->certificate_), input[0], output[1]);
  close(input[0]);
  close(output[1]);
  RETURN_IF_ERROR(pid.status());
  sink->pid_ = *pid;
  ASSIGN_OR_RETURN(sink->port_, ReadPort(sink->output_));
  return sink;
}

SmtpSink::~SmtpSink() {
  Kill();
  if (input_ >= 0) close(input_);
  if (output_ >= 0) close(output_);
}

void SmtpSink::Kill() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  WaitForExit(pid_);
  pid_ = -1;
}

std::vector<ReceivedMail> SmtpSink::Mails() const {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (entry.path().extension() == ".eml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<ReceivedMail> mails;
  mails.reserve(files.size());
  for (const fs::path& file : files) mails.push_back(ReadMail(file));
  return mails;
}

std::vector<ReceivedMail> SmtpSink::WaitForMails(size_t count, int64_t timeout_us) const {
  const FolderWatch watch(folder_);
  const int64_t give_up_us = RealClock().SteadyUs() + timeout_us;
  std::vector<ReceivedMail> mails = Mails();
  while (mails.size() < count && RealClock().SteadyUs() < give_up_us) {
    watch.Wait(give_up_us - RealClock().SteadyUs());
    mails = Mails();
  }
  return mails;
}

}  // namespace lapse::test
