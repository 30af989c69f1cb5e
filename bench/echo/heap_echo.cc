#include "bench/echo/heap_echo.h"

#include "bench/echo/answers.h"

namespace lapse::bench {
namespace {

using Request = lapse::v1::IngestEventStreamRequest;
using Response = lapse::v1::IngestEventStreamResponse;

// Reads, answers, reads. Deletes itself when the call is done.
class HeapStream : public grpc::ServerBidiReactor<Request, Response> {
 public:
  explicit HeapStream(std::atomic<int64_t>& next_sequence) : next_sequence_(next_sequence) {
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    FillAnswer(request_, next_sequence_.fetch_add(request_.events_size()), response_);
    StartWrite(&response_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    StartRead(&request_);
  }
  void OnDone() override { delete this; }

 private:
  std::atomic<int64_t>& next_sequence_;
  Request request_;
  Response response_;
};

}  // namespace

grpc::ServerBidiReactor<Request, Response>* HeapEcho::IngestEventStream(
    grpc::CallbackServerContext*) {
  return new HeapStream(next_sequence_);
}

grpc::ServerUnaryReactor* HeapEcho::IngestEvent(grpc::CallbackServerContext* context,
                                                const lapse::v1::IngestEventRequest*,
                                                lapse::v1::IngestEventResponse* response) {
  response->set_sequence(next_sequence_.fetch_add(1));
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

}  // namespace lapse::bench
