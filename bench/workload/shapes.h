// The businesses that workloads imitate: their events, how long each step takes, and the monitors
// on them.
#ifndef LAPSE_BENCH_WORKLOAD_SHAPES_H_
#define LAPSE_BENCH_WORKLOAD_SHAPES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "bench/workload/random.h"
#include "bench/workload/workload.h"
#include "google/protobuf/map.h"

namespace lapse::bench {

using Attributes = google::protobuf::Map<std::string, lapse::v1::Value>;

struct Step {
  absl::string_view type;
  // The service that reports it.
  absl::string_view source;
  // From the step before it; for the first step, from nothing.
  int64_t within_us = 0;
};

// A pair of types to be watched.
struct Hop {
  // Part of the monitors' ids.
  absl::string_view id;
  absl::string_view primary;
  absl::string_view secondary;
  // Empty for none.
  absl::string_view cancel;
  int64_t within_us = 0;
};

struct PrimaryFilter {
  absl::string_view text;
  // What `text` says.
  bool (*accepts)(const lapse::v1::Event& event);
};

struct ShapeSpec {
  absl::string_view name;
  absl::string_view key_attribute;
  std::vector<Step> steps;
  Step cancel;
  std::vector<Hop> hops;
  // On the primary of a further monitor on the first hop.
  PrimaryFilter filter;
  // The attributes of one journey; without the key.
  Attributes (*make_attributes)(Random& random);
  // A key that no other number has.
  lapse::v1::Value (*make_key)(int64_t number);
};

// Durations are multiplied by `time_scale`.
ShapeSpec MakeShape(Shape shape, double time_scale);

// At least 1 where `duration_us` is over 0.
int64_t ScaleDuration(int64_t duration_us, double time_scale);

std::vector<WorkloadMonitor> MakeMonitors(const ShapeSpec& shape, const WorkloadOptions& options);

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_WORKLOAD_SHAPES_H_
