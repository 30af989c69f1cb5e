#include "storage/chunk_store_errors.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace lapse::storage {

bool IsDiskFull(const absl::Status& status) {
  return absl::IsResourceExhausted(status) && DetailsOf(status).reason == "DISK_FULL";
}

absl::Status LogStopped(const absl::Status& cause) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "LOG_STOPPED",
      absl::StrCat(
          "the event log stopped writing, since what is on disk is uncertain after an error; "
          "restart the server. The error: ",
          cause.message()));
}

absl::Status CheckComesNext(const LogEntry& entry, LogPosition position, int64_t first_sequence) {
  if (entry.position != position || entry.first_sequence != first_sequence) {
    return absl::InternalError(absl::StrCat("entry at position ", entry.position, ", sequence ",
                                            entry.first_sequence, "; expected position ", position,
                                            ", sequence ", first_sequence));
  }
  for (size_t i = 0; i < entry.events.size(); ++i) {
    if (entry.events[i].sequence == first_sequence + static_cast<int64_t>(i)) continue;
    return absl::InternalError(absl::StrCat("sequences with a gap at position ", position));
  }
  return absl::OkStatus();
}

absl::Status BeforeFirstPosition(LogPosition from, LogPosition first) {
  return MakeError(absl::StatusCode::kOutOfRange, "LOG_RETIRED",
                   absl::StrCat("position ", from,
                                " of the event log is no longer kept; the oldest kept is ", first));
}

}  // namespace lapse::storage
