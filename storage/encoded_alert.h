// An alert on its way to the disk: serialized once, and parsed again only where notifiers are told.
#ifndef LAPSE_STORAGE_ENCODED_ALERT_H_
#define LAPSE_STORAGE_ENCODED_ALERT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "lapse/v1/alert.pb.h"

namespace lapse::storage {

// What a store decides by, beside the bytes of the whole.
class EncodedAlert {
 public:
  EncodedAlert() = default;
  // Serializes it. Implicit, so that an alert can stand where an encoded one is asked for.
  EncodedAlert(const lapse::v1::Alert& alert);  // NOLINT(google-explicit-constructor)
  // An alert that is encoded in parts: what was serialized of it, and the bytes of its other
  // fields. `name`, `version` and `state` are all in `some`.
  EncodedAlert(const lapse::v1::Alert& some, bool has_notifiers, std::string bytes);

  const std::string& name() const { return name_; }
  int64_t version() const { return version_; }
  lapse::v1::Alert::State state() const { return state_; }
  bool has_notifiers() const { return has_notifiers_; }
  // A serialized lapse.v1.Alert; its fields are in any order.
  const std::string& bytes() const { return bytes_; }

  // INTERNAL for bytes that are no alert: whoever encoded it is wrong.
  absl::StatusOr<lapse::v1::Alert> Parse() const;

 private:
  std::string name_;
  int64_t version_ = 0;
  lapse::v1::Alert::State state_ = lapse::v1::Alert::STATE_UNSPECIFIED;
  bool has_notifiers_ = false;
  std::string bytes_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_ENCODED_ALERT_H_
