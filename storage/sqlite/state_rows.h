// Between the rows of state.db and messages.
#ifndef LAPSE_STORAGE_SQLITE_STATE_ROWS_H_
#define LAPSE_STORAGE_SQLITE_STATE_ROWS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message_lite.h"
#include "lapse/v1/alert.pb.h"
#include "lapse/v1/notifier.pb.h"

namespace lapse::storage {

class SqliteDb;
class SqliteStatement;

// DATA_LOSS, reason DATA_FOLDER_DAMAGED, where `bytes` are not such a message.
absl::Status ParseMessage(const SqliteDb& db, absl::string_view bytes,
                          google::protobuf::MessageLite* message);

// deliveries.told.
std::string EncodeTold(const std::vector<lapse::v1::Alert>& alerts);
absl::StatusOr<std::vector<lapse::v1::Alert>> DecodeTold(const SqliteDb& db,
                                                         absl::string_view bytes);

// The columns that ReadDeliveryRow takes, as a literal for a SELECT from deliveries. The columns
// after them are free.
#define LAPSE_DELIVERY_COLUMNS                                                       \
  "number, notifier, alert, alert_version, state, idempotency_key, create_time_us, " \
  "next_try_time_us, try_count, tries, digest, digested_count"
inline constexpr int kDeliveryColumnCount = 12;

struct DeliveryRow {
  int64_t number = 0;
  lapse::v1::Delivery delivery;
};
absl::StatusOr<DeliveryRow> ReadDeliveryRow(const SqliteDb& db, const SqliteStatement& row);

// deliveries.tries.
std::string EncodeTries(const lapse::v1::Delivery& delivery);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_STATE_ROWS_H_
