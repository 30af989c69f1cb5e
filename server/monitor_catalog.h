// The monitors in force. Every change is first in the event log, at the position where it takes effect, then in the
// monitor store, then in force here.
#ifndef LAPSE_SERVER_MONITOR_CATALOG_H_
#define LAPSE_SERVER_MONITOR_CATALOG_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/uuid.h"
#include "lapse/internal/v1/log.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "lapse/v1/monitor_service.pb.h"
#include "storage/event_log.h"
#include "storage/state_store.h"

namespace lapse::server {

// Thread-safe. Changes are made one at a time and wait for the disk, so not on gRPC's threads nor on the log's; readers
// never wait for them. Errors name the field relative to the request.
class MonitorCatalog {
 public:
  // All outlive the catalog. Empty until Recover.
  MonitorCatalog(storage::EventLog& log, storage::MonitorStore& monitors,
                 storage::NotifierStore& notifiers, Clock& clock);

  // At start, before the log takes anything: records the changes that are in `chunks` and, after a crash, not yet in the
  // store, then loads the monitors. Idempotent.
  absl::Status Recover(const storage::ChunkStore& chunks);

  // ALREADY_EXISTS (MONITOR_EXISTS), or the first result where `request_id` is that of the create that took the id.
  // INVALID_ARGUMENT (server/validation_monitor.h, ID_INVALID, NOTIFIER_UNKNOWN, REQUEST_ID_TOO_LONG),
  // RESOURCE_EXHAUSTED (TOO_MANY_MONITORS), or as EventLog::AppendControl.
  absl::StatusOr<lapse::v1::Monitor> Create(const lapse::v1::CreateMonitorRequest& request);

  // NOT_FOUND (MONITOR_NOT_FOUND).
  absl::StatusOr<lapse::v1::Monitor> Get(const std::string& name) const;

  // By name, after `after_name` (empty: from the first), at most `limit`.
  std::vector<lapse::v1::Monitor> List(const std::string& after_name, size_t limit) const;

  // As Create and Get; ABORTED (ETAG_STALE), INVALID_ARGUMENT (MASK_PATH_UNKNOWN, MASK_PATH_OUTPUT_ONLY).
  absl::StatusOr<lapse::v1::Monitor> Update(const lapse::v1::UpdateMonitorRequest& request);
  absl::Status Delete(const lapse::v1::DeleteMonitorRequest& request);
  absl::StatusOr<lapse::v1::Monitor> Enable(const lapse::v1::EnableMonitorRequest& request);
  absl::StatusOr<lapse::v1::Monitor> Disable(const lapse::v1::DisableMonitorRequest& request);

  // Whether a monitor names the notifier `notifiers/{id}`.
  bool NotifierInUse(const std::string& name) const;

  // Runs `change` while no monitor changes, so that a notifier cannot be deleted while a monitor that names it is being
  // made: FAILED_PRECONDITION (NOTIFIER_IN_USE) naming a monitor where one names it, else what `change` returns.
  absl::Status IfNotifierUnused(const std::string& name, absl::FunctionRef<absl::Status()> change);

 private:
  using Monitor = lapse::v1::Monitor;
  using Action = lapse::internal::v1::MonitorChange::Action;

  absl::StatusOr<Monitor> CreateLocked(const Monitor& wanted, const std::string& name,
                                       const std::string& request_id);
  absl::StatusOr<Monitor> UpdateLocked(const Monitor& present, Monitor wanted);
  absl::StatusOr<Monitor> SetDisabled(const std::string& name, const std::string& etag, bool disabled);
  absl::StatusOr<Monitor> FindForChange(const std::string& name, const std::string& etag) const;
  absl::Status CheckNotifiers(const Monitor& monitor);
  // Logs, records and puts in force; `monitor` gets its update time and etag.
  absl::StatusOr<Monitor> Commit(Action action, Monitor monitor, const std::string& request_id);
  void PutInForce(Action action, const Monitor& monitor);
  absl::Status RecordChangesOf(const storage::LogEntry& entry);

  storage::EventLog& log_;
  storage::MonitorStore& store_;
  storage::NotifierStore& notifiers_;
  Clock& clock_;

  // Held through a whole change, disk included; taken before `mutex_`.
  Mutex change_mutex_;
  UuidGenerator uuids_;
  mutable Mutex mutex_;
  std::map<std::string, Monitor> monitors_;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_MONITOR_CATALOG_H_
