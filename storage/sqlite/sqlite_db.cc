#include "storage/sqlite/sqlite_db.h"

#include <cerrno>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "sqlite3.h"

namespace lapse::storage {
namespace {

constexpr char kConstraintUrl[] = "lapse/sqlite_constraint";

bool MeansDiskFull(int code, int system_errno) {
  if ((code & 0xff) == SQLITE_FULL) return true;
  // After a failed fsync nobody knows what is on disk, whatever the errno says.
  if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC) return false;
  return (code & 0xff) == SQLITE_IOERR && (system_errno == ENOSPC || system_errno == EDQUOT);
}

bool MeansReadOnly(int code, int system_errno) {
  if ((code & 0xff) == SQLITE_READONLY || (code & 0xff) == SQLITE_PERM) return true;
  return (code & 0xff) == SQLITE_CANTOPEN &&
         (system_errno == EACCES || system_errno == EROFS || system_errno == EPERM);
}

absl::Status DiskFull(absl::string_view path) {
  return Overloaded(kDiskFull, absl::StrCat("the disk is full: ", path, " cannot grow; free space"),
                    limits::kMicrosPerSecond);
}

absl::Status ErrorFor(absl::string_view path, int code, int system_errno,
                      absl::string_view message) {
  if (MeansDiskFull(code, system_errno)) return DiskFull(path);
  if (MeansReadOnly(code, system_errno)) return ReadOnlyFile(path);
  const int primary = code & 0xff;
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) return DamagedFile(path, message);
  const std::string text = absl::StrCat(path, ": ", message, " (SQLite ", code, ")");
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) {
    return Unavailable(kDatabaseBusy, text, limits::kMicrosPerSecond);
  }
  absl::Status status = MakeError(absl::StatusCode::kInternal, kDatabaseError, text);
  if (primary == SQLITE_CONSTRAINT) status.SetPayload(kConstraintUrl, absl::Cord("1"));
  return status;
}

absl::Status ErrorOfConnection(sqlite3* db, int code) {
  const char* path = sqlite3_db_filename(db, "main");
  const int extended = sqlite3_extended_errcode(db);
  const bool same = (extended & 0xff) == (code & 0xff);
  return ErrorFor(path == nullptr ? "" : path, same ? extended : code, sqlite3_system_errno(db),
                  same ? sqlite3_errmsg(db) : sqlite3_errstr(code));
}

int OpenFlags(SqliteOptions::Mode mode) {
  switch (mode) {
    case SqliteOptions::Mode::kCreate:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case SqliteOptions::Mode::kReadWrite:
      return SQLITE_OPEN_READWRITE;
    case SqliteOptions::Mode::kReadOnly:
      return SQLITE_OPEN_READONLY;
  }
  return SQLITE_OPEN_READONLY;
}

// Unless told otherwise, SQLite counts every allocation under one lock; nobody asks for the count.
// Only the first use of SQLite in a process can tell it.
void CountNoAllocations() {
  [[maybe_unused]] static const int code = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

}  // namespace

absl::Status DamagedFile(absl::string_view path, absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, kDataFolderDamaged,
                   absl::StrCat(path, " is damaged: ", what,
                                "; restore the data folder from a backup, or move the folder away "
                                "to start with an empty one"));
}

absl::Status NewerFile(absl::string_view path, int found, int known) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, kDataFolderNewer,
      absl::StrCat(path, " has format ", found, ", and this program knows formats up to ", known,
                   "; start a newer version of Lapse"));
}

absl::Status ReadOnlyFile(absl::string_view path) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, kDataFolderReadOnly,
      absl::StrCat(
          path,
          " cannot be written; check its owner, its permissions and whether its file system "
          "is mounted read-only"));
}

bool IsConstraintViolation(const absl::Status& status) {
  return status.GetPayload(kConstraintUrl).has_value();
}

SqliteStatement::SqliteStatement(SqliteStatement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)), bind_code_(other.bind_code_) {}

SqliteStatement& SqliteStatement::operator=(SqliteStatement&& other) noexcept {
  std::swap(statement_, other.statement_);
  std::swap(bind_code_, other.bind_code_);
  return *this;
}

SqliteStatement::~SqliteStatement() { sqlite3_finalize(statement_); }

absl::StatusOr<bool> SqliteStatement::Step() {
  const int code = bind_code_ != SQLITE_OK ? bind_code_ : sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    Reset();
    return false;
  }
  absl::Status status = ErrorOfConnection(sqlite3_db_handle(statement_), code);
  Reset();
  return status;
}

absl::Status SqliteStatement::Run() {
  for (;;) {
    ASSIGN_OR_RETURN(const bool has_row, Step());
    if (!has_row) return absl::OkStatus();
  }
}

void SqliteStatement::Reset() {
  bind_code_ = SQLITE_OK;
  sqlite3_reset(statement_);
}

