// The errors that every ChunkStore gives alike.
#ifndef LAPSE_STORAGE_CHUNK_STORE_ERRORS_H_
#define LAPSE_STORAGE_CHUNK_STORE_ERRORS_H_

#include "absl/status/status.h"
#include "storage/chunk_store.h"

namespace lapse::storage {

// Whether a failed Append left the store able to append again.
bool IsDiskFull(const absl::Status& status);

// FAILED_PRECONDITION, reason LOG_STOPPED: `cause` made the state on disk uncertain.
absl::Status LogStopped(const absl::Status& cause);

// INTERNAL where `entry` is not the one that comes next, or its sequences are not consecutive: a
// mistake of the caller.
absl::Status CheckComesNext(const LogEntry& entry, LogPosition position, int64_t first_sequence);

// OUT_OF_RANGE, reason LOG_RETIRED.
absl::Status BeforeFirstPosition(LogPosition from, LogPosition first);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_CHUNK_STORE_ERRORS_H_
