#include "bench/workload/arrivals.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "base/limits.h"
#include "base/proto_time.h"
#include "bench/workload/random.h"
#include "bench/workload/shapes.h"

namespace lapse::bench {
namespace {

// Before scaling.
constexpr int64_t kMinTransitUs = limits::kMicrosPerMilli;
constexpr int64_t kMaxTransitUs = 200 * limits::kMicrosPerMilli;
constexpr int64_t kMaxDelayUs = 10 * limits::kMicrosPerMinute;
constexpr int64_t kMaxCopyDelayUs = 10 * limits::kMicrosPerMinute;
// More than the settle time, which is not scaled.
constexpr int64_t kEndMarginUs = 2 * limits::kDefaultSettleUs;

int64_t TimeOf(const Workload& workload, int64_t event) {
  return ToMicros(workload.events[event].occur_time());
}

int64_t DisorderUs(const Workload& workload) {
  return ScaleDuration(kWorkloadDisorderUs, workload.options.time_scale);
}

struct DisorderRates {
  double reordered = 0;
  double delayed = 0;
};

// From happening to arriving, before the disorder is bounded.
int64_t DrawTransit(const DisorderRates& rates, double scale, Random& random) {
  int64_t transit_us = random.Between(kMinTransitUs, kMaxTransitUs);
  if (random.Chance(rates.reordered)) {
    // Half of them are overtaken by all that may overtake them, so that the bound itself is met
    // too.
    transit_us += random.Chance(0.5) ? kWorkloadDisorderUs + kMaxTransitUs
                                     : random.Between(0, kWorkloadDisorderUs);
  }
  if (random.Chance(rates.delayed)) transit_us += random.Between(0, kMaxDelayUs);
  return ScaleDuration(transit_us, scale);
}

// Lets each event of one key wait for those that are too much older to be overtaken. `key_events`
// are in order of time.
void BoundDisorder(const Workload& workload, const std::vector<int64_t>& key_events,
                   std::vector<int64_t>& arrival_us) {
  const int64_t disorder_us = DisorderUs(workload);
  int64_t floor_us = INT64_MIN;
  size_t older = 0;
  for (const int64_t event : key_events) {
    const int64_t bound_us = TimeOf(workload, event) - disorder_us;
    for (; TimeOf(workload, key_events[older]) < bound_us; ++older) {
      floor_us = std::max(floor_us, arrival_us[key_events[older]]);
    }
    arrival_us[event] = std::max(arrival_us[event], floor_us);
  }
}

std::vector<std::vector<int64_t>> EventsByKey(const Workload& workload) {
  std::vector<std::vector<int64_t>> by_key;
  for (size_t event = 0; event < workload.events.size(); ++event) {
    const int64_t key = workload.key_numbers[event];
    if (key < 0) continue;
    if (by_key.size() <= static_cast<size_t>(key)) by_key.resize(key + 1);
    by_key[key].push_back(static_cast<int64_t>(event));
  }
  return by_key;
}

std::vector<int64_t> DrawArrivals(const Workload& workload, const DisorderRates& rates,
                                  Random& random) {
  std::vector<int64_t> arrival_us(workload.events.size());
  for (size_t event = 0; event < workload.events.size(); ++event) {
    arrival_us[event] = TimeOf(workload, static_cast<int64_t>(event)) +
                        DrawTransit(rates, workload.options.time_scale, random);
  }
  for (const std::vector<int64_t>& key_events : EventsByKey(workload)) {
    BoundDisorder(workload, key_events, arrival_us);
  }
  return arrival_us;
}

void AddCopies(Random& random, Workload& workload) {
  const size_t originals = workload.arrivals.size();
  const int64_t copies =
      workload.options.event_count - static_cast<int64_t>(workload.events.size());
  for (int64_t i = 0; i < copies; ++i) {
    const Arrival original = workload.arrivals[random.Next() % originals];
    const int64_t delay_us =
        ScaleDuration(random.Between(0, kMaxCopyDelayUs), workload.options.time_scale);
    workload.arrivals.push_back({original.arrival_us + delay_us, original.event, true});
  }
}

int64_t LastFiringUs(const Workload& workload) {
  int64_t longest_us = 0;
  for (const WorkloadMonitor& watched : workload.monitors) {
    const lapse::v1::FollowUp& rule = watched.monitor.follow_up();
    longest_us = std::max(longest_us, ToMicros(rule.within()) + ToMicros(rule.grace()));
  }
  return TimeOf(workload, static_cast<int64_t>(workload.events.size()) - 1) + longest_us;
}

void SetArrivals(const DisorderRates& rates, Random& random, Workload& workload) {
  const std::vector<int64_t> arrival_us = DrawArrivals(workload, rates, random);
  workload.arrivals.clear();
  workload.arrivals.reserve(workload.options.event_count);
  for (size_t event = 0; event < arrival_us.size(); ++event) {
    workload.arrivals.push_back({arrival_us[event], static_cast<int64_t>(event), false});
  }
  AddCopies(random, workload);
  // At the same instant the older event comes first, and a copy after its original.
  std::sort(
      workload.arrivals.begin(), workload.arrivals.end(), [](const Arrival& a, const Arrival& b) {
        return std::tie(a.arrival_us, a.copy, a.event) < std::tie(b.arrival_us, b.copy, b.event);
      });
  workload.end_time_us =
      std::max(workload.arrivals.back().arrival_us, LastFiringUs(workload)) + kEndMarginUs;
}

}  // namespace

void SetArrivals(uint64_t seed, Workload& workload) {
  Random random(seed);
  SetArrivals({workload.options.reordered_rate, workload.options.delayed_rate}, random, workload);
}

void ReorderWithinTolerance(uint64_t seed, Workload& workload) {
  Random random(seed);
  constexpr std::array<double, 4> kReordered = {0.02, 0.2, 0.5, 0.9};
  constexpr std::array<double, 3> kDelayed = {0.0, 0.01, 0.1};
  const double reordered = random.Pick(kReordered);
  const double delayed = random.Pick(kDelayed);
  SetArrivals({reordered, delayed}, random, workload);
}

std::vector<int64_t> OutOfPlaceUs(const Workload& workload) {
  std::vector<int64_t> newest_us;
  std::vector<int64_t> result;
  result.reserve(workload.arrivals.size());
  for (const Arrival& arrival : workload.arrivals) {
    const int64_t key = workload.key_numbers[arrival.event];
    result.push_back(0);
    if (arrival.copy || key < 0) continue;
    if (newest_us.size() <= static_cast<size_t>(key)) newest_us.resize(key + 1, INT64_MIN);
    const int64_t time_us = TimeOf(workload, arrival.event);
    if (newest_us[key] > time_us) result.back() = newest_us[key] - time_us;
    newest_us[key] = std::max(newest_us[key], time_us);
  }
  return result;
}

}  // namespace lapse::bench
