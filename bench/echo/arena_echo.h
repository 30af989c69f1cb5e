// The echo of streams with the messages on an arena, which is faster than the generated classes'
// own heap.
#ifndef LAPSE_BENCH_ECHO_ARENA_ECHO_H_
#define LAPSE_BENCH_ECHO_ARENA_ECHO_H_

#include <grpcpp/generic/async_generic_service.h>

#include <atomic>
#include <cstdint>

namespace lapse::bench {

// Takes every method for IngestEventStream. Thread-safe.
class ArenaEcho : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

 private:
  std::atomic<int64_t> next_sequence_ = 1;
};

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_ECHO_ARENA_ECHO_H_
