#include "server/monitor_catalog.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/fingerprint.h"
#include "base/limits.h"
#include "base/names.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/util/message_differencer.h"
#include "server/append_control.h"
#include "server/update_mask.h"
#include "server/validation_monitor.h"
#include "server/validation_text.h"
#include "spdlog/spdlog.h"

namespace lapse::server {
namespace {

using google::protobuf::util::MessageDifferencer;
using lapse::v1::Monitor;
using storage::RecordedMonitorChange;

constexpr size_t kEtagDigits = 16;

// What only the server sets, and the name.
const std::set<std::string>& FixedFields() {
  static const auto* const fields = new std::set<std::string>{
      "name", "uid", "revision", "etag", "disabled", "create_time", "update_time"};
  return *fields;
}

absl::Status NotFound(const std::string& name) {
  return MakeError(absl::StatusCode::kNotFound, "MONITOR_NOT_FOUND",
                   absl::StrCat("there is no ", Quoted(name)));
}

absl::Status StaleEtag(const std::string& name) {
  return MakeError(
      absl::StatusCode::kAborted, "ETAG_STALE",
      absl::StrCat(Quoted(name), " has changed since this etag; get it and try again"));
}

absl::Status Exists(const std::string& name) {
  return MakeError(absl::StatusCode::kAlreadyExists, "MONITOR_EXISTS",
                   absl::StrCat("there is a ", Quoted(name), " already"));
}

absl::Status TooMany() {
  return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_MONITORS",
                   absl::StrCat("there are ", limits::kMaxMonitors,
                                " monitors, which is the most; delete one first"));
}

bool SameCondition(const Monitor& a, const Monitor& b) {
  return a.condition_case() == b.condition_case() &&
         MessageDifferencer::Equals(a.follow_up(), b.follow_up());
}

// The time by which the store finds request ids; the same when recorded now or at a start.
int64_t ChangeTimeUs(const RecordedMonitorChange& change) {
  return ToMicros(change.change.monitor().update_time());
}

}  // namespace

MonitorCatalog::MonitorCatalog(storage::EventLog& log, storage::MonitorStore& monitors,
                               storage::NotifierStore& notifiers, Clock& clock)
    : log_(log),
      store_(monitors),
      notifiers_(notifiers),
      clock_(clock),
      uuids_(clock, RandomSeed()) {}

// At most one change of a monitor stands in an entry, since each waits for the one before: its
// index is 0.
absl::Status MonitorCatalog::RecordLogged(const storage::LogEntry& entry) {
  for (const lapse::internal::v1::ControlRecord& control : entry.controls) {
    if (!control.has_monitor_change()) continue;
    const RecordedMonitorChange change{entry.position, 0, control.monitor_change()};
    RETURN_IF_ERROR(store_.RecordMonitorChange(change, ChangeTimeUs(change)));
  }
  return absl::OkStatus();
}

absl::Status MonitorCatalog::Load() {
  ASSIGN_OR_RETURN(std::vector<Monitor> monitors, store_.LoadMonitors());
  MutexLock lock(mutex_);
  monitors_.clear();
  for (Monitor& monitor : monitors) monitors_[monitor.name()] = std::move(monitor);
  return absl::OkStatus();
}

absl::StatusOr<Monitor> MonitorCatalog::Create(const lapse::v1::CreateMonitorRequest& request) {
  RETURN_IF_ERROR(ValidateResourceId(request.monitor_id(), "monitor_id"));
  RETURN_IF_ERROR(ValidateText("request_id", request.request_id(), limits::kMaxRequestIdBytes,
                               "REQUEST_ID_TOO_LONG"));
  const std::string name = ResourceName(kMonitorCollection, request.monitor_id());
  MutexLock changing(change_mutex_);
  RETURN_IF_ERROR(RecordPending());
  ASSIGN_OR_RETURN(std::optional<Monitor> repeated, FindRepeated(name, request.request_id()));
  if (repeated) return *std::move(repeated);
  if (FindForChange(name, "").ok()) return Exists(name);
  return CreateNew(name, request.monitor(), request.request_id());
}

absl::StatusOr<std::optional<Monitor>> MonitorCatalog::FindRepeated(const std::string& name,
                                                                    const std::string& request_id) {
  if (request_id.empty()) return std::optional<Monitor>();
  const int64_t since_us = clock_.NowUs() - limits::kRequestIdRetentionUs;
  absl::StatusOr<Monitor> first = store_.FindMonitorByRequestId(request_id, since_us);
  if (absl::IsNotFound(first.status())) return std::optional<Monitor>();
  if (!first.ok()) return first.status();
  if (first->name() == name) return std::optional<Monitor>(*std::move(first));
  return InvalidField("request_id", "REQUEST_ID_REUSED",
                      absl::StrCat("request_id ", Quoted(request_id), " was used to create ",
                                   Quoted(first->name())));
}

