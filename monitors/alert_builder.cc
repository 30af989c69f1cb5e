#include "monitors/alert_builder.h"

#include "absl/strings/str_cat.h"
#include "base/fingerprint.h"
#include "base/names.h"
#include "base/proto_time.h"

namespace lapse::monitors {
namespace {

using lapse::v1::Alert;

// Alerts keep their names whatever the log's seed is.
constexpr uint64_t kAlertNameSeed = 0;

void FillMonitor(const lapse::v1::Monitor& monitor, const CompiledMonitor& revision, Alert* alert) {
  alert->set_monitor(monitor.name());
  alert->set_monitor_uid(revision.uid());
  alert->set_revision(revision.revision());
  alert->set_monitor_display_name(monitor.display_name());
  alert->set_severity(monitor.severity());
  *alert->mutable_labels() = monitor.labels();
  *alert->mutable_notifiers() = monitor.notifiers();
  alert->set_expected_event_type(revision.expected_event_type());
}

// The summaries were serialized by this process or by an earlier one, and its checkpoint's checksum
// held.
void FillEvents(const Transition& transition, Alert* alert) {
  if (!transition.primary_summary.empty()) {
    alert->mutable_primary_event()->ParseFromString(transition.primary_summary);
  }
  if (!transition.secondary_summary.empty()) {
    alert->mutable_secondary_event()->ParseFromString(transition.secondary_summary);
  }
}

void FillEffect(const Transition& transition, Alert* alert) {
  const AlertEffect& effect = transition.alert;
  alert->set_state(effect.state);
  alert->set_reason(effect.reason);
  alert->set_version(effect.version);
  alert->set_detected_late(effect.detected_late);
  alert->set_close_note(effect.close_note);
  SetTimestamp(transition.due_us, alert->mutable_due_time());
  if (effect.fire_time_us != 0) SetTimestamp(effect.fire_time_us, alert->mutable_fire_time());
  if (effect.state == Alert::STATE_RESOLVED) {
    SetTimestamp(effect.resolve_time_us, alert->mutable_resolve_time());
  }
  if (effect.reason == Alert::REASON_FOLLOWED_LATE && transition.lateness_us >= 0) {
    SetDuration(transition.lateness_us, alert->mutable_lateness());
  }
}

}  // namespace

std::string AlertName(absl::string_view monitor_uid, int64_t revision, int64_t primary_sequence) {
  const Fingerprint id = FingerprintOf(
      kAlertNameSeed, {monitor_uid, absl::StrCat(revision), absl::StrCat(primary_sequence)});
  return ResourceName(kAlertCollection, id.ToHex());
}

Alert BuildAlert(const lapse::v1::Monitor& monitor, const CompiledMonitor& revision,
                 absl::string_view key, const Transition& transition) {
  Alert alert;
  alert.set_name(AlertName(revision.uid(), revision.revision(), transition.primary_sequence));
  alert.set_key(std::string(key));
  FillMonitor(monitor, revision, &alert);
  FillEvents(transition, &alert);
  FillEffect(transition, &alert);
  return alert;
}

void CopyMonitorFacts(const Alert& made, Alert* alert) {
  alert->set_monitor_display_name(made.monitor_display_name());
  alert->set_severity(made.severity());
  *alert->mutable_labels() = made.labels();
  *alert->mutable_notifiers() = made.notifiers();
}

}  // namespace lapse::monitors
