// A thin RAII wrapper of SQLite: connections, prepared statements with bound parameters,
// transactions, and errors told apart. The only code that calls sqlite3_*.
#ifndef LAPSE_STORAGE_SQLITE_SQLITE_DB_H_
#define LAPSE_STORAGE_SQLITE_SQLITE_DB_H_

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct sqlite3;
struct sqlite3_stmt;

namespace lapse::storage {

// Every error of this file names the database file and is one of
//   RESOURCE_EXHAUSTED, reason DISK_FULL, with a retry time: nothing of the transaction is kept;
//   FAILED_PRECONDITION, reason DATA_FOLDER_READ_ONLY: the file or its folder cannot be written;
//   DATA_LOSS, reason DATA_FOLDER_DAMAGED: not a database, or a damaged one; says what to do;
//   UNAVAILABLE, reason DATABASE_BUSY: another connection held its lock beyond the busy timeout;
//   INTERNAL, reason DATABASE_ERROR: anything else, constraint violations included (see
//   IsConstraintViolation).
inline constexpr absl::string_view kDiskFull = "DISK_FULL";
inline constexpr absl::string_view kDataFolderReadOnly = "DATA_FOLDER_READ_ONLY";
inline constexpr absl::string_view kDataFolderDamaged = "DATA_FOLDER_DAMAGED";
inline constexpr absl::string_view kDataFolderNewer = "DATA_FOLDER_NEWER";
inline constexpr absl::string_view kDatabaseBusy = "DATABASE_BUSY";
inline constexpr absl::string_view kDatabaseError = "DATABASE_ERROR";

// DATA_LOSS, reason DATA_FOLDER_DAMAGED: `path` is damaged in the way that `what` says, and what to
// do.
absl::Status DamagedFile(absl::string_view path, absl::string_view what);
// FAILED_PRECONDITION, reason DATA_FOLDER_NEWER: `path` has format `found`, this program knows up
// to `known`.
absl::Status NewerFile(absl::string_view path, int found, int known);
// FAILED_PRECONDITION, reason DATA_FOLDER_READ_ONLY.
absl::Status ReadOnlyFile(absl::string_view path);
// Whether a UNIQUE, PRIMARY KEY, NOT NULL, CHECK or FOREIGN KEY constraint was violated.
bool IsConstraintViolation(const absl::Status& status);

// A prepared statement. Used by one thread at a time; must not outlive its SqliteDb. Parameters and
// columns count from 1 and from 0, as in SQLite.
class SqliteStatement {
 public:
  SqliteStatement() = default;
  SqliteStatement(SqliteStatement&& other) noexcept;
  SqliteStatement& operator=(SqliteStatement&& other) noexcept;
  ~SqliteStatement();

  // Resets the statement and binds its parameters in order: integers, bools, enums, doubles, texts
  // (std::string, absl::string_view, const char*), SqliteBlob, nullptr. Texts and blobs are not
  // copied: they must live until the statement is reset.
  template <typename... Args>
  SqliteStatement& Bind(const Args&... args) {
    Reset();
    int index = 0;
    (BindOne(++index, args), ...);
    return *this;
  }

  // True where there is a row. After false or an error the statement is reset.
  absl::StatusOr<bool> Step();
  // For a statement that returns no rows, or whose rows do not matter: steps to the end and resets.
  absl::Status Run();
  bool is_prepared() const { return statement_ != nullptr; }
  // Ends the statement's reading; a statement that stands on a row holds a read transaction open.
  void Reset();

  // Columns of the present row. Texts and blobs live until the next Step or Reset.
  int64_t Int64(int column) const;
  double Double(int column) const;
  absl::string_view Text(int column) const;
  absl::string_view Blob(int column) const;
  bool IsNull(int column) const;

 private:
  friend class SqliteDb;
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}

  void BindInt64(int index, int64_t value);
  void BindDouble(int index, double value);
  void BindText(int index, absl::string_view value);
  void BindBlob(int index, absl::string_view value);
  void BindNull(int index);

  template <typename T>
  void BindOne(int index, const T& value);

  sqlite3_stmt* statement_ = nullptr;
  // Of a Bind that failed; returned by the next Step.
  int bind_code_ = 0;
};

