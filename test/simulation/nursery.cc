#include "test/simulation/nursery.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "spdlog/spdlog.h"
#include "test/simulation/determinism.h"

namespace lapse::simulation {
namespace {

// A life that hangs is ended after so long.
constexpr unsigned kAlarmSeconds = 300;
constexpr size_t kMaxMessageBytes = 64 << 10;
// Between the parts of what is told; a failure may have lines.
constexpr char kSeparator = '\x1e';

void Tell(int socket, std::string message) {
  message.resize(std::min(message.size(), kMaxMessageBytes));
  if (::send(socket, message.data(), message.size(), 0) < 0) std::abort();
}

// The whole of a life's process, without return.
[[noreturn]] void LiveAndTell(int socket, const LifeOptions& options) {
  FixMemoryAndCounter();
  ::alarm(kAlarmSeconds);
  spdlog::set_level(options.verbose ? spdlog::level::info : spdlog::level::off);
  const LifeReport report = Live(options);
  std::string message = absl::StrCat(options.seed);
  const auto add = [&message](const std::string& part) {
    absl::StrAppend(&message, std::string(1, kSeparator), part);
  };
  add(report.status.ok() ? "" : report.status.ToString().substr(0, kMaxMessageBytes / 2));
  add(absl::StrFormat("%016x", report.trace));
  for (const auto& [name, count] : report.counts) add(absl::StrCat(count, " ", name));
  Tell(socket, message);
  ::_exit(0);
}

// Watches over one life.
[[noreturn]] void Guard(int socket, const LifeOptions& options) {
  ::signal(SIGCHLD, SIG_DFL);
  const pid_t pid = ::fork();
  if (pid == 0) LiveAndTell(socket, options);
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid) std::abort();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    const std::string cause = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM
                                  ? std::string("it hangs")
                                  : absl::StrCat("its process ended with status ", status);
    Tell(socket, absl::StrCat(options.seed, std::string(1, kSeparator), cause));
  }
  ::_exit(0);
}

// Every life is a fork of a process in which nothing happens: forks alone.
[[noreturn]] void Mother(int socket) {
  ::signal(SIGCHLD, SIG_IGN);
  LifeOptions options;
  while (::recv(socket, &options, sizeof(options), 0) == sizeof(options)) {
    const pid_t pid = ::fork();
    if (pid < 0) std::abort();
    if (pid == 0) Guard(socket, options);
  }
  ::_exit(0);
}

}  // namespace

Nursery::Nursery() {
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) std::abort();
  const pid_t pid = ::fork();
  if (pid < 0) std::abort();
  if (pid == 0) {
    ::close(sockets[0]);
    Mother(sockets[1]);
  }
  ::close(sockets[1]);
  socket_ = sockets[0];
}

Nursery::~Nursery() { ::close(socket_); }

void Nursery::Start(const LifeOptions& options) {
  if (::send(socket_, &options, sizeof(options), 0) != sizeof(options)) std::abort();
}

Nursery::Told Nursery::Wait() {
  std::string message(kMaxMessageBytes, '\0');
  const ssize_t size = ::recv(socket_, message.data(), message.size(), 0);
  if (size <= 0) std::abort();
  message.resize(static_cast<size_t>(size));
  std::vector<std::string> parts = absl::StrSplit(message, kSeparator);
  Told told;
  if (parts.size() < 2 || !absl::SimpleAtoi(parts[0], &told.seed)) std::abort();
  told.failure = parts[1];
  if (parts.size() > 2) {
    told.trace = parts[2];
    told.counts.assign(parts.begin() + 3, parts.end());
  }
  return told;
}

}  // namespace lapse::simulation
