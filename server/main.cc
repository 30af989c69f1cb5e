// lapsed, the server.

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/process_tuning.h"
#include "server/lapse_server.h"
#include "server/options.h"
#include "spdlog/spdlog.h"

namespace {

// Of the 5 s in which a stop ends.
constexpr int64_t kStopLimitUs = lapse::limits::kStopUs + lapse::limits::kMicrosPerSecond / 2;

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

// Takes the signals that stop the server. Lives as long as the process.
class StopSignals {
 public:
  explicit StopSignals(const sigset_t& signals) {
    std::thread([this, signals] { Take(signals); }).detach();
  }

  // From now on a signal is for Wait.
  void NoteServing() {
    lapse::MutexLock lock(mutex_);
    serving_ = true;
  }

  int Wait() {
    lapse::MutexLock lock(mutex_);
    taken_.wait(lock, [this] { return signal_ != 0; });
    return signal_;
  }

 private:
  void Take(const sigset_t& signals) {
    int signal = 0;
    sigwait(&signals, &signal);
    Tell(signal);
    EndInTime();
  }

  void Tell(int signal) {
    lapse::MutexLock lock(mutex_);
    if (!serving_) {
      // A recovery may take long, and there is nobody to finish anything for: what is on disk is as
      // after a crash, from which a start goes on.
      spdlog::info("stopped before serving: signal {}", signal);
      spdlog::default_logger()->flush();
      _exit(0);
    }
    signal_ = signal;
    taken_.notify_all();
  }

  // A disk may keep the stop waiting for longer than anybody waits for it. What is not done by then
  // is made again from the log by the next start, as after a crash.
  void EndInTime() {
    lapse::Clock& clock = lapse::RealClock();
    const int64_t end_us = clock.SteadyUs() + kStopLimitUs;
    lapse::MutexLock lock(mutex_);
    for (int64_t now_us = clock.SteadyUs(); now_us < end_us; now_us = clock.SteadyUs()) {
      clock.WaitUntil(lock, never_, clock.NowUs() + end_us - now_us);
    }
    spdlog::warn("the stop takes too long: the next start makes the rest again from the log");
    spdlog::default_logger()->flush();
    _exit(0);
  }

  lapse::Mutex mutex_;
  lapse::CondVar taken_;
  lapse::CondVar never_;
  bool serving_ = false;
  int signal_ = 0;
};

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "lapsed: %s\n", std::string(status.message()).c_str());
  return status.code() == absl::StatusCode::kInvalidArgument ? 2 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  lapse::TuneProcess();
  static StopSignals* const stop = new StopSignals(BlockStopSignals());
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
  stop->NoteServing();
  std::printf("lapsed: serving on %s\n", (*server)->address().c_str());
  std::fflush(stdout);
  spdlog::info("stopping: signal {}", stop->Wait());
  (*server)->Stop();
  spdlog::info("stopped");
  return 0;
}
