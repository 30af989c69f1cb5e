#include <map>

#include "storage/sqlite/state_delivery_writer.h"
#include "storage/sqlite/state_rows.h"
#include "storage/sqlite/state_store.h"
#include "storage/state_store_rules.h"

namespace lapse::storage {
namespace {

using lapse::v1::Alert;

constexpr char kFeedInfo[] = "SELECT feed_id, feed_last, feed_trimmed_through FROM meta";
constexpr char kSetFeedLast[] = "UPDATE meta SET feed_last = ?1";
constexpr char kSetTrimmedThrough[] = "UPDATE meta SET feed_trimmed_through = ?1";
constexpr char kStoredAlert[] =
    "SELECT first_position, last_position, version, state FROM alerts WHERE name = ?1";
// Changes no row where the name is taken.
constexpr char kInsertAlert[] =
    "INSERT INTO alerts (first_position, name, last_position, version, state) "
    "VALUES (?1, ?2, ?1, ?3, ?4) ON CONFLICT (name) DO NOTHING";
constexpr char kUpdateAlert[] =
    "UPDATE alerts SET last_position = ?2, version = ?3, state = ?4 WHERE first_position = ?1";
constexpr char kInsertChange[] =
    "INSERT INTO feed (position, change_time_us, first_position, previous_position, alert, "
    "previous_firing) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
constexpr char kAlertByName[] =
    "SELECT feed.alert FROM alerts LEFT JOIN feed ON feed.position = alerts.last_position "
    "WHERE alerts.name = ?1";
constexpr char kAlertsBefore[] =
    "SELECT alerts.first_position, feed.alert "
    "FROM alerts LEFT JOIN feed ON feed.position = alerts.last_position "
    "WHERE alerts.first_position < ?1 ORDER BY alerts.first_position DESC";
constexpr char kChangesAfter[] =
    "SELECT position, change_time_us, alert FROM feed WHERE position > ?1 "
    "ORDER BY position LIMIT ?2";
constexpr char kFiringAndUnchanged[] =
    "SELECT alerts.first_position, feed.alert FROM alerts INDEXED BY alerts_firing "
    "LEFT JOIN feed ON feed.position = alerts.last_position "
    "WHERE alerts.state = 1 AND alerts.first_position > ?2 AND alerts.first_position <= ?1 "
    "AND alerts.last_position <= ?1 ORDER BY alerts.first_position LIMIT ?3";
constexpr char kFiringAndChangedSince[] =
    "SELECT since.first_position, feed.alert FROM ("
    "SELECT first_position, previous_position FROM feed INDEXED BY feed_amendments "
    "WHERE previous_firing = 1 AND position > ?1 AND previous_position <= ?1 "
    "AND first_position > ?2 ORDER BY first_position LIMIT ?3) AS since "
    "LEFT JOIN feed ON feed.position = since.previous_position";
constexpr char kOldest[] =
    "SELECT position, change_time_us FROM feed WHERE position > ?1 ORDER BY position LIMIT ?2";
// What follows them is trimmed: nothing asks for them any more.
constexpr char kDropFollowed[] =
    "DELETE FROM feed WHERE position IN (SELECT previous_position FROM feed "
    "WHERE position > ?1 AND position <= ?2 AND previous_position > 0)";

absl::StatusOr<FeedInfo> ReadFeedInfo(StateConnection& connection) {
  ASSIGN_OR_RETURN(StatementLease select, connection.Use(kFeedInfo));
  ASSIGN_OR_RETURN(const bool has_row, select->Step());
  if (!has_row) return DamagedFile(connection.db().path(), "the row of meta is missing");
  return FeedInfo{std::string(select->Text(0)), select->Int64(1), select->Int64(2)};
}

absl::Status CheckResumable(StateConnection& connection, FeedPosition position) {
  ASSIGN_OR_RETURN(const FeedInfo info, ReadFeedInfo(connection));
  if (position >= info.resumable_after) return absl::OkStatus();
  return FeedTrimmed(position, info.resumable_after);
}

// CommitAlerts, within its transaction.
class AlertCommit {
 public:
  AlertCommit(StateConnection& connection, int64_t time_us)
      : connection_(connection), time_us_(time_us), deliveries_(connection, time_us) {}

  absl::StatusOr<CommittedAlerts> Run(const std::vector<AlertWrite>& writes) {
    ASSIGN_OR_RETURN(const FeedInfo info, ReadFeedInfo(connection_));
    last_ = info.last;
    for (const AlertWrite& write : writes) RETURN_IF_ERROR(Store(write));
    const CommittedAlerts committed{last_ - info.last, last_};
    if (committed.count == 0) return committed;
    ASSIGN_OR_RETURN(StatementLease set_last, connection_.Use(kSetFeedLast));
    RETURN_IF_ERROR(set_last->Bind(last_).Run());
    return committed;
  }

