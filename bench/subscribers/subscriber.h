// One alert stream of many, and what all of them have seen together.
#ifndef LAPSE_BENCH_SUBSCRIBERS_SUBSCRIBER_H_
#define LAPSE_BENCH_SUBSCRIBERS_SUBSCRIBER_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "bench/load/load_report.h"
#include "lapse/v1/alert_service.grpc.pb.h"

namespace lapse::bench {

// Thread-safe.
class Seen {
 public:
  // Waits until `subscribers` have had their snapshot. False after `patience_us`.
  bool WaitSynced(int subscribers, int64_t patience_us);
  // Waits until so many changes were read, by all together. False where none comes for
  // `patience_us`, or all streams ended.
  bool WaitChanges(int64_t changes, int64_t patience_us);
  // Waits until so many streams are done.
  void WaitDone(int streams);

  void AddSynced(const std::string& cursor);
  void AddChange(const lapse::v1::AlertChange& change);
  void AddDone(const grpc::Status& status);

  // An object of one line: changes read, latency from due to reading, the last change's times.
  std::string ToJson();

 private:
  template <typename Condition>
  bool WaitWhileProgress(Condition condition, int64_t patience_us);

  Mutex mutex_;
  CondVar changed_;
  int synced_ = 0;
  int done_ = 0;
  int64_t changes_ = 0;
  int64_t last_progress_us_ = 0;
  int64_t last_change_us_ = 0;
  int64_t last_due_us_ = 0;
  std::string cursor_;
  std::string error_;
  Latencies due_to_read_;
};

// Reads its stream from Start on, unless it is one that never reads. `seen` outlives its end.
class Subscriber : private grpc::ClientReadReactor<lapse::v1::StreamAlertsResponse> {
 public:
  Subscriber(const std::shared_ptr<grpc::Channel>& channel, const std::string& cursor,
             const std::string& filter, bool reads, Seen& seen);

  void Start();
  void Cancel() { context_.TryCancel(); }

 private:
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

  const std::unique_ptr<lapse::v1::AlertService::Stub> stub_;
  const bool reads_;
  Seen& seen_;
  grpc::ClientContext context_;
  lapse::v1::StreamAlertsRequest request_;
  lapse::v1::StreamAlertsResponse response_;
};

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_SUBSCRIBERS_SUBSCRIBER_H_
