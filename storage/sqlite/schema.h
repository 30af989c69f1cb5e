// Brings a database to the schema that this program knows.
#ifndef LAPSE_STORAGE_SQLITE_SCHEMA_H_
#define LAPSE_STORAGE_SQLITE_SCHEMA_H_

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace lapse::storage {

class SqliteDb;

// `steps[n]` takes version n to n + 1; a step that was released never changes. Each runs in a
// transaction of its own with the new PRAGMA user_version, so that an upgrade that is cut short
// goes on at the next start. A new database runs them all, and so has the same schema as an
// upgraded one. FAILED_PRECONDITION, reason DATA_FOLDER_NEWER, where the database has a later
// version than the last; DATA_LOSS, reason DATA_FOLDER_DAMAGED, where it has tables and no version.
absl::Status MigrateSchema(SqliteDb& db, absl::Span<const char* const> steps);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_SCHEMA_H_
