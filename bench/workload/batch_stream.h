// The client's end of EventService.IngestEventStream.
#ifndef LAPSE_BENCH_WORKLOAD_BATCH_STREAM_H_
#define LAPSE_BENCH_WORKLOAD_BATCH_STREAM_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "lapse/v1/event_service.grpc.pb.h"

namespace lapse::bench {

struct IngestTotals {
  int64_t accepted = 0;
  int64_t duplicates = 0;
  int64_t conflicting = 0;
  int64_t rejected = 0;
  // What the server said of the first event it rejected.
  std::string first_rejection;
  int64_t batches = 0;
  // Batches that were refused for overload and sent again. Where later ones had been accepted
  // already, their events came in another order than the workload's.
  int64_t resent_batches = 0;
};

// One stream, pipelined up to `window` batches. Used by one thread; gRPC's threads take the
// answers.
class BatchStream : private grpc::ClientBidiReactor<lapse::v1::IngestEventStreamRequest,
                                                    lapse::v1::IngestEventStreamResponse> {
 public:
  using Events = google::protobuf::RepeatedPtrField<lapse::v1::Event>;

  // Opens the stream. `stub` and `clock` outlive it.
  BatchStream(lapse::v1::EventService::StubInterface& stub, Clock& clock, size_t window);
  // Cancels what is under way, unless the stream has ended.
  ~BatchStream() override;
  BatchStream(const BatchStream&) = delete;
  BatchStream& operator=(const BatchStream&) = delete;

  // Sends a batch; waits while `window` batches are unanswered. Batches refused for overload are
  // sent again first, after all others are answered and the time that the server asked for. Any
  // other refusal, a broken stream, or 60 s without an answer is an error, after which the stream
  // is of no more use.
  absl::Status Send(Events events);

  // Waits for every answer and ends the stream. Errors as above.
  absl::Status Finish();

  IngestTotals Totals() const;

 private:
  using Request = lapse::v1::IngestEventStreamRequest;
  using Response = lapse::v1::IngestEventStreamResponse;

  void OnWriteDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

  // False, with status_ set, where the call is of no more use.
  bool TakeAnswer();
  void Count(const lapse::v1::BatchIngestEventsResponse& result);
  void Cancel(MutexLock& lock);
  // Waits until `condition` holds; false, with status_ set, where the stream broke or stalled
  // before.
  bool WaitUntil(MutexLock& lock, const std::function<bool()>& condition);
  bool AllAnswered() const { return !writing_ && unanswered_.empty(); }
  // Writes all that is unsent, what was refused before the rest.
  absl::Status SendUnsent(MutexLock& lock);
  void WriteNext(MutexLock& lock);
  // Lets the call be done, waits for that and returns how it went.
  absl::Status End(MutexLock& lock);
  // Keeps the first error. Does not itself end the call.
  void Fail(absl::Status status);

  Clock& clock_;
  const size_t window_;
  grpc::ClientContext context_;

  mutable Mutex mutex_;
  CondVar changed_;
  int64_t next_number_ = 1;
  std::deque<std::shared_ptr<Request>> unsent_;
  // Being written; gRPC refers to it until OnWriteDone.
  std::shared_ptr<Request> writing_;
  // In the order of their numbers, as the answers come.
  std::deque<std::shared_ptr<Request>> unanswered_;
  std::vector<std::shared_ptr<Request>> refused_;
  int64_t resend_at_us_ = 0;
  int64_t last_progress_us_ = 0;
  bool finishing_ = false;
  bool ended_ = false;
  bool done_ = false;
  absl::Status status_;
  IngestTotals totals_;
  Response answer_;
};

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_WORKLOAD_BATCH_STREAM_H_
