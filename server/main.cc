// lapsed, the server.

#include <malloc.h>
#include <signal.h>

#include <cstdio>
#include <string>

#include "base/clock.h"
#include "server/lapse_server.h"
#include "server/options.h"
#include "spdlog/spdlog.h"

namespace {

// Before any thread is started, so that all inherit it and only this one takes the signals.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

// Requests and commits take buffers of up to some megabytes many times a second: without this each
// would come from the kernel, and its pages be cleared, anew.
void KeepBuffers() {
  mallopt(M_MMAP_THRESHOLD, 16 << 20);
  mallopt(M_TRIM_THRESHOLD, 32 << 20);
  mallopt(M_ARENA_MAX, 4);
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "lapsed: %s\n", std::string(status.message()).c_str());
  return status.code() == absl::StatusCode::kInvalidArgument ? 2 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  KeepBuffers();
  const sigset_t signals = BlockStopSignals();
  std::string help;
  const absl::StatusOr<lapse::server::Options> options =
      lapse::server::ParseOptions(argc, argv, &help);
  if (!options.ok()) return Fail(options.status());
  if (!help.empty()) {
    std::printf("%s", help.c_str());
    return 0;
  }
  spdlog::set_level(spdlog::level::from_str(options->log_level));
  auto server = lapse::server::LapseServer::Start(*options, lapse::RealClock());
  if (!server.ok()) return Fail(server.status());
  std::printf("lapsed: serving on %s\n", (*server)->address().c_str());
  std::fflush(stdout);
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  spdlog::info("stopping: signal {}", signal_number);
  (*server)->Stop();
  spdlog::info("stopped");
  return 0;
}
