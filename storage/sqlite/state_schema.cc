#include "storage/sqlite/state_schema.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "lapse/v1/alert.pb.h"
#include "storage/sqlite/schema.h"
#include "storage/sqlite/sqlite_db.h"
#include "storage/sqlite/state_rows.h"
#include "storage/state_store_rules.h"

namespace lapse::storage {
namespace {

// Blobs are serialized messages of lapse.v1 and lapse.internal.v1. Times are microseconds since
// 1970. States are the numbers of Alert.State (1 is FIRING) and Delivery.State (1 is PENDING).
//   feed.previous_alert: the alert before this change, where it was FIRING; with it a picture as of
//   an earlier position
//     can be told whatever was trimmed before.
//   deliveries.waits_for: the delivery that must end first; 0 for none.
//   deliveries.tries: a Delivery with nothing but its tries. deliveries.told: alerts,
//   length-delimited, oldest first;
//     NULL once the delivery has ended.
constexpr char kVersion1[] = R"sql(
CREATE TABLE meta (
  singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
  feed_id TEXT NOT NULL,
  feed_last INTEGER NOT NULL,
  feed_trimmed_through INTEGER NOT NULL,
  delivery_last INTEGER NOT NULL,
  event_types_position INTEGER NOT NULL
) STRICT;

CREATE TABLE monitor_changes (
  position INTEGER NOT NULL,
  place INTEGER NOT NULL,
  time_us INTEGER NOT NULL,
  create_request_id TEXT NOT NULL,
  monitor_change BLOB NOT NULL,
  PRIMARY KEY (position, place)
) STRICT;
CREATE INDEX monitor_creates ON monitor_changes (create_request_id, position, place)
  WHERE create_request_id <> '';

CREATE TABLE monitors (
  name TEXT PRIMARY KEY,
  monitor BLOB NOT NULL
) STRICT;

CREATE TABLE notifiers (
  name TEXT PRIMARY KEY,
  etag TEXT NOT NULL,
  notifier BLOB NOT NULL
) STRICT;

CREATE TABLE notifier_requests (
  request_id TEXT PRIMARY KEY,
  time_us INTEGER NOT NULL,
  notifier BLOB NOT NULL
) STRICT;
CREATE INDEX notifier_requests_by_time ON notifier_requests (time_us);

CREATE TABLE alerts (
  first_position INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  last_position INTEGER NOT NULL,
  version INTEGER NOT NULL,
  state INTEGER NOT NULL,
  alert BLOB NOT NULL
) STRICT;
CREATE INDEX alerts_firing ON alerts (first_position, last_position) WHERE state = 1;

CREATE TABLE feed (
  position INTEGER PRIMARY KEY,
  change_time_us INTEGER NOT NULL,
  first_position INTEGER NOT NULL,
  previous_position INTEGER NOT NULL,
  alert BLOB NOT NULL,
  previous_alert BLOB
) STRICT;
CREATE INDEX feed_amendments ON feed (position, first_position, previous_position)
  WHERE previous_alert IS NOT NULL;

CREATE TABLE deliveries (
  number INTEGER PRIMARY KEY,
  notifier TEXT NOT NULL,
  alert TEXT NOT NULL,
  alert_version INTEGER NOT NULL,
  state INTEGER NOT NULL,
  idempotency_key TEXT NOT NULL,
  create_time_us INTEGER NOT NULL,
  next_try_time_us INTEGER NOT NULL,
  waits_for INTEGER NOT NULL,
  try_count INTEGER NOT NULL,
  tries BLOB NOT NULL,
  told BLOB
) STRICT;
CREATE INDEX deliveries_pending ON deliveries (notifier, waits_for, next_try_time_us)
  WHERE state = 1;
CREATE INDEX deliveries_waiting ON deliveries (waits_for) WHERE waits_for <> 0;
CREATE INDEX deliveries_by_alert ON deliveries (alert, notifier, number);
CREATE INDEX deliveries_by_notifier ON deliveries (notifier, state, number);
CREATE INDEX deliveries_by_state ON deliveries (state, number);

CREATE TABLE event_types (
  type TEXT PRIMARY KEY,
  event_type BLOB NOT NULL
) STRICT;
)sql";

// Digests. `digest`: the delivery that tells this one; 0 for none. `digested_count`: of a digest,
// how many it tells.
constexpr char kVersion2[] = R"sql(
ALTER TABLE deliveries ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN digested_count INTEGER NOT NULL DEFAULT 0;
)sql";

