#include "storage/sqlite/state_rows.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/util/delimited_message_util.h"
#include "storage/sqlite/sqlite_db.h"
#include "storage/state_store_rules.h"

namespace lapse::storage {

using lapse::v1::Alert;
using lapse::v1::Delivery;

absl::Status ParseMessage(const SqliteDb& db, absl::string_view bytes,
                          google::protobuf::MessageLite* message) {
  if (message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::OkStatus();
  }
  return DamagedFile(db.path(), absl::StrCat("a row is no ", message->GetTypeName()));
}

std::string EncodeTold(const std::vector<Alert>& alerts) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    for (const Alert& alert : alerts) {
      google::protobuf::util::SerializeDelimitedToZeroCopyStream(alert, &stream);
    }
  }
  return bytes;
}

absl::StatusOr<std::vector<Alert>> DecodeTold(const SqliteDb& db, absl::string_view bytes) {
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  std::vector<Alert> alerts;
  while (stream.ByteCount() < static_cast<int64_t>(bytes.size())) {
    bool clean_eof = false;
    if (!google::protobuf::util::ParseDelimitedFromZeroCopyStream(&alerts.emplace_back(), &stream,
                                                                  &clean_eof)) {
      return DamagedFile(db.path(), "what a delivery tells cannot be read");
    }
  }
  return alerts;
}

absl::StatusOr<DeliveryRow> ReadDeliveryRow(const SqliteDb& db, const SqliteStatement& row) {
  DeliveryRow result{row.Int64(0)};
  Delivery& delivery = result.delivery;
  RETURN_IF_ERROR(ParseMessage(db, row.Blob(9), &delivery));
  const absl::string_view notifier = row.Text(1);
  delivery.set_name(DeliveryName(notifier, result.number));
  delivery.set_alert(std::string(row.Text(2)));
  delivery.set_alert_version(row.Int64(3));
  delivery.set_state(static_cast<Delivery::State>(row.Int64(4)));
  delivery.set_idempotency_key(std::string(row.Text(5)));
  SetTimestamp(row.Int64(6), delivery.mutable_create_time());
  if (delivery.state() == Delivery::STATE_PENDING) {
    SetTimestamp(row.Int64(7), delivery.mutable_next_try_time());
  }
  delivery.set_try_count(static_cast<int32_t>(row.Int64(8)));
  if (row.Int64(10) != 0) delivery.set_digest(DeliveryName(notifier, row.Int64(10)));
  delivery.set_digested_count(static_cast<int32_t>(row.Int64(11)));
  return result;
}

std::string EncodeTries(const Delivery& delivery) {
  Delivery tries;
  *tries.mutable_tries() = delivery.tries();
  return tries.SerializeAsString();
}

}  // namespace lapse::storage
