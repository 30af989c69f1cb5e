// Sends batches on IngestEventStream, as bytes, from one thread.
#ifndef LAPSE_BENCH_LOAD_STREAM_LOAD_H_
#define LAPSE_BENCH_LOAD_STREAM_LOAD_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/load/event_pool.h"
#include "bench/load/load_clock.h"
#include "bench/load/load_report.h"
#include "lapse/v1/event_service.pb.h"

namespace lapse::bench {

struct StreamLoadOptions {
  LoadPlan plan;
  // Batches unanswered on each stream.
  size_t window = 2;
  // Answers are not parsed: each stands for a whole batch. For a server that returns the bytes.
  bool opaque_answers = false;
};

// One run over one stream a channel. The pool has more batches than are ever under way.
class StreamLoad {
 public:
  StreamLoad(const std::vector<std::shared_ptr<grpc::Channel>>& channels, EventPool& pool,
             const StreamLoadOptions& options);

  // Refused batches are counted and their stream rests as the server asks. DEADLINE_EXCEEDED where
  // nothing is answered for 60 s; UNAVAILABLE where a stream ends.
  absl::StatusOr<LoadReport> Run();

 private:
  struct Stream;
  enum class Action { kStart, kWrite, kRead };
  struct Tag {
    Stream* stream;
    Action action;
  };
  struct Stream {
    explicit Stream(const std::shared_ptr<grpc::Channel>& channel) : stub(channel) {}
    grpc::GenericStub stub;
    grpc::ClientContext context;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call;
    grpc::ByteBuffer answer;
    // When each unanswered batch was to be sent.
    std::deque<int64_t> unanswered_us;
    int64_t sent = 0;
    int64_t rest_until_us = 0;
    bool writing = false;
    Tag start{this, Action::kStart};
    Tag write{this, Action::kWrite};
    Tag read{this, Action::kRead};
  };

  absl::Status Start();
  void SendWhatIsDue();
  bool AllUnderWay() const;
  void Send(Stream& stream);
  Stream* FreeStream(int64_t now_us);
  // Waits for one answer or write, or until something is due.
  absl::Status HandleNext();
  absl::Status Handle(const Tag& tag, bool ok);
  void TakeAnswer(Stream& stream);
  bool CountAnswer(Stream& stream, int64_t now_us);
  void Rest(Stream& stream, int64_t now_us);
  size_t unanswered() const;
  void Stop();

  EventPool& pool_;
  const StreamLoadOptions options_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<Stream>> streams_;
  LoadClock clock_;
  LoadReport report_;
  lapse::v1::IngestEventStreamResponse response_;
  size_t next_batch_ = 0;
  size_t next_stream_ = 0;
  int64_t last_answer_us_ = 0;
  bool over_ = false;
};

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_LOAD_STREAM_LOAD_H_