// An alert is stored once, in the feed: the newest change of each stays there for good, and an
// older one until the change that followed it is trimmed.
//   meta.names_ordered_from: see SqliteStateStore; NULL until it was found out.
//   feed.previous_firing: whether the alert was FIRING before this change.
constexpr char kVersion3[] = R"sql(
ALTER TABLE meta ADD COLUMN names_ordered_from INTEGER;

INSERT OR IGNORE INTO feed
  SELECT previous_position, 0, first_position, 0, previous_alert, NULL FROM feed
  WHERE previous_alert IS NOT NULL;
INSERT OR IGNORE INTO feed
  SELECT last_position, 0, first_position, 0, alert, NULL FROM alerts;

ALTER TABLE feed ADD COLUMN previous_firing INTEGER NOT NULL DEFAULT 0;
UPDATE feed SET previous_firing = 1 WHERE previous_alert IS NOT NULL;
DROP INDEX feed_amendments;
ALTER TABLE feed DROP COLUMN previous_alert;
CREATE INDEX feed_amendments
  ON feed (position, first_position, previous_position, previous_firing)
  WHERE previous_firing = 1;

ALTER TABLE alerts DROP COLUMN alert;
)sql";

constexpr const char* kSteps[] = {kVersion1, kVersion2, kVersion3};

constexpr absl::string_view kTables[] = {"meta",      "monitor_changes",   "monitors",
                                         "notifiers", "notifier_requests", "alerts",
                                         "feed",      "deliveries",        "event_types"};

absl::Status CheckTables(SqliteDb& db) {
  for (absl::string_view table : kTables) {
    const absl::StatusOr<int64_t> seen =
        db.QueryInt64(absl::StrCat("SELECT COUNT(*) FROM (SELECT rowid FROM ", table, " LIMIT 1)"));
    if (seen.ok()) continue;
    if (!absl::IsInternal(seen.status())) return seen.status();
    return DamagedFile(db.path(), seen.status().message());
  }
  return absl::OkStatus();
}

absl::Status EnsureMeta(SqliteDb& db) {
  ASSIGN_OR_RETURN(SqliteStatement insert,
                   db.Prepare("INSERT INTO meta VALUES (1, ?1, 0, 0, 0, 0, NULL) "
                              "ON CONFLICT (singleton) DO NOTHING"));
  const std::string feed_id = NewFeedId();
  return insert.Bind(feed_id).Run();
}

// After the primaries of all alerts that an earlier version has stored; 0 where it has stored none.
absl::StatusOr<int64_t> FindNamesOrderedFrom(SqliteDb& db) {
  ASSIGN_OR_RETURN(SqliteStatement select, db.Prepare("SELECT alert FROM feed"));
  int64_t ordered_from = 0;
  lapse::v1::Alert alert;
  for (;;) {
    ASSIGN_OR_RETURN(const bool has_row, select.Step());
    if (!has_row) return ordered_from;
    RETURN_IF_ERROR(ParseMessage(db, select.Blob(0), &alert));
    ordered_from = std::max(ordered_from, alert.primary_event().sequence() + 1);
  }
}

absl::StatusOr<int64_t> EnsureNamesOrderedFrom(SqliteDb& db) {
  ASSIGN_OR_RETURN(const int64_t known,
                   db.QueryInt64("SELECT IFNULL(names_ordered_from, -1) FROM meta"));
  if (known >= 0) return known;
  ASSIGN_OR_RETURN(const int64_t found, FindNamesOrderedFrom(db));
  ASSIGN_OR_RETURN(SqliteStatement set, db.Prepare("UPDATE meta SET names_ordered_from = ?1"));
  RETURN_IF_ERROR(set.Bind(found).Run());
  return found;
}

}  // namespace

absl::Span<const char* const> StateSchemaSteps() { return kSteps; }

absl::StatusOr<int64_t> PrepareStateDb(SqliteDb& db) {
  RETURN_IF_ERROR(MigrateSchema(db, StateSchemaSteps()));
  RETURN_IF_ERROR(CheckTables(db));
  RETURN_IF_ERROR(EnsureMeta(db));
  return EnsureNamesOrderedFrom(db);
}

}  // namespace lapse::storage
