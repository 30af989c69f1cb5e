// The monitors in force. Every change is first in the event log, at the position where it takes
// effect, then in the monitor store, then in force here.
#ifndef LAPSE_SERVER_MONITOR_CATALOG_H_
#define LAPSE_SERVER_MONITOR_CATALOG_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/uuid.h"
#include "lapse/internal/v1/log.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "lapse/v1/monitor_service.pb.h"
#include "storage/event_log.h"
#include "storage/state_store.h"

namespace lapse::server {

// Thread-safe. Changes are made one at a time and wait for the disk, so neither on gRPC's threads
// nor on the log's; readers never wait for them. Errors name fields relative to the request.
class MonitorCatalog {
 public:
  // All outlive the catalog.
  MonitorCatalog(storage::EventLog& log, storage::MonitorStore& monitors,
                 storage::NotifierStore& notifiers, Clock& clock);

  // At start, for every entry that is read back from the log, in order: records a change that a
  // crash kept from the store. The entries read must go back at least to those of a moment before
  // the crash, as a replay from checkpoints does. Cheap where the entry has no controls; changes
  // nothing where the change is recorded.
  absl::Status RecordLogged(const storage::LogEntry& entry);

  // Then: puts what the store has in force. Before it the catalog is empty and must not be changed.
  absl::Status Load();

  // INVALID_ARGUMENT (ID_INVALID, server/validation_monitor.h, NOTIFIER_UNKNOWN,
  // REQUEST_ID_TOO_LONG, NOT_UTF8, REQUEST_ID_REUSED: it made another monitor), ALREADY_EXISTS
  // (MONITOR_EXISTS), RESOURCE_EXHAUSTED (TOO_MANY_MONITORS), UNAVAILABLE (STATE_STORE_FAILED), or
  // as EventLog::AppendControl. A repetition by `request_id` returns the first result, whatever
  // became of it since.
  absl::StatusOr<lapse::v1::Monitor> Create(const lapse::v1::CreateMonitorRequest& request);

  // Records a change that is logged and that the store could not take; waits for one that is being
  // made. OK where there is none; UNAVAILABLE (STATE_STORE_FAILED).
  absl::Status RecordPendingChanges();

  // INVALID_ARGUMENT (NAME_INVALID), NOT_FOUND (MONITOR_NOT_FOUND).
  absl::StatusOr<lapse::v1::Monitor> Get(const std::string& name) const;

  // By name, after `after_name` (empty: from the first), at most `limit`.
  std::vector<lapse::v1::Monitor> List(const std::string& after_name, size_t limit) const;

  // As Create and Get, and ABORTED (ETAG_STALE), INVALID_ARGUMENT (server/update_mask.h).
  absl::StatusOr<lapse::v1::Monitor> Update(const lapse::v1::UpdateMonitorRequest& request);
  absl::Status Delete(const lapse::v1::DeleteMonitorRequest& request);
  absl::StatusOr<lapse::v1::Monitor> Enable(const lapse::v1::EnableMonitorRequest& request);
  absl::StatusOr<lapse::v1::Monitor> Disable(const lapse::v1::DisableMonitorRequest& request);

  // Whether a monitor names the notifier `notifiers/{id}`.
  bool NotifierInUse(const std::string& name) const;

  // Runs `remove` while no monitor changes, so that a notifier cannot go while a monitor that names
  // it is being made. FAILED_PRECONDITION (NOTIFIER_IN_USE), naming the monitor, where one names
  // it; else what `remove` returns.
  absl::Status RemoveNotifier(const std::string& name, absl::FunctionRef<absl::Status()> remove);

 private:
  using Monitor = lapse::v1::Monitor;
  using MonitorChange = lapse::internal::v1::MonitorChange;

  // The following with `change_mutex_` held.
  absl::StatusOr<Monitor> CreateNew(const std::string& name, const Monitor& wanted,
                                    const std::string& request_id);
  absl::StatusOr<std::optional<Monitor>> FindRepeated(const std::string& name,
                                                      const std::string& request_id);
  absl::StatusOr<Monitor> UpdatePresent(const Monitor& present,
                                        const lapse::v1::UpdateMonitorRequest& request);
  absl::StatusOr<Monitor> SetDisabled(const std::string& name, const std::string& etag,
                                      bool disabled);
  absl::Status CheckNotifiers(const Monitor& monitor);
  // Logs, records and puts in force. The monitor returned has its update time and etag.
  absl::StatusOr<Monitor> Commit(MonitorChange::Action action, Monitor monitor,
                                 const std::string& request_id);
  absl::Status RecordPending();

  absl::StatusOr<Monitor> FindForChange(const std::string& name, const std::string& etag) const;
  void PutInForce(const MonitorChange& change);
  std::string MonitorNaming(const std::string& notifier) const;

  storage::EventLog& log_;
  storage::MonitorStore& store_;
  storage::NotifierStore& notifiers_;
  Clock& clock_;
  UuidGenerator uuids_;

  // Held through a whole change, disk included; taken before `mutex_`.
  Mutex change_mutex_;
  // Logged and in force, but the store could not take it. No change is made before it is recorded,
  // so that the store lacks at most the last one.
  std::optional<storage::RecordedMonitorChange> pending_;

  mutable Mutex mutex_;
  std::map<std::string, Monitor> monitors_;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_MONITOR_CATALOG_H_
