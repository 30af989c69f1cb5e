// Parsing of a batch of 1,000 of the workloads' events, on one core.
#include <string>

#include "base/clock.h"
#include "bench/load/event_pool.h"
#include "benchmark/benchmark.h"
#include "google/protobuf/arena.h"
#include "lapse/v1/event_service.pb.h"

namespace lapse::bench {
namespace {

std::string MakeBatch(int64_t events) {
  auto pool = EventPool::Make({.batches = 1, .batch_events = static_cast<size_t>(events)});
  return std::string(pool->RenewBatch(0, 0, RealClock().NowUs()));
}

void BM_ParseOnHeap(benchmark::State& state) {
  const std::string bytes = MakeBatch(state.range(0));
  for (auto _ : state) {
    lapse::v1::BatchIngestEventsRequest request;
    benchmark::DoNotOptimize(request.ParseFromString(bytes));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_ParseOnHeap)->Arg(1'000);

void BM_ParseOnArena(benchmark::State& state) {
  const std::string bytes = MakeBatch(state.range(0));
  std::string block(1 << 20, '\0');
  for (auto _ : state) {
    google::protobuf::ArenaOptions options;
    options.initial_block = block.data();
    options.initial_block_size = block.size();
    google::protobuf::Arena arena(options);
    auto* const request =
        google::protobuf::Arena::CreateMessage<lapse::v1::BatchIngestEventsRequest>(&arena);
    benchmark::DoNotOptimize(request->ParseFromString(bytes));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_ParseOnArena)->Arg(1'000);

}  // namespace
}  // namespace lapse::bench
