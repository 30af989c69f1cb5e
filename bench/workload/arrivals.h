// Orders in which a workload's events arrive.
#ifndef LAPSE_BENCH_WORKLOAD_ARRIVALS_H_
#define LAPSE_BENCH_WORKLOAD_ARRIVALS_H_

#include <cstdint>
#include <vector>

#include "bench/workload/workload.h"

namespace lapse::bench {

// Replaces `arrivals` and `end_time_us`, by the options' rates. Reads options, monitors, events and
// key_numbers.
void SetArrivals(uint64_t seed, Workload& workload);

// As SetArrivals, with rates of disorder and delay that differ from seed to seed, from hardly any
// to nearly all. The events stay, and with them the verdicts.
void ReorderWithinTolerance(uint64_t seed, Workload& workload);

// For each arrival, how far out of place it is: the largest time among its key's earlier arrivals,
// less its own, and 0 where that is negative or it is a copy.
std::vector<int64_t> OutOfPlaceUs(const Workload& workload);

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_WORKLOAD_ARRIVALS_H_
