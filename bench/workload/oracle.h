// What the verdicts must be, found by a method that is slow, simple and shares no code with
// monitors/: take one key's events in order and go down the table of follow_up, row by row. Read it
// against docs/design/time-and-matching.md.
//
// Holds where events are out of place by at most the monitor's reorder_tolerance, arrive no earlier
// than their occur_time, and the monitor does not change. The order of arrival then plays no part,
// and none is given.
#ifndef LAPSE_BENCH_WORKLOAD_ORACLE_H_
#define LAPSE_BENCH_WORKLOAD_ORACLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "bench/workload/workload.h"
#include "lapse/v1/alert.pb.h"

namespace lapse::bench {

// An expectation as it must have ended. Events are named by their index in the events given.
struct ExpectedVerdict {
  std::string key;
  int64_t primary_event = -1;
  int64_t primary_time_us = 0;
  int64_t due_us = 0;
  // PENDING where nothing ended it, or its deadline passed but is not to be fired yet. Never
  // WITHDRAWN.
  lapse::v1::Verdict verdict = lapse::v1::VERDICT_PENDING;
  lapse::v1::VerdictReason reason = lapse::v1::VERDICT_REASON_OPEN;
  // The secondary, cancel or restarting primary; -1 where there is none.
  int64_t ending_event = -1;
  // -1 where it has none.
  int64_t elapsed_us = -1;
  int64_t lateness_us = -1;
  // Exactly MISSED and LATE ones have an alert: FIRING for a MISSED one; RESOLVED, with its reason,
  // for a LATE one and for a MISSED one that a cancel came for too late. Unspecified where there is
  // no alert, and the reason also while FIRING, since that depends on the order of arrival.
  lapse::v1::Alert::State alert_state = lapse::v1::Alert::STATE_UNSPECIFIED;
  lapse::v1::Alert::Reason alert_reason = lapse::v1::Alert::REASON_UNSPECIFIED;
};

struct ExpectedBooks {
  int64_t opened = 0;
  int64_t met = 0;
  int64_t late = 0;
  int64_t missed = 0;
  int64_t cancelled = 0;
  int64_t shed = 0;
  int64_t pending = 0;

  bool operator==(const ExpectedBooks&) const = default;
};

// Every expectation that `watched` opens on `events` (distinct, in any order), by key, then in the
// order in which they opened, as it must be once every event has arrived and the time mark has come
// to `end_time_us`.
std::vector<ExpectedVerdict> ExpectedVerdicts(const WorkloadMonitor& watched,
                                              const std::vector<lapse::v1::Event>& events,
                                              int64_t end_time_us);

ExpectedBooks CountVerdicts(const std::vector<ExpectedVerdict>& verdicts);

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_WORKLOAD_ORACLE_H_
