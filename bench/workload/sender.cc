#include "bench/workload/sender.h"

#include <grpc/support/time.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace lapse::bench {
namespace {

constexpr int kCallTimeoutSeconds = 10;
// Leaves room for what surrounds the events in a request.
constexpr size_t kMaxBatchBytes = limits::kMaxRequestBytes / 2;

// Decides when each arrival is to be sent.
class Pace {
 public:
  Pace(const Workload& workload, const SendOptions& options, int64_t start_us)
      : workload_(workload), options_(options), start_us_(start_us) {}

  int64_t SendTimeUs(size_t arrival) const {
    if (options_.realtime) return workload_.arrivals[arrival].arrival_us;
    if (options_.events_per_second <= 0) return start_us_;
    return start_us_ +
           static_cast<int64_t>(static_cast<double>(arrival) * 1e6 / options_.events_per_second);
  }

 private:
  const Workload& workload_;
  const SendOptions& options_;
  const int64_t start_us_;
};

void WaitForTime(int64_t time_us, Clock& clock) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  while (clock.NowUs() < time_us) clock.WaitUntil(lock, never, time_us);
}

// The arrivals from `next` on that are to be sent by now, as many as fit; at least one. Moves
// `next` past them.
BatchStream::Events TakeBatch(const Workload& workload, const SendOptions& options,
                              const Pace& pace, int64_t now_us, size_t& next) {
  const size_t most = std::min(options.batch_size, limits::kMaxBatchEvents);
  BatchStream::Events events;
  size_t bytes = 0;
  do {
    const lapse::v1::Event& event = workload.events[workload.arrivals[next].event];
    *events.Add() = event;
    bytes += event.ByteSizeLong();
    ++next;
  } while (next < workload.arrivals.size() && static_cast<size_t>(events.size()) < most &&
           bytes < kMaxBatchBytes && pace.SendTimeUs(next) <= now_us);
  return events;
}

}  // namespace

absl::StatusOr<SendReport> SendWorkload(const Workload& workload, const SendOptions& options,
                                        lapse::v1::EventService::StubInterface& stub,
                                        Clock& clock) {
  const int64_t start_us = clock.SteadyUs();
  const Pace pace(workload, options, clock.NowUs());
  BatchStream stream(stub, clock, options.window);
  for (size_t next = 0; next < workload.arrivals.size();) {
    WaitForTime(pace.SendTimeUs(next), clock);
    RETURN_IF_ERROR(stream.Send(TakeBatch(workload, options, pace, clock.NowUs(), next)));
    options.progress(static_cast<int64_t>(next));
  }
  RETURN_IF_ERROR(stream.Finish());
  return SendReport{.totals = stream.Totals(), .elapsed_us = clock.SteadyUs() - start_us};
}

absl::Status ApplyMonitors(const Workload& workload,
                           lapse::v1::MonitorService::StubInterface& stub) {
  for (const WorkloadMonitor& watched : workload.monitors) {
    lapse::v1::UpdateMonitorRequest request;
    *request.mutable_monitor() = watched.monitor;
    request.set_allow_missing(true);
    grpc::ClientContext context;
    context.set_deadline(gpr_time_from_seconds(kCallTimeoutSeconds, GPR_TIMESPAN));
    lapse::v1::Monitor applied;
    const grpc::Status status = stub.UpdateMonitor(&context, request, &applied);
    if (!status.ok()) {
      return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                          absl::StrCat(watched.monitor.name(), ": ", status.error_message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace lapse::bench
