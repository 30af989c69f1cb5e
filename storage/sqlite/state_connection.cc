#include "storage/sqlite/state_connection.h"

#include <utility>

#include "base/status_macros.h"

namespace lapse::storage {

absl::StatusOr<std::unique_ptr<StateConnection>> StateConnection::Open(
    const std::string& path, const SqliteOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<SqliteDb> db, SqliteDb::Open(path, options));
  return std::unique_ptr<StateConnection>(new StateConnection(std::move(db)));
}

absl::StatusOr<StatementLease> StateConnection::Use(const char* sql) {
  std::unique_ptr<SqliteStatement>& statement = statements_[sql];
  if (statement == nullptr) {
    ASSIGN_OR_RETURN(SqliteStatement prepared, db_->Prepare(sql));
    statement = std::make_unique<SqliteStatement>(std::move(prepared));
  }
  return StatementLease(statement.get());
}

absl::StatusOr<ReadTransaction> ReadTransaction::Begin(StateConnection& connection) {
  RETURN_IF_ERROR(connection.db().Execute("BEGIN"));
  return ReadTransaction(&connection.db());
}

ReadTransaction::~ReadTransaction() {
  // Nothing was written, so ending it cannot lose anything.
  if (db_ != nullptr) db_->Execute("ROLLBACK").IgnoreError();
}

absl::StatusOr<std::unique_ptr<StateReaders>> StateReaders::Open(const std::string& path,
                                                                 int count) {
  auto readers = std::make_unique<StateReaders>();
  for (int i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(std::unique_ptr<StateConnection> connection,
                     StateConnection::Open(path, {.mode = SqliteOptions::Mode::kReadOnly}));
    readers->free_.push_back(std::move(connection));
  }
  return readers;
}

StateReaders::Lease StateReaders::Acquire() {
  MutexLock lock(mutex_);
  free_changed_.wait(lock, [this] { return !free_.empty(); });
  std::unique_ptr<StateConnection> connection = std::move(free_.back());
  free_.pop_back();
  return Lease(this, std::move(connection));
}

void StateReaders::GiveBack(std::unique_ptr<StateConnection> connection) {
  {
    MutexLock lock(mutex_);
    free_.push_back(std::move(connection));
  }
  free_changed_.notify_one();
}

}  // namespace lapse::storage