// Marks bytes as a BLOB for Bind.
struct SqliteBlob {
  absl::string_view bytes;
};

struct SqliteOptions {
  enum class Mode {
    // Makes the file where it is missing.
    kCreate,
    // The file must exist.
    kReadWrite,
    kReadOnly,
  };
  Mode mode = Mode::kCreate;
  int busy_timeout_ms = 5'000;
  // Pages of WAL after which a commit checkpoints; 0: never, and closing does not either. SQLite's
  // default is 1,000.
  int wal_autocheckpoint_pages = 1'000;
  // The connection's page cache at most, in KiB; 0: SQLite's default, about 2,000. What a
  // transaction changes beyond it is written to the WAL early, and perhaps more than once.
  int cache_kib = 0;
  // Of a file that is made; 0: SQLite's default, 4,096.
  int page_bytes = 0;
};

// One connection, used by one thread at a time. A database that is opened for writing is brought
// into WAL mode with synchronous=FULL (a commit is on disk when it returns) and foreign keys on.
class SqliteDb {
 public:
  static absl::StatusOr<std::unique_ptr<SqliteDb>> Open(const std::string& path,
                                                        const SqliteOptions& options);
  ~SqliteDb();
  SqliteDb(const SqliteDb&) = delete;
  SqliteDb& operator=(const SqliteDb&) = delete;

  // Runs one or more statements without parameters. For SQL that stands in the source, never for
  // values.
  absl::Status Execute(const char* sql);
  absl::StatusOr<SqliteStatement> Prepare(absl::string_view sql);
  // The first column of the first row; NOT_FOUND where there is none.
  absl::StatusOr<int64_t> QueryInt64(absl::string_view sql);

  // PRAGMA user_version: the version of the schema; 0 in a new file.
  absl::StatusOr<int> UserVersion();
  absl::Status SetUserVersion(int version);

  // Moves the WAL into the database file and truncates it. UNAVAILABLE where a reader or writer is
  // in the way.
  absl::Status CheckpointAndTruncate();
  // From the next commit on, wal_frames tells how many frames the WAL has since this connection's
  // last one; 0 before. Only without automatic checkpoints.
  void CountWalFrames();
  int64_t wal_frames() const { return wal_frames_; }
  // Copies the database to a new file at `path`, readers and writers going on.
  absl::Status BackupTo(const std::string& path);

  // Rows changed by the last INSERT, UPDATE or DELETE.
  int64_t Changes() const;
  int64_t LastInsertRowId() const;
  const std::string& path() const { return path_; }

 private:
  SqliteDb(std::string path, sqlite3* db) : path_(std::move(path)), db_(db) {}
  absl::Status Configure(const SqliteOptions& options);
  absl::Status ErrorOf(int code) const;

  friend class SqliteTransaction;

  std::string path_;
  sqlite3* db_;
  int64_t wal_frames_ = 0;
  // Made by the first transaction.
  SqliteStatement begin_;
  SqliteStatement commit_;
};

// BEGIN IMMEDIATE at Begin; rolled back by the destructor unless Commit returned OK.
class SqliteTransaction {
 public:
  static absl::StatusOr<SqliteTransaction> Begin(SqliteDb& db);
  SqliteTransaction(SqliteTransaction&& other) noexcept : db_(other.db_) { other.db_ = nullptr; }
  SqliteTransaction& operator=(SqliteTransaction&&) = delete;
  ~SqliteTransaction();

  absl::Status Commit();

 private:
  explicit SqliteTransaction(SqliteDb* db) : db_(db) {}

  SqliteDb* db_;
};

template <typename T>
void SqliteStatement::BindOne(int index, const T& value) {
  if constexpr (std::is_same_v<T, SqliteBlob>) {
    BindBlob(index, value.bytes);
  } else if constexpr (std::is_same_v<T, std::nullptr_t>) {
    BindNull(index);
  } else if constexpr (std::is_floating_point_v<T>) {
    BindDouble(index, value);
  } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
    BindInt64(index, static_cast<int64_t>(value));
  } else {
    BindText(index, value);
  }
}

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_SQLITE_DB_H_