 private:
  absl::Status Store(const AlertWrite& write) {
    // Nearly all of a burst are new: only where the name is taken is the stored version asked for.
    ASSIGN_OR_RETURN(const bool is_new, InsertAlert(write.alert));
    if (is_new) {
      RETURN_IF_ERROR(AddFirstChange(write.alert));
    } else {
      ASSIGN_OR_RETURN(const bool amended, Amend(write.alert));
      if (!amended) return absl::OkStatus();
    }
    if (!write.notify || !write.alert.has_notifiers()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const Alert alert, write.alert.Parse());
    return deliveries_.TellAlert(alert, is_new);
  }

  // False where the name is taken.
  absl::StatusOr<bool> InsertAlert(const EncodedAlert& alert) {
    ASSIGN_OR_RETURN(StatementLease insert, connection_.Use(kInsertAlert));
    insert->Bind(last_ + 1, alert.name(), alert.version(), alert.state());
    RETURN_IF_ERROR(insert->Run());
    return connection_.db().Changes() == 1;
  }

  absl::Status AddFirstChange(const EncodedAlert& alert) {
    ++last_;
    ASSIGN_OR_RETURN(StatementLease change, connection_.Use(kInsertChange));
    return change->Bind(last_, time_us_, last_, 0, SqliteBlob{alert.bytes()}, false).Run();
  }

  // False where the stored version is as high: it was stored before a crash.
  absl::StatusOr<bool> Amend(const EncodedAlert& alert) {
    ASSIGN_OR_RETURN(StatementLease stored, connection_.Use(kStoredAlert));
    ASSIGN_OR_RETURN(const bool exists, stored->Bind(alert.name()).Step());
    if (!exists) return DamagedFile(connection_.db().path(), "the index of alerts by name");
    if (stored->Int64(2) >= alert.version()) return false;
    RETURN_IF_ERROR(StoreAmendment(*stored, alert));
    return true;
  }

  absl::Status StoreAmendment(const SqliteStatement& stored, const EncodedAlert& alert) {
    ++last_;
    const FeedPosition first = stored.Int64(0);
    const bool was_firing = stored.Int64(3) == Alert::STATE_FIRING;
    ASSIGN_OR_RETURN(StatementLease change, connection_.Use(kInsertChange));
    change->Bind(last_, time_us_, first, stored.Int64(1), SqliteBlob{alert.bytes()}, was_firing);
    RETURN_IF_ERROR(change->Run());
    ASSIGN_OR_RETURN(StatementLease update, connection_.Use(kUpdateAlert));
    return update->Bind(first, last_, alert.version(), alert.state()).Run();
  }

