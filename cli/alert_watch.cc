#include "cli/alert_watch.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <ostream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "cli/alert_view.h"
#include "cli/context.h"
#include "cli/errors.h"
#include "cli/human.h"
#include "grpcpp/client_context.h"
#include "lapse/v1/alert_service.grpc.pb.h"

namespace lapse::cli {
namespace {

using lapse::v1::AlertService;
using lapse::v1::StreamAlertsRequest;
using lapse::v1::StreamAlertsResponse;

constexpr int64_t kFirstRetryUs = limits::kMicrosPerSecond / 2;
constexpr int64_t kMaxRetryUs = 10 * limits::kMicrosPerSecond;

// Lets SIGINT and SIGTERM end a call or a wait. Made before any thread that should not take them.
class StopSignals {
 public:
  StopSignals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&signals, signal);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    waiter_ = std::thread([this, signals] {
      int signal = 0;
      sigwait(&signals, &signal);
      Stop();
    });
  }

  ~StopSignals() {
    // Wakes the waiter where no signal came.
    pthread_kill(waiter_.native_handle(), SIGUSR1);
    waiter_.join();
  }

  // The call is cancelled on a signal, or at once where one came. Null ends that.
  void SetCall(grpc::ClientContext* call) {
    MutexLock lock(mutex_);
    call_ = call;
    if (stopped_ && call_ != nullptr) call_->TryCancel();
  }

  bool stopped() {
    MutexLock lock(mutex_);
    return stopped_;
  }

  // Returns early on a signal.
  void Wait(int64_t duration_us) {
    const int64_t end_us = RealClock().NowUs() + duration_us;
    MutexLock lock(mutex_);
    while (!stopped_ && RealClock().NowUs() < end_us) RealClock().WaitUntil(lock, changed_, end_us);
  }

 private:
  void Stop() {
    MutexLock lock(mutex_);
    stopped_ = true;
    if (call_ != nullptr) call_->TryCancel();
    changed_.notify_all();
  }

  Mutex mutex_;
  CondVar changed_;
  bool stopped_ = false;
  grpc::ClientContext* call_ = nullptr;
  std::thread waiter_;
};

class Watcher {
 public:
  Watcher(Context& context, const WatchOptions& options)
      : context_(context), options_(options), cursor_(options.cursor) {}

  absl::Status Run() {
    int64_t retry_us = kFirstRetryUs;
    while (true) {
      const bool answered_before = answered_;
      answered_ = false;
      absl::Status status = Follow();
      if (ended_ || signals_.stopped()) {
        NoteCursor();
        return absl::OkStatus();
      }
      if (answered_) retry_us = kFirstRetryUs;
      answered_ = answered_ || answered_before;
      if (!answered_ || !MayReconnect(status)) return status;
      context_.PrintNote(absl::StrCat("The connection to ", context_.options.server,
                                      " is lost; trying again in ", ShortDuration(retry_us), "."));
      signals_.Wait(retry_us);
      retry_us = std::min(2 * retry_us, kMaxRetryUs);
    }
  }

 private:
  // Follows one stream until it ends, and says why it did.
  absl::Status Follow() {
    grpc::ClientContext call;
    signals_.SetCall(&call);
    StreamAlertsRequest request;
    request.set_cursor(cursor_);
    request.set_filter(options_.filter);
    const auto stub = context_.NewStub<AlertService>();
    const auto stream = stub->StreamAlerts(&call, request);
    StreamAlertsResponse response;
    while (!ended_ && stream->Read(&response)) Take(response);
    if (ended_) call.TryCancel();
    const absl::Status status = FromGrpc(stream->Finish());
    signals_.SetCall(nullptr);
    // A server ends a stream only by an error; an end without one is a stop all the same.
    return status.ok() ? FromGrpc(grpc::Status(grpc::StatusCode::UNAVAILABLE, "stream ended"))
                       : status;
  }

  static bool MayReconnect(const absl::Status& status) {
    const ExitCode exit = ExitCodeOf(status);
    return exit == kExitUnreachable || exit == kExitBusy || exit == kExitTimeout;
  }

  void Take(const StreamAlertsResponse& response) {
    answered_ = true;
    const std::string& cursor = response.has_change()   ? response.change().cursor()
                                : response.has_synced() ? response.synced().cursor()
                                                        : response.heartbeat().cursor();
    // None on the alerts of a snapshot: a resume before its end starts it again.
    if (!cursor.empty()) cursor_ = cursor;
    Print(response);
    context_.out().flush();
    if (response.has_change()) ended_ = ++changes_ == options_.limit;
  }

  void Print(const StreamAlertsResponse& response) {
    if (context_.options.format == Format::kJson) {
      context_.PrintText(JsonLine(response) + "\n");
    } else if (context_.options.format == Format::kYaml) {
      context_.PrintText(absl::StrCat("---\n", YamlDocument(response)));
    } else if (response.has_change()) {
      context_.PrintText(WatchLine(response.change(), context_.view_time(), context_.style()));
    } else if (response.has_synced()) {
      const int firing = response.synced().firing_count();
      context_.PrintNote(absl::StrCat(Grouped(firing), firing == 1 ? " alert is" : " alerts are",
                                      " firing. Waiting for changes; Ctrl-C ends."));
    }
  }

  void NoteCursor() {
    if (cursor_.empty() || context_.options.format != Format::kTable) return;
    context_.PrintNote(absl::StrCat("Go on from here with --since ", cursor_));
  }

  Context& context_;
  const WatchOptions& options_;
  StopSignals signals_;
  std::string cursor_;
  size_t changes_ = 0;
  bool answered_ = false;
  bool ended_ = false;
};

}  // namespace

absl::Status WatchAlerts(Context& context, const WatchOptions& options) {
  return Watcher(context, options).Run();
}

}  // namespace lapse::cli
