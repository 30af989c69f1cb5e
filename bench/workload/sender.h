// Sends a workload to a server, over the public API.
#ifndef LAPSE_BENCH_WORKLOAD_SENDER_H_
#define LAPSE_BENCH_WORKLOAD_SENDER_H_

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "bench/workload/batch_stream.h"
#include "bench/workload/workload.h"
#include "lapse/v1/event_service.grpc.pb.h"
#include "lapse/v1/monitor_service.grpc.pb.h"

namespace lapse::bench {

struct SendOptions {
  // Each event is sent when the clock comes to its arrival time, and not before.
  bool realtime = false;
  // Without realtime: so many a second; 0 is as fast as it can.
  double events_per_second = 0;
  // Events a batch, at most; and batches unanswered, at most. A window of 1 keeps the order also
  // under overload.
  size_t batch_size = 1'000;
  size_t window = 16;
  // Called after each batch with how many events were sent.
  std::function<void(int64_t sent)> progress = [](int64_t) {};
};

struct SendReport {
  IngestTotals totals;
  // From the first batch to the last answer.
  int64_t elapsed_us = 0;
};

// Sends every arrival, copies included, in their order on one stream. Times are sent as they are.
// Errors: see BatchStream.
absl::StatusOr<SendReport> SendWorkload(const Workload& workload, const SendOptions& options,
                                        lapse::v1::EventService::StubInterface& stub, Clock& clock);

// Creates the workload's monitors, or makes those that are there equal to them. The server's error
// otherwise.
absl::Status ApplyMonitors(const Workload& workload,
                           lapse::v1::MonitorService::StubInterface& stub);

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_WORKLOAD_SENDER_H_
