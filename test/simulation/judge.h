// Holds what a node shows against the reference: log, feed, books, expectations and alerts.
#ifndef LAPSE_TEST_SIMULATION_JUDGE_H_
#define LAPSE_TEST_SIMULATION_JUDGE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "lapse/v1/alert.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "storage/state_store.h"
#include "test/simulation/node.h"
#include "test/simulation/oracle.h"
#include "test/simulation/reference_log.h"

namespace lapse::simulation {

// What a node says when it is asked and nothing moves.
struct Shown {
  struct OfMonitor {
    lapse::v1::MonitorStats stats;
    std::vector<lapse::v1::Expectation> expectations;
  };

  // What went wrong in asking.
  absl::Status status;
  int64_t last_position = 0;
  // By uid.
  std::map<std::string, OfMonitor> monitors;
  // All that exist.
  std::vector<lapse::v1::Monitor> catalog;
  std::vector<storage::FeedChange> feed;
};

// Asks `node`, and sees what its log has beyond `log`. By a thread of the life.
Shown Ask(Node& node, const std::vector<std::string>& monitor_uids, ReferenceLog& log);

// The alert feed as it was shown: it grows and never changes.
class ReferenceFeed {
 public:
  // The feed as it is read now, from its beginning.
  absl::Status See(const std::vector<storage::FeedChange>& feed);
  // Subscribers were shown so many changes.
  void NotePublished(int64_t last) { published_ = std::max(published_, last); }

  // Each alert's changes, by name.
  const std::map<std::string, std::vector<lapse::v1::Alert>>& alerts() const { return alerts_; }

 private:
  absl::Status SeeNew(const storage::FeedChange& change);
  int64_t last() const { return static_cast<int64_t>(changes_.size()); }

  int64_t published_ = 0;
  // As text, which is the same for equal alerts.
  std::vector<std::string> changes_;
  std::map<std::string, std::vector<lapse::v1::Alert>> alerts_;
};

// `oracle` has been given all of the log. The status names the first difference.
absl::Status CompareMonitors(const Oracle& oracle, const Shown& shown);
absl::Status CompareAlerts(const Oracle& oracle, const ReferenceFeed& feed);

}  // namespace lapse::simulation

#endif  // LAPSE_TEST_SIMULATION_JUDGE_H_
