// Makes the deliveries of alerts and digests within a writer's transaction.
#ifndef LAPSE_STORAGE_SQLITE_STATE_DELIVERY_WRITER_H_
#define LAPSE_STORAGE_SQLITE_STATE_DELIVERY_WRITER_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lapse/v1/alert.pb.h"
#include "lapse/v1/notifier.pb.h"
#include "storage/sqlite/state_connection.h"

namespace lapse::storage {

// Lives for one transaction of `connection`, which outlives it.
class DeliveryWriter {
 public:
  // Deliveries are made at `time_us` and due at once.
  DeliveryWriter(StateConnection& connection, int64_t time_us)
      : connection_(connection), time_us_(time_us) {}

  // One delivery for each of the alert's notifiers that exists. `is_new`: the alert has had no
  // change before, and so there is nothing to wait for.
  absl::Status TellAlert(const lapse::v1::Alert& alert, bool is_new);

  // Returns its number. `told`: see EncodeTold.
  absl::StatusOr<int64_t> AddDigest(const std::string& notifier, int32_t digested_count,
                                    const std::string& told);

 private:
  struct NewDelivery {
    absl::string_view notifier;
    absl::string_view alert;
    int64_t alert_version = 0;
    absl::string_view idempotency_key;
    int64_t waits_for = 0;
    absl::string_view told;
    int32_t digested_count = 0;
  };

  // The notifier's uid or name; unset where there is no such notifier.
  absl::StatusOr<std::optional<std::string>> IdentityOf(const std::string& notifier);
  absl::StatusOr<int64_t> NextNumber();
  // The delivery of the alert to the notifier, or its digest, that has not ended; 0 where there is
  // none.
  absl::StatusOr<int64_t> UnfinishedBefore(const std::string& alert, const std::string& notifier);
  absl::Status Insert(int64_t number, const NewDelivery& delivery);

  StateConnection& connection_;
  const int64_t time_us_;
  absl::flat_hash_map<std::string, std::optional<std::string>> identities_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_STATE_DELIVERY_WRITER_H_
