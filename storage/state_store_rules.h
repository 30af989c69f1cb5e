// What every StateStore decides alike: names, idempotency keys, what a try changes, what a digest
// shows, and the errors that a client can act on. Without state; pure but for NewFeedId.
#ifndef LAPSE_STORAGE_STATE_STORE_RULES_H_
#define LAPSE_STORAGE_STATE_STORE_RULES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lapse/v1/alert.pb.h"
#include "lapse/v1/notifier.pb.h"

namespace lapse::storage {

// `notifiers/{id}/deliveries/{number}`.
std::string DeliveryName(absl::string_view notifier, int64_t number);

struct DeliveryId {
  std::string notifier;
  int64_t number = 0;
};
// The parts of a delivery's name; NOT_FOUND, reason DELIVERY_NOT_FOUND, for a name that no delivery
// can have.
absl::StatusOr<DeliveryId> ParseDeliveryName(absl::string_view name);

// Keys that are the same on every try and after every restart. `notifier_identity` is the
// notifier's uid, or its name where it has none.
std::string AlertDeliveryKey(absl::string_view alert, int64_t version,
                             absl::string_view notifier_identity);
std::string DigestDeliveryKey(int64_t number, absl::string_view notifier_identity);
absl::string_view NotifierIdentity(const lapse::v1::Notifier& notifier);

// Appends `attempt` to the tries of `delivery`, of which the last limits::kMaxKeptTries are kept,
// and counts it.
void AppendTry(const lapse::v1::DeliveryTry& attempt, lapse::v1::Delivery* delivery);

// The state after a try that reported `reported`. A delivery that had ended meanwhile (its notifier
// was deleted) is not woken again; that it was sent after all is worth knowing.
lapse::v1::Delivery::State StateAfterTry(lapse::v1::Delivery::State stored,
                                         lapse::v1::Delivery::State reported);

// A new feed's id: 32 random hexadecimal digits.
std::string NewFeedId();

// Picks what a digest shows: the newest change of the newest alerts.
class DigestSamples {
 public:
  // Newest first. A second change of an alert is left out.
  void Add(const lapse::v1::Alert& alert);
  bool full() const;
  // Oldest first.
  std::vector<lapse::v1::Alert> Take() &&;

 private:
  absl::flat_hash_set<std::string> names_;
  std::vector<lapse::v1::Alert> newest_first_;
};

// The errors, with their reasons.
absl::Status AlertNotFound(absl::string_view name);          // ALERT_NOT_FOUND
absl::Status DeliveryNotFound(absl::string_view name);       // DELIVERY_NOT_FOUND
absl::Status NotifierNotFound(absl::string_view name);       // NOTIFIER_NOT_FOUND
absl::Status NotifierExists(absl::string_view name);         // ALREADY_EXISTS
absl::Status EtagStale(absl::string_view name);              // ETAG_STALE
absl::Status RequestNotFound(absl::string_view request_id);  // REQUEST_NOT_FOUND
absl::Status NothingDue(absl::string_view notifier);         // NOTHING_DUE
// OUT_OF_RANGE; the caller knows which reason its client should be told.
absl::Status FeedTrimmed(int64_t asked, int64_t resumable_after);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_STATE_STORE_RULES_H_
