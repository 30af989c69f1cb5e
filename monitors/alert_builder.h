// Makes the alert that a transition asks for.
#ifndef LAPSE_MONITORS_ALERT_BUILDER_H_
#define LAPSE_MONITORS_ALERT_BUILDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/string_view.h"
#include "lapse/v1/alert.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/compiled_monitor.h"
#include "monitors/key_state.h"
#include "storage/encoded_alert.h"

namespace lapse::monitors {

// Names follow from what identifies the expectation, and so are the same in every replay:
// `alerts/`, 16 hexadecimal digits of the primary's sequence and 16 of a fingerprint. They grow
// with time, which is what makes storing many of them cheap.
//
// Those of an earlier version of Lapse are 32 digits of the fingerprint: a data folder says from
// which primary on the present form is used (SqliteStateStore::names_ordered_from).
class AlertNames {
 public:
  AlertNames() = default;
  explicit AlertNames(int64_t ordered_from) : ordered_from_(ordered_from) {}

  std::string Of(absl::string_view monitor_uid, int64_t revision, int64_t primary_sequence) const;

 private:
  int64_t ordered_from_ = 0;
};

// Used by one thread at a time.
class AlertBuilder {
 public:
  explicit AlertBuilder(AlertNames names) : names_(names) {}

  // The alert as of `transition`, which has an alert effect. `monitor` is the monitor as it is now,
  // `revision` the one that opened the expectation. For a version above 1, AlertRecorder puts the
  // facts of the monitor back to those the alert was made with.
  storage::EncodedAlert Build(const std::shared_ptr<const lapse::v1::Monitor>& monitor,
                              const CompiledMonitor& revision, std::string_view key,
                              const Transition& transition);

 private:
  void EncodeMonitor(const std::shared_ptr<const lapse::v1::Monitor>& monitor,
                     const CompiledMonitor& revision);

  const AlertNames names_;
  // What alerts of the same monitor and revision share, serialized for the last one.
  std::shared_ptr<const lapse::v1::Monitor> monitor_;
  std::string uid_;
  int64_t revision_ = 0;
  std::string shared_bytes_;
  // Reused.
  lapse::v1::Alert own_;
};

// Display name, severity, labels and notifiers: an alert keeps those that its monitor had when it
// was made.
void CopyMonitorFacts(const lapse::v1::Alert& made, lapse::v1::Alert* alert);

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_ALERT_BUILDER_H_
