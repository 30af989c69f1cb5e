// Sends batches of events through IngestEventStream, several under way at once.
#ifndef LAPSE_CLI_EVENT_SENDER_H_
#define LAPSE_CLI_EVENT_SENDER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "base/mutex.h"
#include "grpcpp/client_context.h"
#include "lapse/v1/event_service.grpc.pb.h"

namespace lapse::cli {

class Context;

struct SendTotals {
  int64_t accepted = 0;
  int64_t duplicates = 0;
  // Among the duplicates.
  int64_t conflicting = 0;
  int64_t rejected = 0;
};

// A rejected event, by the line of the input it came from.
struct Rejection {
  int64_t line = 0;
  std::string text;
};
inline constexpr size_t kMaxKeptRejections = 20;

struct EventBatch {
  std::vector<lapse::v1::Event> events;
  // Of each event.
  std::vector<int64_t> lines;
};

// Add and Finish are called by one thread; answers are read by another. A batch that the server has
// no room for is sent again when it says. No progress within --timeout ends everything with
// DEADLINE_EXCEEDED, or with the server's last refusal.
class EventSender {
 public:
  explicit EventSender(Context& context);
  EventSender(const EventSender&) = delete;
  EventSender& operator=(const EventSender&) = delete;
  // Cancels what is under way.
  ~EventSender();

  // Waits while too many batches are under way. An error is the stream's end: what was not
  // acknowledged may or may not have been accepted.
  absl::Status Add(EventBatch batch);

  // Waits for all answers and ends the stream. Called once, last.
  absl::Status Finish();

  SendTotals totals();
  // The first kMaxKeptRejections, in the order of their batches.
  std::vector<Rejection> rejections();
  // The lowest line that is not acknowledged; 0 where there is none.
  int64_t first_unanswered_line();

 private:
  struct UnderWay {
    lapse::v1::IngestEventStreamRequest request;
    std::vector<int64_t> lines;
  };
  using Stream = grpc::ClientReaderWriter<lapse::v1::IngestEventStreamRequest,
                                          lapse::v1::IngestEventStreamResponse>;

  void ReadAnswers();
  void Take(const lapse::v1::IngestEventStreamResponse& response);
  void Count(const UnderWay& batch, const lapse::v1::BatchIngestEventsResponse& result);
  // Gives the batch the next number and writes it. A failed write shows where answers are read.
  void Write(const std::shared_ptr<UnderWay>& batch);
  // Waits as the refusal says. The batch stays under way under its old number until it has a new
  // one.
  void SendAgain(const std::shared_ptr<UnderWay>& batch, const absl::Status& refusal);
  // Until at most `count` batches are under way, or the stream ended.
  absl::Status WaitForAnswers(size_t count);
  // Cancels the stream; the first error stays. mutex_ is held.
  void EndWith(const absl::Status& error);

  Context& context_;
  grpc::ClientContext call_;
  std::unique_ptr<lapse::v1::EventService::Stub> stub_;
  std::unique_ptr<Stream> stream_;
  std::thread reader_;

  // Held over a write, so that numbers ascend on the wire. Taken before mutex_.
  Mutex write_mutex_;
  Mutex mutex_;
  CondVar changed_;
  std::map<int64_t, std::shared_ptr<UnderWay>> under_way_;
  int64_t next_number_ = 1;
  int64_t last_progress_us_ = 0;
  // Why a batch waits to be sent again; OK while none does.
  absl::Status refusal_;
  absl::Status error_;
  // The stream is over: nothing more is written.
  bool ended_ = false;
  SendTotals totals_;
  std::vector<Rejection> rejections_;
};

}  // namespace lapse::cli

#endif  // LAPSE_CLI_EVENT_SENDER_H_
