#include "storage/sqlite/schema.h"

#include "base/status_macros.h"
#include "spdlog/spdlog.h"
#include "storage/sqlite/sqlite_db.h"

namespace lapse::storage {
namespace {

absl::Status CheckIsEmpty(SqliteDb& db) {
  ASSIGN_OR_RETURN(const int64_t objects, db.QueryInt64("SELECT COUNT(*) FROM sqlite_schema"));
  if (objects == 0) return absl::OkStatus();
  return DamagedFile(db.path(), "it has tables and no version, as if another program had made it");
}

absl::Status RunStep(SqliteDb& db, const char* step, int new_version) {
  ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(db));
  RETURN_IF_ERROR(db.Execute(step));
  RETURN_IF_ERROR(db.SetUserVersion(new_version));
  return transaction.Commit();
}

}  // namespace

absl::Status MigrateSchema(SqliteDb& db, absl::Span<const char* const> steps) {
  const int known = static_cast<int>(steps.size());
  ASSIGN_OR_RETURN(const int found, db.UserVersion());
  if (found > known) return NewerFile(db.path(), found, known);
  if (found < 0) return DamagedFile(db.path(), "its version is negative");
  if (found == 0) RETURN_IF_ERROR(CheckIsEmpty(db));
  for (int version = found; version < known; ++version) {
    RETURN_IF_ERROR(RunStep(db, steps[version], version + 1));
  }
  if (found > 0 && found < known) {
    spdlog::info("{}: schema upgraded from version {} to {}", db.path(), found, known);
  }
  return absl::OkStatus();
}

}  // namespace lapse::storage