absl::StatusOr<Monitor> MonitorCatalog::CreateNew(const std::string& name, const Monitor& wanted,
                                                  const std::string& request_id) {
  {
    MutexLock lock(mutex_);
    if (monitors_.size() >= limits::kMaxMonitors) return TooMany();
  }
  Monitor monitor;
  monitor.set_name(name);
  google::protobuf::FieldMask everything;
  everything.add_paths("*");
  RETURN_IF_ERROR(ApplyUpdateMask(everything, wanted, FixedFields(), &monitor));
  RETURN_IF_ERROR(WithFieldPrefix(ValidateMonitor(monitor), "monitor"));
  RETURN_IF_ERROR(CheckNotifiers(monitor));
  NormalizeMonitor(&monitor);
  monitor.set_uid(uuids_.Next());
  monitor.set_revision(1);
  SetTimestamp(clock_.NowUs(), monitor.mutable_create_time());
  return Commit(MonitorChange::ACTION_CREATE, std::move(monitor), request_id);
}

absl::StatusOr<Monitor> MonitorCatalog::Get(const std::string& name) const {
  RETURN_IF_ERROR(ParseResourceName(kMonitorCollection, name, "name").status());
  return FindForChange(name, "");
}

std::vector<Monitor> MonitorCatalog::List(const std::string& after_name, size_t limit) const {
  MutexLock lock(mutex_);
  std::vector<Monitor> page;
  for (auto it = monitors_.upper_bound(after_name); it != monitors_.end() && page.size() < limit;
       ++it) {
    page.push_back(it->second);
  }
  return page;
}

absl::StatusOr<Monitor> MonitorCatalog::Update(const lapse::v1::UpdateMonitorRequest& request) {
  const std::string& name = request.monitor().name();
  ASSIGN_OR_RETURN(const std::string id,
                   ParseResourceName(kMonitorCollection, name, "monitor.name"));
  MutexLock changing(change_mutex_);
  RETURN_IF_ERROR(RecordPending());
  absl::StatusOr<Monitor> present = FindForChange(name, request.monitor().etag());
  if (present.ok()) return UpdatePresent(*present, request);
  if (!absl::IsNotFound(present.status()) || !request.allow_missing()) return present.status();
  // The etag is one of a monitor that was.
  if (!request.monitor().etag().empty()) return StaleEtag(name);
  RETURN_IF_ERROR(ValidateResourceId(id, "monitor.name"));
  return CreateNew(name, request.monitor(), "");
}

absl::StatusOr<Monitor> MonitorCatalog::UpdatePresent(
    const Monitor& present, const lapse::v1::UpdateMonitorRequest& request) {
  Monitor monitor = present;
  RETURN_IF_ERROR(
      ApplyUpdateMask(request.update_mask(), request.monitor(), FixedFields(), &monitor));
  RETURN_IF_ERROR(WithFieldPrefix(ValidateMonitor(monitor), "monitor"));
  RETURN_IF_ERROR(CheckNotifiers(monitor));
  NormalizeMonitor(&monitor);
  if (MessageDifferencer::Equals(monitor, present)) return present;
  if (!SameCondition(monitor, present)) monitor.set_revision(present.revision() + 1);
  return Commit(MonitorChange::ACTION_UPDATE, std::move(monitor), "");
}

absl::Status MonitorCatalog::Delete(const lapse::v1::DeleteMonitorRequest& request) {
  RETURN_IF_ERROR(ParseResourceName(kMonitorCollection, request.name(), "name").status());
  MutexLock changing(change_mutex_);
  RETURN_IF_ERROR(RecordPending());
  absl::StatusOr<Monitor> present = FindForChange(request.name(), request.etag());
  if (absl::IsNotFound(present.status()) && request.allow_missing()) return absl::OkStatus();
  if (!present.ok()) return present.status();
  return Commit(MonitorChange::ACTION_DELETE, *std::move(present), "").status();
}

absl::StatusOr<Monitor> MonitorCatalog::Enable(const lapse::v1::EnableMonitorRequest& request) {
  return SetDisabled(request.name(), request.etag(), false);
}

absl::StatusOr<Monitor> MonitorCatalog::Disable(const lapse::v1::DisableMonitorRequest& request) {
  return SetDisabled(request.name(), request.etag(), true);
}

