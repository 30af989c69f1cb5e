// Connections to state.db with their prepared statements, and a pool of them for readers.
#ifndef LAPSE_STORAGE_SQLITE_STATE_CONNECTION_H_
#define LAPSE_STORAGE_SQLITE_STATE_CONNECTION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "storage/sqlite/sqlite_db.h"

namespace lapse::storage {

// A prepared statement in use: reset when it goes, so that it never holds a read transaction open.
class StatementLease {
 public:
  explicit StatementLease(SqliteStatement* statement) : statement_(statement) {}
  StatementLease(StatementLease&& other) noexcept : statement_(other.statement_) {
    other.statement_ = nullptr;
  }
  StatementLease& operator=(StatementLease&&) = delete;
  ~StatementLease() {
    if (statement_ != nullptr) statement_->Reset();
  }

  SqliteStatement* operator->() const { return statement_; }
  SqliteStatement& operator*() const { return *statement_; }

 private:
  SqliteStatement* statement_;
};

// Used by one thread at a time.
class StateConnection {
 public:
  static absl::StatusOr<std::unique_ptr<StateConnection>> Open(const std::string& path,
                                                               const SqliteOptions& options);

  // Prepares `sql` at its first use. `sql` is a constant of the program: it is recognised by its
  // address. A statement has one lease at a time.
  absl::StatusOr<StatementLease> Use(const char* sql);
  SqliteDb& db() { return *db_; }

 private:
  explicit StateConnection(std::unique_ptr<SqliteDb> db) : db_(std::move(db)) {}

  std::unique_ptr<SqliteDb> db_;
  // After db_, so that they are finalized before it is closed.
  absl::flat_hash_map<const char*, std::unique_ptr<SqliteStatement>> statements_;
};

// A read transaction: several statements see one state of the database. Keep it short.
class ReadTransaction {
 public:
  static absl::StatusOr<ReadTransaction> Begin(StateConnection& connection);
  ReadTransaction(ReadTransaction&& other) noexcept : db_(other.db_) { other.db_ = nullptr; }
  ReadTransaction& operator=(ReadTransaction&&) = delete;
  ~ReadTransaction();

 private:
  explicit ReadTransaction(SqliteDb* db) : db_(db) {}

  SqliteDb* db_;
};

// A fixed number of connections that only read. Thread-safe.
class StateReaders {
 public:
  static absl::StatusOr<std::unique_ptr<StateReaders>> Open(const std::string& path, int count);

  // A connection, given back when the lease goes. Must not outlive the pool.
  class Lease {
   public:
    Lease(StateReaders* pool, std::unique_ptr<StateConnection> connection)
        : pool_(pool), connection_(std::move(connection)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (connection_ != nullptr) pool_->GiveBack(std::move(connection_));
    }

    StateConnection& operator*() const { return *connection_; }

   private:
    StateReaders* pool_;
    std::unique_ptr<StateConnection> connection_;
  };

  // Waits until one is free: readers are short.
  Lease Acquire();

 private:
  void GiveBack(std::unique_ptr<StateConnection> connection);

  Mutex mutex_;
  CondVar free_changed_;
  std::vector<std::unique_ptr<StateConnection>> free_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_STATE_CONNECTION_H_
