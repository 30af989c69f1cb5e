#include "storage/sqlite/state_rows.h"
#include "storage/sqlite/state_store.h"
#include "storage/state_store_rules.h"

namespace lapse::storage {
namespace {

using lapse::internal::v1::MonitorChange;
using lapse::v1::Monitor;

constexpr char kInsertChange[] =
    "INSERT INTO monitor_changes (position, place, time_us, create_request_id, monitor_change) "
    "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (position, place) DO NOTHING";
constexpr char kUpsertMonitor[] =
    "INSERT INTO monitors (name, monitor) VALUES (?1, ?2) "
    "ON CONFLICT (name) DO UPDATE SET monitor = excluded.monitor";
constexpr char kDeleteMonitor[] = "DELETE FROM monitors WHERE name = ?1";
constexpr char kMonitors[] = "SELECT monitor FROM monitors ORDER BY name";
constexpr char kHistory[] =
    "SELECT position, place, monitor_change FROM monitor_changes ORDER BY position, place";
constexpr char kCreateByRequest[] =
    "SELECT monitor_change FROM monitor_changes "
    "WHERE create_request_id = ?1 AND create_request_id <> '' AND time_us >= ?2 "
    "ORDER BY position DESC, place DESC LIMIT 1";

absl::Status ApplyToMonitors(StateConnection& connection, const MonitorChange& change) {
  const Monitor& monitor = change.monitor();
  if (change.action() == MonitorChange::ACTION_DELETE) {
    ASSIGN_OR_RETURN(StatementLease remove, connection.Use(kDeleteMonitor));
    return remove->Bind(monitor.name()).Run();
  }
  ASSIGN_OR_RETURN(StatementLease upsert, connection.Use(kUpsertMonitor));
  const std::string bytes = monitor.SerializeAsString();
  return upsert->Bind(monitor.name(), SqliteBlob{bytes}).Run();
}

}  // namespace

absl::Status SqliteStateStore::RecordMonitorChange(const RecordedMonitorChange& recorded,
                                                   int64_t time_us) {
  return Write([&](StateConnection& connection) -> absl::Status {
    const MonitorChange& change = recorded.change;
    const bool is_create = change.action() == MonitorChange::ACTION_CREATE;
    const std::string request_id = is_create ? change.request_id() : "";
    const std::string bytes = change.SerializeAsString();
    ASSIGN_OR_RETURN(StatementLease insert, connection.Use(kInsertChange));
    RETURN_IF_ERROR(
        insert->Bind(recorded.position, recorded.index, time_us, request_id, SqliteBlob{bytes})
            .Run());
    if (connection.db().Changes() == 0) return absl::OkStatus();
    return ApplyToMonitors(connection, change);
  });
}

absl::StatusOr<std::vector<Monitor>> SqliteStateStore::LoadMonitors() {
  const StateReaders::Lease reader = readers_->Acquire();
  ASSIGN_OR_RETURN(StatementLease select, (*reader).Use(kMonitors));
  std::vector<Monitor> monitors;
  for (;;) {
    ASSIGN_OR_RETURN(const bool has_row, select->Step());
    if (!has_row) return monitors;
    RETURN_IF_ERROR(ParseMessage((*reader).db(), select->Blob(0), &monitors.emplace_back()));
  }
}

absl::StatusOr<std::vector<RecordedMonitorChange>> SqliteStateStore::LoadMonitorHistory() {
  const StateReaders::Lease reader = readers_->Acquire();
  ASSIGN_OR_RETURN(StatementLease select, (*reader).Use(kHistory));
  std::vector<RecordedMonitorChange> history;
  for (;;) {
    ASSIGN_OR_RETURN(const bool has_row, select->Step());
    if (!has_row) return history;
    RecordedMonitorChange& recorded = history.emplace_back();
    recorded.position = select->Int64(0);
    recorded.index = static_cast<int>(select->Int64(1));
    RETURN_IF_ERROR(ParseMessage((*reader).db(), select->Blob(2), &recorded.change));
  }
}

absl::StatusOr<Monitor> SqliteStateStore::FindMonitorByRequestId(const std::string& request_id,
                                                                 int64_t since_us) {
  const StateReaders::Lease reader = readers_->Acquire();
  ASSIGN_OR_RETURN(StatementLease select, (*reader).Use(kCreateByRequest));
  ASSIGN_OR_RETURN(const bool has_row, select->Bind(request_id, since_us).Step());
  if (!has_row) return RequestNotFound(request_id);
  MonitorChange change;
  RETURN_IF_ERROR(ParseMessage((*reader).db(), select->Blob(0), &change));
  return change.monitor();
}

}  // namespace lapse::storage
