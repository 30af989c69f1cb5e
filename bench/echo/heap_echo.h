// The echo in gRPC's generated classes, as people write a callback server.
#ifndef LAPSE_BENCH_ECHO_HEAP_ECHO_H_
#define LAPSE_BENCH_ECHO_HEAP_ECHO_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>

#include "lapse/v1/event_service.grpc.pb.h"

namespace lapse::bench {

// Thread-safe.
class HeapEcho : public lapse::v1::EventService::CallbackService {
 public:
  grpc::ServerBidiReactor<lapse::v1::IngestEventStreamRequest,
                          lapse::v1::IngestEventStreamResponse>*
  IngestEventStream(grpc::CallbackServerContext* context) override;

  grpc::ServerUnaryReactor* IngestEvent(grpc::CallbackServerContext* context,
                                        const lapse::v1::IngestEventRequest* request,
                                        lapse::v1::IngestEventResponse* response) override;

 private:
  std::atomic<int64_t> next_sequence_ = 1;
};

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_ECHO_HEAP_ECHO_H_
