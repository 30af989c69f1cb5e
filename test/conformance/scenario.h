// A workload with what must come of it.
#ifndef LAPSE_TEST_CONFORMANCE_SCENARIO_H_
#define LAPSE_TEST_CONFORMANCE_SCENARIO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "bench/workload/oracle.h"
#include "bench/workload/workload.h"
#include "lapse/v1/monitor.pb.h"

namespace lapse::conformance {

// One monitor and what the oracle expects of it.
struct Watched {
  // As a server would have made it.
  lapse::v1::Monitor monitor;
  std::vector<bench::ExpectedVerdict> expected;
  // Index in `expected`, by primary event.
  absl::flat_hash_map<int64_t, int64_t> by_primary;
  bench::ExpectedBooks books;
};

struct Scenario {
  // Its arrivals are those of `arrival_order`.
  bench::Workload workload;
  uint64_t arrival_order = 0;
  std::vector<Watched> watched;
};

// The arrival order is 0, the workload's own.
Scenario MakeScenario(const bench::WorkloadOptions& options);

// Takes another arrival order of the same events; what is expected stays.
void SetArrivalOrder(uint64_t arrival_order, Scenario& scenario);

// The events of `key` that the monitor sees, in order of arrival, a line each: when it arrived and
// happened (seconds after the workload's start), what it is.
std::string DescribeKey(const Scenario& scenario, const Watched& watched, const std::string& key);

}  // namespace lapse::conformance

#endif  // LAPSE_TEST_CONFORMANCE_SCENARIO_H_
