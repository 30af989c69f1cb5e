// Sends single events by IngestEvent, as bytes, from one thread.
#ifndef LAPSE_BENCH_LOAD_UNARY_LOAD_H_
#define LAPSE_BENCH_LOAD_UNARY_LOAD_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/load/event_pool.h"
#include "bench/load/load_clock.h"
#include "bench/load/load_report.h"

namespace lapse::bench {

struct UnaryLoadOptions {
  LoadPlan plan;
  size_t in_flight = 64;
};

// One run. The pool has more events than are ever under way.
class UnaryLoad {
 public:
  UnaryLoad(const std::vector<std::shared_ptr<grpc::Channel>>& channels, EventPool& pool,
            const UnaryLoadOptions& options);

  // Failed calls are counted. UNAVAILABLE where the first 1,000 calls fail.
  absl::StatusOr<LoadReport> Run();

 private:
  // A place for one call under way.
  struct Call {
    std::optional<grpc::ClientContext> context;
    std::unique_ptr<grpc::ClientAsyncResponseReader<grpc::ByteBuffer>> reader;
    grpc::ByteBuffer answer;
    grpc::Status status;
    int64_t scheduled_us = 0;
    grpc::GenericStub* stub = nullptr;
  };

  void SendWhatIsDue();
  bool AllUnderWay() const;
  void Send(Call& call);
  void HandleNext();
  void AwaitNext() const;
  void TakeAnswer(Call& call);

  EventPool& pool_;
  const UnaryLoadOptions options_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<Call>> calls_;
  std::vector<Call*> free_;
  LoadClock clock_;
  LoadReport report_;
  int64_t last_answer_us_ = 0;
  bool over_ = false;
};

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_LOAD_UNARY_LOAD_H_