  StateConnection& connection_;
  const int64_t time_us_;
  DeliveryWriter deliveries_;
  FeedPosition last_ = 0;
};

// The alert in a column that is NULL where the feed lacks what it must have.
absl::Status ReadAlert(const SqliteDb& db, const SqliteStatement& row, int column, Alert* alert) {
  if (row.IsNull(column)) return DamagedFile(db.path(), "a change of an alert is missing");
  return ParseMessage(db, row.Blob(column), alert);
}

// Adds the rows (first position, alert) of `select`.
absl::Status CollectAlerts(const SqliteDb& db, SqliteStatement& select,
                           std::map<FeedPosition, Alert>* alerts) {
  for (;;) {
    ASSIGN_OR_RETURN(const bool has_row, select.Step());
    if (!has_row) return absl::OkStatus();
    RETURN_IF_ERROR(ReadAlert(db, select, 1, &(*alerts)[select.Int64(0)]));
  }
}

// The newest of the `limit` oldest changes after `trimmed` that is older than `older_than_us`;
// `trimmed` where none is.
absl::StatusOr<FeedPosition> LastToTrim(StateConnection& connection, FeedPosition trimmed,
                                        int64_t older_than_us, int limit) {
  ASSIGN_OR_RETURN(StatementLease oldest, connection.Use(kOldest));
  oldest->Bind(trimmed, limit);
  FeedPosition last = trimmed;
  for (;;) {
    ASSIGN_OR_RETURN(const bool has_row, oldest->Step());
    if (!has_row) return last;
    if (oldest->Int64(1) < older_than_us) last = oldest->Int64(0);
  }
}

}  // namespace

absl::StatusOr<CommittedAlerts> SqliteStateStore::CommitAlerts(
    const std::vector<AlertWrite>& writes, int64_t time_us) {
  CommittedAlerts committed;
  RETURN_IF_ERROR(Write([&](StateConnection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(committed, AlertCommit(connection, time_us).Run(writes));
    return absl::OkStatus();
  }));
  return committed;
}

absl::StatusOr<Alert> SqliteStateStore::GetAlert(const std::string& name) {
  const StateReaders::Lease reader = readers_->Acquire();
  ASSIGN_OR_RETURN(StatementLease select, (*reader).Use(kAlertByName));
  ASSIGN_OR_RETURN(const bool has_row, select->Bind(name).Step());
  if (!has_row) return AlertNotFound(name);
  Alert alert;
  RETURN_IF_ERROR(ReadAlert((*reader).db(), *select, 0, &alert));
  return alert;
}

absl::StatusOr<AlertStore::AlertList> SqliteStateStore::ListAlerts(
    absl::FunctionRef<bool(const Alert&)> matches, FeedPosition before, int limit, int scan_limit) {
  const StateReaders::Lease reader = readers_->Acquire();
  ASSIGN_OR_RETURN(StatementLease select, (*reader).Use(kAlertsBefore));
  select->Bind(before);
  AlertList list;
  FeedPosition reached = before;
  for (int scanned = 0;; ++scanned) {
    ASSIGN_OR_RETURN(const bool has_row, select->Step());
    if (!has_row) return list;
    if (scanned == scan_limit || static_cast<int>(list.alerts.size()) == limit) break;
    reached = select->Int64(0);
    ListedAlert listed{reached, {}};
    RETURN_IF_ERROR(ReadAlert((*reader).db(), *select, 1, &listed.alert));
    if (matches(listed.alert)) list.alerts.push_back(std::move(listed));
  }
  list.next_before = reached;
  return list;
}

absl::StatusOr<FeedInfo> SqliteStateStore::GetFeedInfo() {
  const StateReaders::Lease reader = readers_->Acquire();
  return ReadFeedInfo(*reader);
}

absl::StatusOr<std::vector<FeedChange>> SqliteStateStore::ReadFeed(FeedPosition after, int limit) {
  const StateReaders::Lease reader = readers_->Acquire();
  ASSIGN_OR_RETURN(const ReadTransaction transaction, ReadTransaction::Begin(*reader));
  RETURN_IF_ERROR(CheckResumable(*reader, after));
  ASSIGN_OR_RETURN(StatementLease select, (*reader).Use(kChangesAfter));
  select->Bind(after, limit);
  std::vector<FeedChange> changes;
  for (;;) {
    ASSIGN_OR_RETURN(const bool has_row, select->Step());
    if (!has_row) return changes;
    FeedChange& change = changes.emplace_back(FeedChange{select->Int64(0), select->Int64(1), {}});
    RETURN_IF_ERROR(ParseMessage((*reader).db(), select->Blob(2), &change.alert));
  }
}

absl::StatusOr<std::vector<AlertStore::ListedAlert>> SqliteStateStore::ReadFiringAt(
    FeedPosition at, FeedPosition after_first, int limit) {
  const StateReaders::Lease reader = readers_->Acquire();
  ASSIGN_OR_RETURN(const ReadTransaction transaction, ReadTransaction::Begin(*reader));
  RETURN_IF_ERROR(CheckResumable(*reader, at));
  std::map<FeedPosition, Alert> alerts;
  for (const char* sql : {kFiringAndUnchanged, kFiringAndChangedSince}) {
    ASSIGN_OR_RETURN(StatementLease select, (*reader).Use(sql));
    select->Bind(at, after_first, limit);
    RETURN_IF_ERROR(CollectAlerts((*reader).db(), *select, &alerts));
  }
  std::vector<ListedAlert> firing;
  for (auto& [first, alert] : alerts) {
    if (static_cast<int>(firing.size()) >= limit) break;
    firing.push_back({first, std::move(alert)});
  }
  return firing;
}

absl::StatusOr<int> SqliteStateStore::TrimFeed(int64_t older_than_us, int limit) {
  int64_t trimmed = 0;
  RETURN_IF_ERROR(Write([&](StateConnection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const FeedInfo info, ReadFeedInfo(connection));
    ASSIGN_OR_RETURN(const FeedPosition last,
                     LastToTrim(connection, info.resumable_after, older_than_us, limit));
    if (last == info.resumable_after) return absl::OkStatus();
    ASSIGN_OR_RETURN(StatementLease drop, connection.Use(kDropFollowed));
    RETURN_IF_ERROR(drop->Bind(info.resumable_after, last).Run());
    ASSIGN_OR_RETURN(StatementLease set_trimmed, connection.Use(kSetTrimmedThrough));
    trimmed = last - info.resumable_after;
    return set_trimmed->Bind(last).Run();
  }));
  return static_cast<int>(trimmed);
}

}  // namespace lapse::storage
