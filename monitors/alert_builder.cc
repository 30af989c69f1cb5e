#include "monitors/alert_builder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/fingerprint.h"
#include "base/names.h"
#include "base/proto_time.h"
#include "google/protobuf/io/coded_stream.h"
#include "monitors/summary_wire.h"

namespace lapse::monitors {
namespace {

using lapse::v1::Alert;

// Alerts keep their names whatever the log's seed is.
constexpr uint64_t kAlertNameSeed = 0;

// Summaries were serialized by this process or by an earlier one, and its checkpoint's checksum
// held. Were one damaged all the same, no subscriber could read past its alert: what can be read of
// it is serialized anew.
std::string Mended(std::string_view bytes) {
  lapse::v1::EventSummary summary;
  summary.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()));
  return summary.SerializePartialAsString();
}

// As a message field of an alert; nothing for an empty one.
void AppendSummary(int field, std::string_view summary, std::string* alert) {
  if (summary.empty()) return;
  std::string mended;
  WireSummary wire;
  if (!ReadSummary(summary, &wire)) summary = mended = Mended(summary);
  constexpr uint32_t kLengthDelimited = 2;
  uint8_t head[10];
  using google::protobuf::io::CodedOutputStream;
  uint8_t* end = CodedOutputStream::WriteVarint32ToArray(
      static_cast<uint32_t>(field) << 3 | kLengthDelimited, head);
  end = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(summary.size()), end);
  alert->append(reinterpret_cast<const char*>(head), end - head);
  alert->append(summary);
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

std::string AlertNames::Of(absl::string_view monitor_uid, int64_t revision,
                           int64_t primary_sequence) const {
  const Fingerprint id = FingerprintOf(
      kAlertNameSeed, {monitor_uid, absl::StrCat(revision), absl::StrCat(primary_sequence)});
  if (primary_sequence < ordered_from_) return ResourceName(kAlertCollection, id.ToHex());
  return absl::StrCat(kAlertCollection, "/", absl::Hex(primary_sequence, absl::kZeroPad16),
                      absl::Hex(id.high, absl::kZeroPad16));
}

storage::EncodedAlert AlertBuilder::Build(const std::shared_ptr<const lapse::v1::Monitor>& monitor,
                                          const CompiledMonitor& revision, std::string_view key,
                                          const Transition& transition) {
  EncodeMonitor(monitor, revision);
  own_.Clear();
  own_.set_name(names_.Of(revision.uid(), revision.revision(), transition.primary_sequence));
  own_.set_key(key.data(), key.size());
  FillEffect(transition, &own_);
  std::string bytes;
  bytes.reserve(own_.ByteSizeLong() + shared_bytes_.size() + transition.primary_summary.size() +
                transition.secondary_summary.size() + 16);
  own_.AppendToString(&bytes);
  bytes.append(shared_bytes_);
  AppendSummary(Alert::kPrimaryEventFieldNumber, transition.primary_summary, &bytes);
  AppendSummary(Alert::kSecondaryEventFieldNumber, transition.secondary_summary, &bytes);
  return {own_, monitor->notifiers_size() > 0, std::move(bytes)};
}

void AlertBuilder::EncodeMonitor(const std::shared_ptr<const lapse::v1::Monitor>& monitor,
                                 const CompiledMonitor& revision) {
  if (monitor_ == monitor && uid_ == revision.uid() && revision_ == revision.revision()) return;
  monitor_ = monitor;
  uid_ = revision.uid();
  revision_ = revision.revision();
  Alert shared;
  shared.set_monitor(monitor->name());
  shared.set_monitor_uid(uid_);
  shared.set_revision(revision_);
  shared.set_monitor_display_name(monitor->display_name());
  shared.set_severity(monitor->severity());
  *shared.mutable_labels() = monitor->labels();
  *shared.mutable_notifiers() = monitor->notifiers();
  shared.set_expected_event_type(revision.expected_event_type());
  shared_bytes_ = shared.SerializeAsString();
}

void CopyMonitorFacts(const Alert& made, Alert* alert) {
  alert->set_monitor_display_name(made.monitor_display_name());
  alert->set_severity(made.severity());
  *alert->mutable_labels() = made.labels();
  *alert->mutable_notifiers() = made.notifiers();
}

}  // namespace lapse::monitors
