#include "storage/encoded_alert.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace lapse::storage {

using lapse::v1::Alert;

EncodedAlert::EncodedAlert(const Alert& alert)
    : EncodedAlert(alert, alert.notifiers_size() > 0, alert.SerializeAsString()) {}

EncodedAlert::EncodedAlert(const Alert& some, bool has_notifiers, std::string bytes)
    : name_(some.name()),
      version_(some.version()),
      state_(some.state()),
      has_notifiers_(has_notifiers),
      bytes_(std::move(bytes)) {}

absl::StatusOr<Alert> EncodedAlert::Parse() const {
  Alert alert;
  if (alert.ParseFromString(bytes_)) return alert;
  return absl::InternalError(absl::StrCat("what was encoded as ", name_, " is no alert"));
}

}  // namespace lapse::storage
