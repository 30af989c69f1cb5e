// The schema of state.db and its history.
#ifndef LAPSE_STORAGE_SQLITE_STATE_SCHEMA_H_
#define LAPSE_STORAGE_SQLITE_STATE_SCHEMA_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace lapse::storage {

class SqliteDb;

// For MigrateSchema.
absl::Span<const char* const> StateSchemaSteps();

// Upgrades `db`, checks that every table can be read at its start, and gives a new database its
// feed id. Returns what SqliteStateStore::names_ordered_from says. Errors as MigrateSchema; a
// missing table is DATA_LOSS.
absl::StatusOr<int64_t> PrepareStateDb(SqliteDb& db);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_STATE_SCHEMA_H_
