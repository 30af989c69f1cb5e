#include <algorithm>

#include "storage/sqlite/state_delivery_writer.h"
#include "storage/sqlite/state_rows.h"
#include "storage/sqlite/state_store.h"
#include "storage/state_store_rules.h"

namespace lapse::storage {
namespace {

using lapse::v1::Alert;
using lapse::v1::Delivery;

constexpr char kDue[] =
    "SELECT " LAPSE_DELIVERY_COLUMNS
    ", told FROM deliveries INDEXED BY deliveries_pending "
    "WHERE state = 1 AND notifier = ?1 AND waits_for = 0 AND next_try_time_us <= ?2 "
    "ORDER BY next_try_time_us, number LIMIT ?3";
constexpr char kCountDue[] =
    "SELECT COUNT(*) FROM deliveries INDEXED BY deliveries_pending "
    "WHERE state = 1 AND notifier = ?1 AND waits_for = 0 AND next_try_time_us <= ?2";
// Only notifiers that exist have PENDING deliveries: a walk over them finds each one's first by
// index.
constexpr char kNextTry[] =
    "SELECT MIN((SELECT MIN(next_try_time_us) FROM deliveries INDEXED BY deliveries_pending "
    "WHERE state = 1 AND notifier = notifiers.name AND waits_for = 0)) FROM notifiers";
constexpr char kNotifiersWithDue[] =
    "SELECT name FROM notifiers WHERE EXISTS (SELECT 1 FROM deliveries "
    "INDEXED BY deliveries_pending WHERE state = 1 AND notifier = notifiers.name "
    "AND waits_for = 0 AND next_try_time_us <= ?1) ORDER BY name";
constexpr char kByNumber[] =
    "SELECT " LAPSE_DELIVERY_COLUMNS " FROM deliveries WHERE number = ?1 AND notifier = ?2";
constexpr char kSaveTry[] =
    "UPDATE deliveries SET next_try_time_us = ?2, try_count = ?3, tries = ?4 WHERE number = ?1";
constexpr char kEnd[] =
    "UPDATE deliveries SET state = ?2, digest = MAX(digest, ?3), waits_for = 0, told = NULL "
    "WHERE number = ?1";
constexpr char kLetGo[] =
    "UPDATE deliveries SET waits_for = ?2 WHERE waits_for = ?1 AND waits_for <> 0";
// Those that are due, and those that wait only for such.
constexpr char kMembers[] =
    "WITH RECURSIVE members (member) AS ("
    "SELECT number FROM deliveries INDEXED BY deliveries_pending WHERE state = 1 "
    "AND notifier = ?1 AND waits_for = 0 AND next_try_time_us <= ?2 "
    "UNION SELECT number FROM members JOIN deliveries INDEXED BY deliveries_waiting "
    "ON waits_for = member WHERE waits_for <> 0 AND state = 1 AND next_try_time_us <= ?2) "
    "SELECT number, digested_count FROM members JOIN deliveries ON number = member "
    "ORDER BY number DESC";
constexpr char kTold[] = "SELECT told FROM deliveries WHERE number = ?1";
constexpr char kList[] = "SELECT " LAPSE_DELIVERY_COLUMNS
                         " FROM deliveries WHERE number < ?1 ORDER BY number DESC LIMIT ?2";
constexpr char kListByState[] =
    "SELECT " LAPSE_DELIVERY_COLUMNS
    " FROM deliveries INDEXED BY deliveries_by_state WHERE number < ?1 AND state = ?3 "
    "ORDER BY number DESC LIMIT ?2";
constexpr char kListByNotifier[] =
    "SELECT " LAPSE_DELIVERY_COLUMNS
    " FROM deliveries INDEXED BY deliveries_by_notifier WHERE number < ?1 AND state = ?3 "
    "AND notifier = ?4 ORDER BY number DESC LIMIT ?2";
constexpr char kListByAlert[] =
    "SELECT " LAPSE_DELIVERY_COLUMNS
    " FROM deliveries INDEXED BY deliveries_by_alert WHERE number < ?1 AND state = ?3 "
    "AND (?4 = '' OR notifier = ?4) AND alert = ?5 ORDER BY number DESC LIMIT ?2";
constexpr char kTrim[] =
    "DELETE FROM deliveries WHERE number IN (SELECT number FROM (SELECT number, create_time_us "
    "FROM deliveries INDEXED BY deliveries_by_state WHERE state = ?1 ORDER BY number LIMIT ?3) "
    "WHERE create_time_us < ?2)";

constexpr Delivery::State kEndedStates[] = {Delivery::STATE_SENT, Delivery::STATE_DEAD,
                                            Delivery::STATE_DIGESTED};

absl::StatusOr<DueDelivery> ReadDue(const SqliteDb& db, const SqliteStatement& row) {
  ASSIGN_OR_RETURN(DeliveryRow delivery, ReadDeliveryRow(db, row));
  ASSIGN_OR_RETURN(std::vector<Alert> told, DecodeTold(db, row.Blob(kDeliveryColumnCount)));
  DueDelivery due{std::move(delivery.delivery)};
  if (due.delivery.digested_count() > 0) {
    due.samples = std::move(told);
  } else if (!told.empty()) {
    due.alert = std::move(told.front());
  }
  return due;
}

// Takes the delivery out of the pending ones; those that wait for it wait for `instead`. `digest`:
// what tells it, or 0.
absl::Status EndDelivery(StateConnection& connection, int64_t number, Delivery::State state,
                         int64_t digest, int64_t instead) {
  ASSIGN_OR_RETURN(StatementLease end, connection.Use(kEnd));
  RETURN_IF_ERROR(end->Bind(number, state, digest).Run());
  ASSIGN_OR_RETURN(StatementLease let_go, connection.Use(kLetGo));
  return let_go->Bind(number, instead).Run();
}

absl::StatusOr<DeliveryRow> ReadDelivery(StateConnection& connection, const DeliveryId& id) {
  ASSIGN_OR_RETURN(StatementLease select, connection.Use(kByNumber));
  ASSIGN_OR_RETURN(const bool has_row, select->Bind(id.number, id.notifier).Step());
  if (!has_row) return DeliveryNotFound(DeliveryName(id.notifier, id.number));
  return ReadDeliveryRow(connection.db(), *select);
}

struct DigestMember {
  int64_t number = 0;
  int32_t digested_count = 0;
};

// Newest first.
absl::StatusOr<std::vector<DigestMember>> ReadMembers(StateConnection& connection,
                                                      const std::string& notifier, int64_t now_us) {
  ASSIGN_OR_RETURN(StatementLease select, connection.Use(kMembers));
  select->Bind(notifier, now_us);
  std::vector<DigestMember> members;
  for (;;) {
    ASSIGN_OR_RETURN(const bool has_row, select->Step());
    if (!has_row) return members;
    members.push_back({select->Int64(0), static_cast<int32_t>(select->Int64(1))});
  }
}

absl::StatusOr<std::vector<Alert>> PickSamples(StateConnection& connection,
                                               const std::vector<DigestMember>& members) {
  DigestSamples samples;
  for (const DigestMember& member : members) {
    if (samples.full()) break;
    ASSIGN_OR_RETURN(StatementLease select, connection.Use(kTold));
    ASSIGN_OR_RETURN(const bool has_row, select->Bind(member.number).Step());
    if (!has_row) continue;
    ASSIGN_OR_RETURN(const std::vector<Alert> told, DecodeTold(connection.db(), select->Blob(0)));
    std::for_each(told.rbegin(), told.rend(), [&](const Alert& alert) { samples.Add(alert); });
  }
  return std::move(samples).Take();
}

absl::StatusOr<int64_t> StoreDigest(StateConnection& connection, const std::string& notifier,
                                    int64_t now_us) {
  ASSIGN_OR_RETURN(const std::vector<DigestMember> members,
                   ReadMembers(connection, notifier, now_us));
  if (members.empty()) return NothingDue(notifier);
  int32_t count = 0;
  for (const DigestMember& member : members) count += std::max(1, member.digested_count);
  ASSIGN_OR_RETURN(const std::vector<Alert> samples, PickSamples(connection, members));
  ASSIGN_OR_RETURN(
      const int64_t digest,
      DeliveryWriter(connection, now_us).AddDigest(notifier, count, EncodeTold(samples)));
  for (const DigestMember& member : members) {
    RETURN_IF_ERROR(
        EndDelivery(connection, member.number, Delivery::STATE_DIGESTED, digest, digest));
  }
  return digest;
}

// The states to ask for, one query each, so that every one is answered by index in order.
std::vector<Delivery::State> StatesToList(const std::vector<Delivery::State>& states) {
  std::vector<Delivery::State> all = states;
  if (all.empty()) {
    all = {Delivery::STATE_PENDING, Delivery::STATE_SENT, Delivery::STATE_DEAD,
           Delivery::STATE_DIGESTED};
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

absl::Status CollectDeliveries(const SqliteDb& db, SqliteStatement& select,
                               std::vector<DeliveryStore::ListedDelivery>* listed) {
  for (;;) {
    ASSIGN_OR_RETURN(const bool has_row, select.Step());
    if (!has_row) return absl::OkStatus();
    ASSIGN_OR_RETURN(DeliveryRow row, ReadDeliveryRow(db, select));
    listed->push_back({row.number, std::move(row.delivery)});
  }
}

}  // namespace

absl::StatusOr<std::vector<DueDelivery>> SqliteStateStore::ListDueDeliveries(
    const std::string& notifier, int64_t now_us, int limit) {
  const StateReaders::Lease reader = readers_->Acquire();
  ASSIGN_OR_RETURN(StatementLease select, (*reader).Use(kDue));
  select->Bind(notifier, now_us, limit);
  std::vector<DueDelivery> due;
  for (;;) {
    ASSIGN_OR_RETURN(const bool has_row, select->Step());
    if (!has_row) return due;
    ASSIGN_OR_RETURN(due.emplace_back(), ReadDue((*reader).db(), *select));
  }
}

absl::StatusOr<int64_t> SqliteStateStore::CountDueDeliveries(const std::string& notifier,
                                                             int64_t now_us) {
  const StateReaders::Lease reader = readers_->Acquire();
  ASSIGN_OR_RETURN(StatementLease select, (*reader).Use(kCountDue));
  RETURN_IF_ERROR(select->Bind(notifier, now_us).Step().status());
  return select->Int64(0);
}

absl::StatusOr<int64_t> SqliteStateStore::NextTryTimeUs() {
  const StateReaders::Lease reader = readers_->Acquire();
  ASSIGN_OR_RETURN(StatementLease select, (*reader).Use(kNextTry));
  RETURN_IF_ERROR(select->Step().status());
  return select->IsNull(0) ? INT64_MAX : select->Int64(0);
}

absl::StatusOr<std::vector<std::string>> SqliteStateStore::ListNotifiersWithDue(int64_t now_us) {
  const StateReaders::Lease reader = readers_->Acquire();
  ASSIGN_OR_RETURN(StatementLease select, (*reader).Use(kNotifiersWithDue));
  select->Bind(now_us);
  std::vector<std::string> names;
  for (;;) {
    ASSIGN_OR_RETURN(const bool has_row, select->Step());
    if (!has_row) return names;
    names.emplace_back(select->Text(0));
  }
}

absl::Status SqliteStateStore::RecordTry(const std::string& delivery_name,
                                         const lapse::v1::DeliveryTry& attempt,
                                         Delivery::State state, int64_t next_try_time_us) {
  ASSIGN_OR_RETURN(const DeliveryId id, ParseDeliveryName(delivery_name));
  return Write([&](StateConnection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(DeliveryRow row, ReadDelivery(connection, id));
    AppendTry(attempt, &row.delivery);
    const std::string tries = EncodeTries(row.delivery);
    ASSIGN_OR_RETURN(StatementLease save, connection.Use(kSaveTry));
    RETURN_IF_ERROR(
        save->Bind(id.number, next_try_time_us, row.delivery.try_count(), SqliteBlob{tries}).Run());
    const Delivery::State after = StateAfterTry(row.delivery.state(), state);
    if (after == Delivery::STATE_PENDING) return absl::OkStatus();
    return EndDelivery(connection, id.number, after, 0, 0);
  });
}

absl::StatusOr<Delivery> SqliteStateStore::MakeDigest(const std::string& notifier, int64_t now_us) {
  Delivery made;
  RETURN_IF_ERROR(Write([&](StateConnection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t number, StoreDigest(connection, notifier, now_us));
    ASSIGN_OR_RETURN(DeliveryRow row, ReadDelivery(connection, {notifier, number}));
    made = std::move(row.delivery);
    return absl::OkStatus();
  }));
  return made;
}

absl::StatusOr<std::vector<DeliveryStore::ListedDelivery>> SqliteStateStore::ListDeliveries(
    const std::string& notifier, const std::string& alert,
    const std::vector<Delivery::State>& states, int64_t before, int limit) {
  const StateReaders::Lease reader = readers_->Acquire();
  ASSIGN_OR_RETURN(const ReadTransaction transaction, ReadTransaction::Begin(*reader));
  std::vector<ListedDelivery> listed;
  if (notifier.empty() && alert.empty() && states.empty()) {
    ASSIGN_OR_RETURN(StatementLease select, (*reader).Use(kList));
    select->Bind(before, limit);
    RETURN_IF_ERROR(CollectDeliveries((*reader).db(), *select, &listed));
    return listed;
  }
  for (Delivery::State state : StatesToList(states)) {
    const char* sql =
        !alert.empty() ? kListByAlert : (!notifier.empty() ? kListByNotifier : kListByState);
    ASSIGN_OR_RETURN(StatementLease select, (*reader).Use(sql));
    if (sql == kListByState) {
      select->Bind(before, limit, state);
    } else if (sql == kListByNotifier) {
      select->Bind(before, limit, state, notifier);
    } else {
      select->Bind(before, limit, state, notifier, alert);
    }
    RETURN_IF_ERROR(CollectDeliveries((*reader).db(), *select, &listed));
  }
  std::sort(listed.begin(), listed.end(),
            [](const ListedDelivery& a, const ListedDelivery& b) { return a.number > b.number; });
  if (static_cast<int>(listed.size()) > limit) listed.resize(static_cast<size_t>(limit));
  return listed;
}

absl::StatusOr<int> SqliteStateStore::TrimDeliveries(int64_t older_than_us, int limit) {
  int dropped = 0;
  RETURN_IF_ERROR(Write([&](StateConnection& connection) -> absl::Status {
    for (Delivery::State state : kEndedStates) {
      ASSIGN_OR_RETURN(StatementLease trim, connection.Use(kTrim));
      RETURN_IF_ERROR(trim->Bind(state, older_than_us, limit - dropped).Run());
      dropped += static_cast<int>(connection.db().Changes());
    }
    return absl::OkStatus();
  }));
  return dropped;
}

}  // namespace lapse::storage