int64_t SqliteStatement::Int64(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double SqliteStatement::Double(int column) const {
  return sqlite3_column_double(statement_, column);
}

absl::string_view SqliteStatement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (text == nullptr) return {};
  return {text, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

absl::string_view SqliteStatement::Blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

bool SqliteStatement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void SqliteStatement::BindInt64(int index, int64_t value) {
  if (const int code = sqlite3_bind_int64(statement_, index, value); code != SQLITE_OK)
    bind_code_ = code;
}

void SqliteStatement::BindDouble(int index, double value) {
  if (const int code = sqlite3_bind_double(statement_, index, value); code != SQLITE_OK)
    bind_code_ = code;
}

void SqliteStatement::BindText(int index, absl::string_view value) {
  // A null pointer would bind NULL: an empty text is not that.
  const char* data = value.data() == nullptr ? "" : value.data();
  const int code =
      sqlite3_bind_text64(statement_, index, data, value.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) bind_code_ = code;
}

void SqliteStatement::BindBlob(int index, absl::string_view value) {
  const char* data = value.data() == nullptr ? "" : value.data();
  const int code = sqlite3_bind_blob64(statement_, index, data, value.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) bind_code_ = code;
}

void SqliteStatement::BindNull(int index) {
  if (const int code = sqlite3_bind_null(statement_, index); code != SQLITE_OK) bind_code_ = code;
}

absl::StatusOr<std::unique_ptr<SqliteDb>> SqliteDb::Open(const std::string& path,
                                                         const SqliteOptions& options) {
  CountNoAllocations();
  sqlite3* handle = nullptr;
  const int flags = OpenFlags(options.mode) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  std::unique_ptr<SqliteDb> db(new SqliteDb(path, handle));
  if (code != SQLITE_OK) return db->ErrorOf(code);
  RETURN_IF_ERROR(db->Configure(options));
  return db;
}

SqliteDb::~SqliteDb() {
  begin_ = SqliteStatement();
  commit_ = SqliteStatement();
  // Allows statements that are still to be finalized.
  sqlite3_close_v2(db_);
}

absl::Status SqliteDb::Configure(const SqliteOptions& options) {
  sqlite3_busy_timeout(db_, options.busy_timeout_ms);
  sqlite3_wal_autocheckpoint(db_, options.wal_autocheckpoint_pages);
  if (options.wal_autocheckpoint_pages == 0) {
    sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }
  if (options.cache_kib > 0) {
    // A pragma takes no bound parameters; an int cannot carry SQL. Negative: KiB, not pages.
    RETURN_IF_ERROR(Execute(absl::StrCat("PRAGMA cache_size=-", options.cache_kib).c_str()));
  }
  if (options.mode == SqliteOptions::Mode::kReadOnly) return Execute("PRAGMA query_only=ON");
  // SQLite falls back to reading where it may not write.
  if (sqlite3_db_readonly(db_, "main") == 1) return ReadOnlyFile(path_);
  if (options.page_bytes > 0) {
    RETURN_IF_ERROR(Execute(absl::StrCat("PRAGMA page_size=", options.page_bytes).c_str()));
  }
  return Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON");
}

absl::Status SqliteDb::ErrorOf(int code) const {
  if (db_ == nullptr) return absl::ResourceExhaustedError(absl::StrCat(path_, ": out of memory"));
  return ErrorFor(path_, code, sqlite3_system_errno(db_), sqlite3_errmsg(db_));
}

absl::Status SqliteDb::Execute(const char* sql) {
  const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : ErrorOf(code);
}

absl::StatusOr<SqliteStatement> SqliteDb::Prepare(absl::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return ErrorOf(code);
  return SqliteStatement(statement);
}

absl::StatusOr<int64_t> SqliteDb::QueryInt64(absl::string_view sql) {
  ASSIGN_OR_RETURN(SqliteStatement statement, Prepare(sql));
  ASSIGN_OR_RETURN(const bool has_row, statement.Step());
  if (!has_row) return absl::NotFoundError(absl::StrCat(path_, ": no row"));
  return statement.Int64(0);
}

absl::StatusOr<int> SqliteDb::UserVersion() {
  ASSIGN_OR_RETURN(const int64_t version, QueryInt64("PRAGMA user_version"));
  return static_cast<int>(version);
}

absl::Status SqliteDb::SetUserVersion(int version) {
  // A pragma takes no bound parameters; an int cannot carry SQL.
  return Execute(absl::StrCat("PRAGMA user_version=", version).c_str());
}

absl::Status SqliteDb::CheckpointAndTruncate() {
  const int code =
      sqlite3_wal_checkpoint_v2(db_, "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : ErrorOf(code);
}

void SqliteDb::CountWalFrames() {
  const auto count = [](void* self, sqlite3*, const char*, int frames) {
    static_cast<SqliteDb*>(self)->wal_frames_ = frames;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(db_, count, this);
}

absl::Status SqliteDb::BackupTo(const std::string& path) {
  ASSIGN_OR_RETURN(SqliteStatement statement, Prepare("VACUUM INTO ?1"));
  return statement.Bind(path).Run();
}

int64_t SqliteDb::Changes() const { return sqlite3_changes64(db_); }

int64_t SqliteDb::LastInsertRowId() const { return sqlite3_last_insert_rowid(db_); }

absl::StatusOr<SqliteTransaction> SqliteTransaction::Begin(SqliteDb& db) {
  if (!db.commit_.is_prepared()) {
    ASSIGN_OR_RETURN(db.begin_, db.Prepare("BEGIN IMMEDIATE"));
    ASSIGN_OR_RETURN(db.commit_, db.Prepare("COMMIT"));
  }
  RETURN_IF_ERROR(db.begin_.Run());
  return SqliteTransaction(&db);
}

SqliteTransaction::~SqliteTransaction() {
  // Some errors (a full disk among them) have rolled back already; then this has nothing to do and
  // its error means nothing.
  if (db_ != nullptr) db_->Execute("ROLLBACK").IgnoreError();
}

absl::Status SqliteTransaction::Commit() {
  RETURN_IF_ERROR(db_->commit_.Run());
  db_ = nullptr;
  return absl::OkStatus();
}

}  // namespace lapse::storage
