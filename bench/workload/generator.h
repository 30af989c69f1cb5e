// Makes workloads: a seed and options give the same events and arrivals on every machine.
#ifndef LAPSE_BENCH_WORKLOAD_GENERATOR_H_
#define LAPSE_BENCH_WORKLOAD_GENERATOR_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "bench/workload/workload.h"

namespace lapse::bench {

// `payments`, `orders` or `drivers`. INVALID_ARGUMENT otherwise.
absl::StatusOr<Shape> ParseShape(absl::string_view name);
absl::string_view ShapeName(Shape shape);

// INVALID_ARGUMENT, naming the option, for a rate outside 0 to 1 (lost and duplicates: 0.9), no or
// over 10 million events, a start before 1970, a negative duration, a scale of 0 or over 1,000.
absl::Status ValidateOptions(const WorkloadOptions& options);

// `options` are valid. Its arrivals, copies included, are `options.event_count`.
Workload GenerateWorkload(const WorkloadOptions& options);

// Moves every time of the workload, start and end included, by `delta_us`. The verdicts stay.
void ShiftTimes(int64_t delta_us, Workload& workload);

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_WORKLOAD_GENERATOR_H_