absl::StatusOr<Monitor> MonitorCatalog::SetDisabled(const std::string& name,
                                                    const std::string& etag, bool disabled) {
  RETURN_IF_ERROR(ParseResourceName(kMonitorCollection, name, "name").status());
  MutexLock changing(change_mutex_);
  RETURN_IF_ERROR(RecordPending());
  ASSIGN_OR_RETURN(Monitor monitor, FindForChange(name, etag));
  if (monitor.disabled() == disabled) return monitor;
  monitor.set_disabled(disabled);
  return Commit(disabled ? MonitorChange::ACTION_DISABLE : MonitorChange::ACTION_ENABLE,
                std::move(monitor), "");
}

absl::StatusOr<Monitor> MonitorCatalog::FindForChange(const std::string& name,
                                                      const std::string& etag) const {
  MutexLock lock(mutex_);
  const auto found = monitors_.find(name);
  if (found == monitors_.end()) return NotFound(name);
  if (!etag.empty() && etag != found->second.etag()) return StaleEtag(name);
  return found->second;
}

absl::Status MonitorCatalog::CheckNotifiers(const Monitor& monitor) {
  for (int i = 0; i < monitor.notifiers_size(); ++i) {
    const absl::Status status = notifiers_.GetNotifier(monitor.notifiers(i)).status();
    if (absl::IsNotFound(status)) {
      return InvalidField(absl::StrCat("monitor.notifiers[", i, "]"), "NOTIFIER_UNKNOWN",
                          absl::StrCat("there is no ", Quoted(monitor.notifiers(i)),
                                       "; create the notifier first"));
    }
    RETURN_IF_ERROR(status);
  }
  return absl::OkStatus();
}

absl::StatusOr<Monitor> MonitorCatalog::Commit(MonitorChange::Action action, Monitor monitor,
                                               const std::string& request_id) {
  SetTimestamp(clock_.NowUs(), monitor.mutable_update_time());
  monitor.set_etag(FingerprintOf(0, {uuids_.Next()}).ToHex().substr(0, kEtagDigits));
  lapse::internal::v1::ControlRecord control;
  MonitorChange* change = control.mutable_monitor_change();
  change->set_action(action);
  *change->mutable_monitor() = std::move(monitor);
  change->set_request_id(request_id);
  ASSIGN_OR_RETURN(const storage::LogPosition position, AppendControlAndWait(log_, control));
  pending_ = RecordedMonitorChange{position, 0, control.monitor_change()};
  PutInForce(control.monitor_change());
  // The log has the change, so it stands; the next start, or the next change, records it.
  if (const absl::Status status = RecordPending(); !status.ok()) {
    spdlog::error("The change of {} at log position {} is not recorded yet: {}",
                  control.monitor_change().monitor().name(), position,
                  std::string(status.message()));
  }
  return control.monitor_change().monitor();
}

absl::Status MonitorCatalog::RecordPendingChanges() {
  MutexLock changing(change_mutex_);
  return RecordPending();
}

absl::Status MonitorCatalog::RecordPending() {
  if (!pending_) return absl::OkStatus();
  const absl::Status status = store_.RecordMonitorChange(*pending_, ChangeTimeUs(*pending_));
  if (!status.ok()) {
    return Unavailable("STATE_STORE_FAILED",
                       absl::StrCat("monitors cannot be changed, for the store cannot be written: ",
                                    status.message()),
                       limits::kMicrosPerSecond);
  }
  pending_.reset();
  return absl::OkStatus();
}

void MonitorCatalog::PutInForce(const MonitorChange& change) {
  MutexLock lock(mutex_);
  if (change.action() == MonitorChange::ACTION_DELETE) {
    monitors_.erase(change.monitor().name());
  } else {
    monitors_[change.monitor().name()] = change.monitor();
  }
}

bool MonitorCatalog::NotifierInUse(const std::string& name) const {
  return !MonitorNaming(name).empty();
}

absl::Status MonitorCatalog::RemoveNotifier(const std::string& name,
                                            absl::FunctionRef<absl::Status()> remove) {
  MutexLock changing(change_mutex_);
  const std::string monitor = MonitorNaming(name);
  if (monitor.empty()) return remove();
  return MakeError(absl::StatusCode::kFailedPrecondition, "NOTIFIER_IN_USE",
                   absl::StrCat(Quoted(monitor), " names ", Quoted(name),
                                "; take it out of every monitor first"));
}

std::string MonitorCatalog::MonitorNaming(const std::string& notifier) const {
  MutexLock lock(mutex_);
  for (const auto& [name, monitor] : monitors_) {
    for (const std::string& named : monitor.notifiers()) {
      if (named == notifier) return name;
    }
  }
  return "";
}

}  // namespace lapse::server
