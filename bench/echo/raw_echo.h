// Returns every message's bytes as they are.
#ifndef LAPSE_BENCH_ECHO_RAW_ECHO_H_
#define LAPSE_BENCH_ECHO_RAW_ECHO_H_

#include <grpcpp/generic/async_generic_service.h>

namespace lapse::bench {

// Thread-safe.
class RawEcho : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;
};

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_ECHO_RAW_ECHO_H_
