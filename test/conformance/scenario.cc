#include "test/conformance/scenario.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/proto_time.h"
#include "bench/workload/arrivals.h"
#include "bench/workload/generator.h"

namespace lapse::conformance {
namespace {

Watched Watch(const bench::WorkloadMonitor& watched, const bench::Workload& workload) {
  Watched result;
  result.monitor = watched.monitor;
  result.monitor.set_uid(absl::StrCat("uid of ", watched.monitor.name()));
  result.monitor.set_revision(1);
  result.expected = bench::ExpectedVerdicts(watched, workload.events, workload.end_time_us);
  result.books = bench::CountVerdicts(result.expected);
  for (size_t i = 0; i < result.expected.size(); ++i) {
    result.by_primary[result.expected[i].primary_event] = static_cast<int64_t>(i);
  }
  return result;
}

std::string KeyText(const lapse::v1::Event& event, const std::string& attribute) {
  const auto found = event.attributes().find(attribute);
  if (found == event.attributes().end()) return "";
  if (found->second.has_int64_value()) return absl::StrCat(found->second.int64_value());
  return found->second.string_value();
}

bool IsSeen(const lapse::v1::FollowUp& rule, const lapse::v1::Event& event) {
  return event.type() == rule.primary().event_type() ||
         event.type() == rule.secondary().event_type() ||
         event.type() == rule.cancel().event_type();
}

}  // namespace

Scenario MakeScenario(const bench::WorkloadOptions& options) {
  Scenario scenario;
  scenario.workload = bench::GenerateWorkload(options);
  for (const bench::WorkloadMonitor& watched : scenario.workload.monitors) {
    scenario.watched.push_back(Watch(watched, scenario.workload));
  }
  return scenario;
}

void SetArrivalOrder(uint64_t arrival_order, Scenario& scenario) {
  scenario.arrival_order = arrival_order;
  if (arrival_order == 0) {
    // Its own order is drawn together with the events.
    scenario.workload = bench::GenerateWorkload(scenario.workload.options);
  } else {
    bench::ReorderWithinTolerance(arrival_order, scenario.workload);
  }
}

std::string DescribeKey(const Scenario& scenario, const Watched& watched, const std::string& key) {
  const bench::Workload& workload = scenario.workload;
  const lapse::v1::FollowUp& rule = watched.monitor.follow_up();
  const auto seconds = [&workload](int64_t time_us) {
    return static_cast<double>(time_us - workload.options.start_time_us) / 1e6;
  };
  std::string text;
  for (const bench::Arrival& arrival : workload.arrivals) {
    const lapse::v1::Event& event = workload.events[arrival.event];
    if (arrival.copy || !IsSeen(rule, event)) continue;
    if (KeyText(event, rule.primary().key_attribute()) != key) continue;
    absl::StrAppend(
        &text, absl::StrFormat("    arrived %.6f, time %.6f: %s %s/%s\n",
                               seconds(arrival.arrival_us), seconds(ToMicros(event.occur_time())),
                               event.type(), event.source(), event.id()));
  }
  return text;
}

}  // namespace lapse::conformance
