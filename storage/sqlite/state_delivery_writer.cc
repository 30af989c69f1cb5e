#include "storage/sqlite/state_delivery_writer.h"

#include <set>

#include "base/status_macros.h"
#include "storage/sqlite/state_rows.h"
#include "storage/state_store_rules.h"

namespace lapse::storage {
namespace {

using lapse::v1::Alert;
using lapse::v1::Delivery;
using lapse::v1::Notifier;

constexpr char kNotifier[] = "SELECT notifier FROM notifiers WHERE name = ?1";
constexpr char kNextNumber[] =
    "UPDATE meta SET delivery_last = delivery_last + 1 RETURNING delivery_last";
constexpr char kNewest[] =
    "SELECT number, state, digest FROM deliveries WHERE alert = ?1 AND notifier = ?2 "
    "ORDER BY number DESC LIMIT 1";
constexpr char kByNumber[] = "SELECT number, state, digest FROM deliveries WHERE number = ?1";
constexpr char kInsert[] =
    "INSERT INTO deliveries (number, notifier, alert, alert_version, state, idempotency_key, "
    "create_time_us, next_try_time_us, waits_for, try_count, tries, told, digest, digested_count) "
    "VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?6, ?7, 0, x'', ?8, 0, ?9)";

// Where the statement stands: the number of a PENDING delivery, or 0; sets `digest` to that of one
// that has ended.
int64_t PendingNumber(const SqliteStatement& row, int64_t* digest) {
  const bool pending = row.Int64(1) == Delivery::STATE_PENDING;
  *digest = pending ? 0 : row.Int64(2);
  return pending ? row.Int64(0) : 0;
}

}  // namespace

absl::Status DeliveryWriter::TellAlert(const Alert& alert, bool is_new) {
  const std::set<std::string> notifiers(alert.notifiers().begin(), alert.notifiers().end());
  std::string told;
  for (const std::string& notifier : notifiers) {
    ASSIGN_OR_RETURN(const std::optional<std::string> identity, IdentityOf(notifier));
    if (!identity) continue;
    if (told.empty()) told = EncodeTold({alert});
    const std::string key = AlertDeliveryKey(alert.name(), alert.version(), *identity);
    NewDelivery delivery{.notifier = notifier,
                         .alert = alert.name(),
                         .alert_version = alert.version(),
                         .idempotency_key = key,
                         .told = told};
    if (!is_new) {
      ASSIGN_OR_RETURN(delivery.waits_for, UnfinishedBefore(alert.name(), notifier));
    }
    ASSIGN_OR_RETURN(const int64_t number, NextNumber());
    RETURN_IF_ERROR(Insert(number, delivery));
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> DeliveryWriter::AddDigest(const std::string& notifier,
                                                  int32_t digested_count, const std::string& told) {
  ASSIGN_OR_RETURN(const std::optional<std::string> identity, IdentityOf(notifier));
  if (!identity) return NotifierNotFound(notifier);
  ASSIGN_OR_RETURN(const int64_t number, NextNumber());
  const std::string key = DigestDeliveryKey(number, *identity);
  RETURN_IF_ERROR(Insert(number, {.notifier = notifier,
                                  .idempotency_key = key,
                                  .told = told,
                                  .digested_count = digested_count}));
  return number;
}

absl::StatusOr<std::optional<std::string>> DeliveryWriter::IdentityOf(const std::string& notifier) {
  if (const auto it = identities_.find(notifier); it != identities_.end()) return it->second;
  std::optional<std::string> identity;
  ASSIGN_OR_RETURN(StatementLease select, connection_.Use(kNotifier));
  ASSIGN_OR_RETURN(const bool has_row, select->Bind(notifier).Step());
  if (has_row) {
    Notifier message;
    RETURN_IF_ERROR(ParseMessage(connection_.db(), select->Blob(0), &message));
    identity = std::string(NotifierIdentity(message));
  }
  return identities_[notifier] = identity;
}

absl::StatusOr<int64_t> DeliveryWriter::NextNumber() {
  ASSIGN_OR_RETURN(StatementLease next, connection_.Use(kNextNumber));
  ASSIGN_OR_RETURN(const bool has_row, next->Step());
  if (!has_row) return DamagedFile(connection_.db().path(), "the row of meta is missing");
  return next->Int64(0);
}

absl::StatusOr<int64_t> DeliveryWriter::UnfinishedBefore(const std::string& alert,
                                                         const std::string& notifier) {
  ASSIGN_OR_RETURN(StatementLease newest, connection_.Use(kNewest));
  ASSIGN_OR_RETURN(bool has_row, newest->Bind(alert, notifier).Step());
  if (!has_row) return 0;
  int64_t digest = 0;
  int64_t pending = PendingNumber(*newest, &digest);
  // A digest that was due again may have become part of another.
  while (pending == 0 && digest != 0) {
    ASSIGN_OR_RETURN(StatementLease by_number, connection_.Use(kByNumber));
    ASSIGN_OR_RETURN(has_row, by_number->Bind(digest).Step());
    if (!has_row) return 0;
    pending = PendingNumber(*by_number, &digest);
  }
  return pending;
}

absl::Status DeliveryWriter::Insert(int64_t number, const NewDelivery& delivery) {
  ASSIGN_OR_RETURN(StatementLease insert, connection_.Use(kInsert));
  return insert
      ->Bind(number, delivery.notifier, delivery.alert, delivery.alert_version,
             delivery.idempotency_key, time_us_, delivery.waits_for, SqliteBlob{delivery.told},
             delivery.digested_count)
      .Run();
}

}  // namespace lapse::storage
