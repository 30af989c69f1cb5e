// Append, match, fire, replay and timeline, each on the real core.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/limits.h"
#include "bench/load/event_pool.h"
#include "bench/micro/core.h"
#include "bench/workload/random.h"
#include "benchmark/benchmark.h"

namespace lapse::bench {
namespace {

constexpr size_t kBatches = 64;
constexpr int64_t kBatchEvents = 1'000;
constexpr int64_t kRoundEvents = kBatches * kBatchEvents;
// A key of orders is in about one of so many events of the mix.
constexpr int64_t kEventsPerKey = 13;
constexpr int64_t kStartUs = 1'790'000'000 * limits::kMicrosPerSecond;

EventPool MakePool(Profile profile) {
  auto pool = EventPool::Make({.profile = profile, .batches = kBatches});
  Must(pool.status());
  return *std::move(pool);
}

// Appends a round of the pool; the time of making its messages is not counted.
void AppendRounds(benchmark::State& state, Core& core) {
  EventPool pool = MakePool(Profile::kMix);
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<Events> batches = TakeBatches(pool, kBatches, RealClock().NowUs());
    state.ResumeTiming();
    for (Events& events : batches) core.Append(std::move(events));
    core.AwaitApplied();
  }
  state.SetItemsProcessed(state.iterations() * kRoundEvents);
}

// Fsynced; nothing is watched.
void BM_AppendToDisk(benchmark::State& state) {
  TemporaryFolder folder;
  Core core(folder.path(), /*monitors=*/false, RealClock());
  AppendRounds(state, core);
}
BENCHMARK(BM_AppendToDisk)->UseRealTime()->Unit(benchmark::kMillisecond);

void BM_AppendToMemory(benchmark::State& state) {
  Core core("", /*monitors=*/false, RealClock());
  AppendRounds(state, core);
}
BENCHMARK(BM_AppendToMemory)->UseRealTime()->Unit(benchmark::kMillisecond);

// What it takes more than BM_AppendToMemory is matching: half of the events open or meet something.
void BM_AppendToMemoryAndMatch(benchmark::State& state) {
  Core core("", /*monitors=*/true, RealClock());
  AppendRounds(state, core);
}
BENCHMARK(BM_AppendToMemoryAndMatch)->UseRealTime()->Unit(benchmark::kMillisecond);

// So many deadlines pass at once; until the last alert is in the feed (of a store in memory).
void BM_Fire(benchmark::State& state) {
  SimulatedClock clock(kStartUs);
  Core core("", /*monitors=*/true, clock);
  EventPool pool = MakePool(Profile::kOpen);
  int64_t alerts = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (Events& events : TakeBatches(pool, kBatches, clock.NowUs()))
      core.Append(std::move(events));
    core.AwaitApplied();
    alerts += kRoundEvents;
    state.ResumeTiming();
    clock.AdvanceBy(2 * limits::kMicrosPerHour);
    core.AwaitAlerts(alerts);
  }
  state.SetItemsProcessed(state.iterations() * kRoundEvents);
}
BENCHMARK(BM_Fire)->UseRealTime()->Unit(benchmark::kMillisecond)->Iterations(5);

// A log on disk of `events` of the mix, watched.
std::unique_ptr<Core> MakeLog(const std::string& folder, int64_t events) {
  auto core = std::make_unique<Core>(folder, /*monitors=*/true, RealClock());
  EventPool pool = MakePool(Profile::kMix);
  for (int64_t done = 0; done < events; done += kRoundEvents) {
    for (Events& batch : TakeBatches(pool, kBatches, RealClock().NowUs())) {
      core->Append(std::move(batch));
    }
  }
  core->AwaitApplied();
  return core;
}

// From the files to a matcher that has applied them all, without a checkpoint.
void BM_Replay(benchmark::State& state) {
  TemporaryFolder folder;
  const std::unique_ptr<Core> core = MakeLog(folder.path(), state.range(0));
  for (auto _ : state) core->Replay(RealClock());
  state.SetItemsProcessed(state.iterations() * core->log().NextSequence());
}
BENCHMARK(BM_Replay)->Arg(8 * kRoundEvents)->UseRealTime()->Unit(benchmark::kMillisecond);

// The events of one order, by the key index.
void BM_Timeline(benchmark::State& state) {
  TemporaryFolder folder;
  const std::unique_ptr<Core> core = MakeLog(folder.path(), state.range(0));
  Random random(1);
  int64_t found = 0;
  for (auto _ : state) {
    const std::string key =
        absl::StrCat("A-", kFirstKey + random.Between(0, state.range(0) / kEventsPerKey));
    const auto matches = [&key](const lapse::v1::Event& event) {
      const auto attribute = event.attributes().find("order_id");
      return attribute != event.attributes().end() && attribute->second.string_value() == key;
    };
    storage::EventQuery query{.matches = matches};
    query.attribute_equals = {"order_id", key};
    const auto page = core->log().List(query);
    Must(page.status());
    found += static_cast<int64_t>(page->events.size());
  }
  state.counters["events"] =
      benchmark::Counter(static_cast<double>(found), benchmark::Counter::kAvgIterations);
}
BENCHMARK(BM_Timeline)->Arg(8 * kRoundEvents)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace lapse::bench
