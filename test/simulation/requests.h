// What a node is asked to do by its clients, what they were answered, and what must follow from
// that.
#ifndef LAPSE_TEST_SIMULATION_REQUESTS_H_
#define LAPSE_TEST_SIMULATION_REQUESTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "lapse/internal/v1/log.pb.h"
#include "test/simulation/generator.h"
#include "test/simulation/judge.h"
#include "test/simulation/node.h"
#include "test/simulation/oracle.h"
#include "test/simulation/reference_log.h"

namespace lapse::simulation {

// Drawing by the driver, sending by threads of the life.
class Requests {
 public:
  // What is given outlives it.
  Requests(Generator& generator, const ReferenceLog& log) : generator_(generator), log_(log) {}

  struct Batch {
    std::vector<lapse::v1::Event> events;
    enum class State { kUnanswered, kAccepted, kRefused, kUncertain } state = State::kUnanswered;
    std::vector<storage::AppendedEvent> answers;
    // Of the events, those that were never sent before.
    std::vector<std::pair<std::string, std::string>> fresh;
  };
  using BatchRef = std::shared_ptr<Batch>;

  BatchRef NextBatch(int64_t now_us);
  void Send(const BatchRef& batch, Node& node);

  // One of the monitors' changes, whatever it comes to.
  struct MonitorRequest {
    enum class Kind { kCreate, kCondition, kLabel, kToggle, kDelete } kind = Kind::kCreate;
    std::string id;
    lapse::v1::FollowUp condition;
    std::string label;
  };
  MonitorRequest NextMonitorRequest();
  void ChangeMonitor(const MonitorRequest& request, Node& node);

  // Of an alert that is firing.
  std::optional<lapse::internal::v1::ControlRecord> NextClose(const ReferenceFeed& feed);

  // The process is gone: what was not answered may have been done or not.
  void OnCrash();

  // Asked when nothing moves, the node is well and the log is known to its end: every request was
  // answered, and every answer is borne out by the log.
  absl::Status Check(const Oracle& oracle);
  int64_t accepted() const { return accepted_; }
  int64_t refused() const { return refused_; }

 private:
  void OnAnswer(Batch& batch, const absl::StatusOr<storage::AppendResult>& result);
  absl::Status CheckBatch(const Batch& batch) const;
  absl::Status CheckAnswer(const lapse::v1::Event& sent,
                           const storage::AppendedEvent& answer) const;
  absl::Status CheckWhole(const Batch& batch) const;
  absl::Status CheckRefused() const;
  absl::Status CheckMonitors(const Oracle& oracle);
  absl::StatusOr<lapse::v1::Monitor> TryChange(const MonitorRequest& request,
                                               server::MonitorCatalog& catalog);

  using EventName = std::pair<std::string, std::string>;
  // Of an event sent: whether a request with it was accepted, or may have been.
  struct Fate {
    bool accepted = false;
    bool uncertain = false;
  };

  Generator& generator_;
  const ReferenceLog& log_;
  // Since the last check.
  std::vector<BatchRef> batches_;
  std::map<EventName, Fate> fates_;
  // By name, as answered; none where it was deleted.
  std::map<std::string, std::optional<lapse::v1::Monitor>> monitors_;
  // Those with a change that was not answered.
  std::map<std::string, bool> uncertain_monitors_;
  std::string changing_;
  int64_t accepted_ = 0;
  int64_t refused_ = 0;
};

}  // namespace lapse::simulation

#endif  // LAPSE_TEST_SIMULATION_REQUESTS_H_
