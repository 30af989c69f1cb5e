#include "base/limits.h"
#include "storage/sqlite/state_rows.h"
#include "storage/sqlite/state_store.h"
#include "storage/state_store_rules.h"

namespace lapse::storage {
namespace {

using lapse::v1::Notifier;

constexpr char kInsert[] =
    "INSERT INTO notifiers (name, etag, notifier) VALUES (?1, ?2, ?3) "
    "ON CONFLICT (name) DO NOTHING";
constexpr char kUpdate[] = "UPDATE notifiers SET etag = ?2, notifier = ?3 WHERE name = ?1";
constexpr char kDelete[] = "DELETE FROM notifiers WHERE name = ?1";
constexpr char kKillPending[] =
    "UPDATE deliveries SET state = 3, waits_for = 0, told = NULL WHERE state = 1 AND notifier = ?1";
constexpr char kEtag[] = "SELECT etag FROM notifiers WHERE name = ?1";
constexpr char kGet[] = "SELECT notifier FROM notifiers WHERE name = ?1";
constexpr char kList[] = "SELECT notifier FROM notifiers WHERE name > ?1 ORDER BY name LIMIT ?2";
constexpr char kDropOldRequests[] = "DELETE FROM notifier_requests WHERE time_us < ?1";
constexpr char kUpsertRequest[] =
    "INSERT INTO notifier_requests (request_id, time_us, notifier) VALUES (?1, ?2, ?3) "
    "ON CONFLICT (request_id) DO UPDATE SET time_us = excluded.time_us, "
    "notifier = excluded.notifier";
constexpr char kFindRequest[] =
    "SELECT notifier FROM notifier_requests WHERE request_id = ?1 AND time_us >= ?2";

absl::Status RememberRequest(StateConnection& connection, const std::string& request_id,
                             int64_t time_us, const std::string& notifier) {
  ASSIGN_OR_RETURN(StatementLease drop_old, connection.Use(kDropOldRequests));
  RETURN_IF_ERROR(drop_old->Bind(time_us - limits::kRequestIdRetentionUs).Run());
  ASSIGN_OR_RETURN(StatementLease upsert, connection.Use(kUpsertRequest));
  return upsert->Bind(request_id, time_us, SqliteBlob{notifier}).Run();
}

absl::Status CheckEtag(StateConnection& connection, const std::string& name,
                       const std::string& expected_etag) {
  ASSIGN_OR_RETURN(StatementLease select, connection.Use(kEtag));
  ASSIGN_OR_RETURN(const bool has_row, select->Bind(name).Step());
  if (!has_row) return NotifierNotFound(name);
  if (!expected_etag.empty() && select->Text(0) != expected_etag) return EtagStale(name);
  return absl::OkStatus();
}

}  // namespace

absl::Status SqliteStateStore::CreateNotifier(const Notifier& notifier,
                                              const std::string& request_id, int64_t time_us) {
  return Write([&](StateConnection& connection) -> absl::Status {
    const std::string bytes = notifier.SerializeAsString();
    ASSIGN_OR_RETURN(StatementLease insert, connection.Use(kInsert));
    RETURN_IF_ERROR(insert->Bind(notifier.name(), notifier.etag(), SqliteBlob{bytes}).Run());
    if (connection.db().Changes() == 0) return NotifierExists(notifier.name());
    if (request_id.empty()) return absl::OkStatus();
    return RememberRequest(connection, request_id, time_us, bytes);
  });
}

absl::Status SqliteStateStore::UpdateNotifier(const Notifier& notifier,
                                              const std::string& expected_etag) {
  return Write([&](StateConnection& connection) -> absl::Status {
    RETURN_IF_ERROR(CheckEtag(connection, notifier.name(), expected_etag));
    const std::string bytes = notifier.SerializeAsString();
    ASSIGN_OR_RETURN(StatementLease update, connection.Use(kUpdate));
    return update->Bind(notifier.name(), notifier.etag(), SqliteBlob{bytes}).Run();
  });
}

absl::Status SqliteStateStore::DeleteNotifier(const std::string& name,
                                              const std::string& expected_etag) {
  return Write([&](StateConnection& connection) -> absl::Status {
    RETURN_IF_ERROR(CheckEtag(connection, name, expected_etag));
    ASSIGN_OR_RETURN(StatementLease kill, connection.Use(kKillPending));
    RETURN_IF_ERROR(kill->Bind(name).Run());
    ASSIGN_OR_RETURN(StatementLease remove, connection.Use(kDelete));
    return remove->Bind(name).Run();
  });
}

absl::StatusOr<Notifier> SqliteStateStore::GetNotifier(const std::string& name) {
  const StateReaders::Lease reader = readers_->Acquire();
  ASSIGN_OR_RETURN(StatementLease select, (*reader).Use(kGet));
  ASSIGN_OR_RETURN(const bool has_row, select->Bind(name).Step());
  if (!has_row) return NotifierNotFound(name);
  Notifier notifier;
  RETURN_IF_ERROR(ParseMessage((*reader).db(), select->Blob(0), &notifier));
  return notifier;
}

absl::StatusOr<std::vector<Notifier>> SqliteStateStore::ListNotifiers(const std::string& after_name,
                                                                      int limit) {
  const StateReaders::Lease reader = readers_->Acquire();
  ASSIGN_OR_RETURN(StatementLease select, (*reader).Use(kList));
  select->Bind(after_name, limit);
  std::vector<Notifier> notifiers;
  for (;;) {
    ASSIGN_OR_RETURN(const bool has_row, select->Step());
    if (!has_row) return notifiers;
    RETURN_IF_ERROR(ParseMessage((*reader).db(), select->Blob(0), &notifiers.emplace_back()));
  }
}

absl::StatusOr<Notifier> SqliteStateStore::FindNotifierByRequestId(const std::string& request_id,
                                                                   int64_t since_us) {
  const StateReaders::Lease reader = readers_->Acquire();
  ASSIGN_OR_RETURN(StatementLease select, (*reader).Use(kFindRequest));
  ASSIGN_OR_RETURN(const bool has_row, select->Bind(request_id, since_us).Step());
  if (!has_row) return RequestNotFound(request_id);
  Notifier notifier;
  RETURN_IF_ERROR(ParseMessage((*reader).db(), select->Blob(0), &notifier));
  return notifier;
}

}  // namespace lapse::storage
