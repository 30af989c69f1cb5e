#include "bench/echo/heap_echo.h"

#include "bench/echo/answers.h"
#include "bench/echo/echo_stream.h"

namespace lapse::bench {
namespace {

using Request = lapse::v1::IngestEventStreamRequest;
using Response = lapse::v1::IngestEventStreamResponse;

class HeapStream
    : public EchoStream<grpc::ServerBidiReactor<Request, Response>, Request, Response> {
 public:
  explicit HeapStream(std::atomic<int64_t>& next_sequence) : next_sequence_(next_sequence) {
    Begin();
  }

 private:
  bool Answer(Request& request, Response& response) override {
    FillAnswer(request, next_sequence_.fetch_add(request.events_size()), response);
    return true;
  }

  std::atomic<int64_t>& next_sequence_;
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
