// Makes the alert that a transition asks for.
#ifndef LAPSE_MONITORS_ALERT_BUILDER_H_
#define LAPSE_MONITORS_ALERT_BUILDER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "lapse/v1/alert.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/compiled_monitor.h"
#include "monitors/key_state.h"

namespace lapse::monitors {

// `alerts/` and 32 hexadecimal digits that follow from what identifies the expectation: the same in
// every replay.
std::string AlertName(absl::string_view monitor_uid, int64_t revision, int64_t primary_sequence);

// The alert as of `transition`, which has an alert effect. `monitor` is the monitor as it is now,
// `revision` the one that opened the expectation. For a version above 1, AlertRecorder puts the
// facts of the monitor back to those the alert was made with.
lapse::v1::Alert BuildAlert(const lapse::v1::Monitor& monitor, const CompiledMonitor& revision,
                            absl::string_view key, const Transition& transition);

// Display name, severity, labels and notifiers: an alert keeps those that its monitor had when it
// was made.
void CopyMonitorFacts(const lapse::v1::Alert& made, lapse::v1::Alert* alert);

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_ALERT_BUILDER_H_
