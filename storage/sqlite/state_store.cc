#include "storage/sqlite/state_store.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "storage/sqlite/file_io.h"
#include "storage/sqlite/state_rows.h"
#include "storage/sqlite/state_schema.h"

namespace lapse::storage {
namespace {

using lapse::v1::EventType;

// Subscribers, listings and the dispatcher read at the same time, each for milliseconds.
constexpr int kReaders = 4;

// 32 MB of WAL: a burst of alerts is not slowed by a checkpoint at each commit.
constexpr int kCheckpointPages = 8'192;

// Alerts' names are random: with less, storing many reads and writes an index page for each, again
// and again.
constexpr int kWriterCacheKib = 64 * 1'024;

constexpr char kUpsertEventType[] =
    "INSERT INTO event_types (type, event_type) VALUES (?1, ?2) "
    "ON CONFLICT (type) DO UPDATE SET event_type = excluded.event_type";
constexpr char kSetEventTypesPosition[] = "UPDATE meta SET event_types_position = ?1";
constexpr char kEventTypesPosition[] = "SELECT event_types_position FROM meta";
constexpr char kEventTypes[] = "SELECT event_type FROM event_types ORDER BY type";

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteStateStore>> SqliteStateStore::Open(const std::string& path) {
  RETURN_IF_ERROR(WriteAnew(absl::StrCat(path, "-wal")));
  ASSIGN_OR_RETURN(std::unique_ptr<StateConnection> writer,
                   StateConnection::Open(path, {.wal_autocheckpoint_pages = kCheckpointPages,
                                                .cache_kib = kWriterCacheKib}));
  ASSIGN_OR_RETURN(const int64_t names_ordered_from, PrepareStateDb(writer->db()));
  ASSIGN_OR_RETURN(std::unique_ptr<StateReaders> readers, StateReaders::Open(path, kReaders));
  return std::unique_ptr<SqliteStateStore>(
      new SqliteStateStore(path, names_ordered_from, std::move(writer), std::move(readers)));
}

absl::Status SqliteStateStore::Stopped(const absl::Status& why) {
  return Unavailable(
      "STATE_STORE_STOPPED",
      absl::StrCat("Nothing is stored any more until the server is restarted, since a "
                   "commit failed: ",
                   std::string(why.message())),
      limits::kMicrosPerMinute);
}

absl::Status SqliteStateStore::stopped() const {
  MutexLock lock(writer_mutex_);
  return stopped_;
}

absl::Status SqliteStateStore::SaveEventTypes(const std::vector<EventType>& changed,
                                              LogPosition position) {
  return Write([&](StateConnection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(StatementLease upsert, connection.Use(kUpsertEventType));
    for (const EventType& type : changed) {
      const std::string bytes = type.SerializeAsString();
      RETURN_IF_ERROR(upsert->Bind(type.type(), SqliteBlob{bytes}).Run());
    }
    ASSIGN_OR_RETURN(StatementLease set_position, connection.Use(kSetEventTypesPosition));
    return set_position->Bind(position).Run();
  });
}

absl::StatusOr<std::vector<EventType>> SqliteStateStore::LoadEventTypes(LogPosition* position) {
  const StateReaders::Lease reader = readers_->Acquire();
  ASSIGN_OR_RETURN(const ReadTransaction transaction, ReadTransaction::Begin(*reader));
  ASSIGN_OR_RETURN(*position, (*reader).db().QueryInt64(kEventTypesPosition));
  ASSIGN_OR_RETURN(StatementLease select, (*reader).Use(kEventTypes));
  std::vector<EventType> types;
  for (;;) {
    ASSIGN_OR_RETURN(const bool has_row, select->Step());
    if (!has_row) return types;
    RETURN_IF_ERROR(ParseMessage((*reader).db(), select->Blob(0), &types.emplace_back()));
  }
}

absl::Status SqliteStateStore::BackupTo(const std::string& path) {
  // A connection of its own: a copy takes long, and readers are for short work.
  ASSIGN_OR_RETURN(const std::unique_ptr<SqliteDb> db,
                   SqliteDb::Open(path_, {.mode = SqliteOptions::Mode::kReadWrite}));
  return db->BackupTo(path);
}

}  // namespace lapse::storage
