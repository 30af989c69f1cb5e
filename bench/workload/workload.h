// A workload: monitors, the events of a business for them, and an order in which those events
// arrive.
#ifndef LAPSE_BENCH_WORKLOAD_WORKLOAD_H_
#define LAPSE_BENCH_WORKLOAD_WORKLOAD_H_

#include <cstdint>
#include <vector>

#include "base/limits.h"
#include "lapse/v1/event.pb.h"
#include "lapse/v1/monitor.pb.h"

namespace lapse::bench {

enum class Shape {
  // payment_data_collected, bank_api_called, bank_response_received, ledger_updated,
  // invoice_generated, email_sent, or
  // payment_reversed; by payment_id; a monitor per hop.
  kPayments,
  // order_created, order_shipped, order_delivered, or order_cancelled; by order_id.
  kOrders,
  // allocation_initiated, driver_fetched, allocation_succeeded or allocation_failed; by order_id,
  // which is a number.
  kDrivers,
};

// How far out of place, in event time and within its key, an event of a workload may arrive; before
// `time_scale`.
inline constexpr int64_t kWorkloadDisorderUs = limits::kDefaultReorderToleranceUs;

// Rates are chances from 0 to 1.
struct WorkloadOptions {
  Shape shape = Shape::kOrders;
  uint64_t seed = 1;
  // What arrives in all, copies included.
  int64_t event_count = 10'000;
  // 2024-01-01T00:00:00Z.
  int64_t start_time_us = 1'704'067'200 * limits::kMicrosPerSecond;
  // Journeys start within this time; not scaled by `time_scale`.
  int64_t duration_us = limits::kMicrosPerHour;
  // Multiplies every other duration: of the monitors, between events, of delays. 0.01 makes 45 min
  // 27 s.
  double time_scale = 1.0;

  // Of an event: never sent.
  double lost_rate = 0.01;
  // Of a step: happens after the deadline of its hop.
  double late_rate = 0.01;
  // Of a step: reported by a clock that is behind, up to twice the clock skew before the step it
  // follows.
  double skewed_rate = 0.01;
  // Of the arrivals: copies of an event that arrived before. This share is exact.
  double duplicate_rate = 0.2;
  // Of an event: held back so that later events of its key overtake it, where the disorder allowed
  // lets them.
  double reordered_rate = 0.1;
  // Of an event: arrives up to minutes after it happened; what happens later for its key waits
  // behind it.
  double delayed_rate = 0.01;
  // Of a journey: its key starts another one, after its end or in its midst; up to three times.
  double key_reuse_rate = 0.1;
  // Of a journey: a cancel event comes, before or after a deadline; half of those journeys go on
  // regardless.
  double cancelled_rate = 0.05;
  // Of an event: it has no key attribute.
  double no_key_rate = 0.001;
  // Where over 0, one more key gets so many of the first step within its deadline, and some
  // follow-ups.
  int64_t hot_key_primaries = 0;

  // Three monitors a hop, one for each on_repeat; otherwise one a hop, the values taking turns.
  bool every_on_repeat = true;
};

struct WorkloadMonitor {
  lapse::v1::Monitor monitor;
  // What the filter of the monitor's primary says, by hand; null where it has none. No other
  // pattern has a filter.
  bool (*accepts_primary)(const lapse::v1::Event& event) = nullptr;
};

struct Arrival {
  int64_t arrival_us = 0;
  // Index in Workload::events.
  int64_t event = 0;
  // Not the event's first arrival.
  bool copy = false;
};

// What the generator did; the lost ones are in no list.
struct WorkloadCounts {
  int64_t keys = 0;
  int64_t journeys = 0;
  int64_t reused_journeys = 0;
  int64_t cancelled_journeys = 0;
  // Steps and cancels, sent or lost.
  int64_t planned = 0;
  int64_t lost = 0;
  // Steps that follow another one in their journey; `late` and `skewed` are among them.
  int64_t hops = 0;
  int64_t late = 0;
  int64_t skewed = 0;
};

struct Workload {
  WorkloadOptions options;
  std::vector<WorkloadMonitor> monitors;
  // Distinct, by (occur_time, source, id). Every one has an occur_time in whole microseconds.
  std::vector<lapse::v1::Event> events;
  // For each event, which key it is of; -1 where it has none.
  std::vector<int64_t> key_numbers;
  // In order of arrival. No event arrives before its occur_time; within a key none arrives after
  // one whose time is more than the disorder allowed (kWorkloadDisorderUs, scaled; no more than any
  // monitor's reorder_tolerance) past its own.
  std::vector<Arrival> arrivals;
  // By then everything has arrived, and every due + grace, and the settle time after the last
  // arrival, is past.
  int64_t end_time_us = 0;
  WorkloadCounts counts;
};

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_WORKLOAD_WORKLOAD_H_
