// One way of telling people: mail, later others. A channel tries once and says how that went; when
// to try again, and when to give up, is the dispatcher's (retry_policy.h).
#ifndef LAPSE_NOTIFIERS_CHANNEL_H_
#define LAPSE_NOTIFIERS_CHANNEL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "lapse/v1/alert.pb.h"
#include "lapse/v1/notifier.pb.h"

namespace lapse::notifiers {

// What is told. The same on every try of a delivery.
struct Message {
  enum class Kind { kAlert, kDigest, kTest };

  Kind kind = Kind::kAlert;
  // Delivery.idempotency_key.
  std::string idempotency_key;
  // When the delivery was made.
  int64_t create_time_us = 0;
  // kAlert: as of the change that is told.
  lapse::v1::Alert alert;
  // kDigest: some of the alerts told, oldest first, and how many deliveries it stands for.
  std::vector<lapse::v1::Alert> samples;
  int64_t digested_count = 0;
};

enum class SendOutcome {
  kSent,
  // The receiver put this message off: try it again.
  kRetry,
  // The receiver cannot be reached, or turns everyone away: try again, and expect the same for
  // other messages.
  kReceiverDown,
  // The notifier's settings do not work, such as its password: try again, seldom, as an operator
  // may mend them.
  kMisconfigured,
  // The receiver refused this message for good.
  kRefused,
};

struct SendResult {
  SendOutcome outcome = SendOutcome::kSent;
  // As DeliveryTry.status_code: from 400 where the receiver refused, less where the message was
  // handed over (also where no answer came after that), 0 where it was not.
  int status_code = 0;
  // What the receiver or the transport said, one line, without secrets, at most
  // limits::kMaxTryErrorBytes. Empty where all went well; with kSent it names the recipients' part
  // that was refused while others accepted.
  std::string error;
  // Whether the receiver may have taken the message, also where it did not say so.
  bool may_have_arrived = false;
};

// Thread-safe: one instance serves every notifier of its kind.
class Channel {
 public:
  virtual ~Channel() = default;

  // Blocks until the receiver answered, or the notifier's timeout has passed.
  virtual SendResult Send(const Message& message, const lapse::v1::Notifier& notifier) = 0;

  // Makes sends under way, and all later ones, end within about a second with kRetry.
  virtual void Cancel() = 0;
};

}  // namespace lapse::notifiers

#endif  // LAPSE_NOTIFIERS_CHANNEL_H_
