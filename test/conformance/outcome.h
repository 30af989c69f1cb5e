// What a run of the matcher showed to those who asked.
#ifndef LAPSE_TEST_CONFORMANCE_OUTCOME_H_
#define LAPSE_TEST_CONFORMANCE_OUTCOME_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lapse/v1/alert.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/sharded_matcher.h"
#include "storage/state_store.h"

namespace lapse::conformance {

struct MonitorOutcome {
  lapse::v1::MonitorStats stats;
  // All that are kept: of a key what is pending or firing, and the newest 16 of the others.
  std::vector<lapse::v1::Expectation> expectations;
};

struct AlertHistory {
  // Each change's bytes (equal alerts have equal ones), oldest first.
  std::vector<std::string> changes;
  lapse::v1::Alert last;
};

// By name.
using AlertHistories = std::map<std::string, AlertHistory>;

struct Outcome {
  // In the order of the uids asked for.
  std::vector<MonitorOutcome> monitors;
  AlertHistories alerts;
};

// Asks a matcher that has been started, as of everything it was given; waits for the answers.
absl::StatusOr<std::vector<MonitorOutcome>> AskMatcher(const std::vector<std::string>& uids,
                                                       monitors::ShardedMatcher& matcher);

// Every alert that ever changed. FAILED_PRECONDITION where an alert's changes are not numbered 1,
// 2, 3 and so on.
absl::StatusOr<AlertHistories> ReadAlerts(storage::AlertStore& store);

}  // namespace lapse::conformance

#endif  // LAPSE_TEST_CONFORMANCE_OUTCOME_H_
