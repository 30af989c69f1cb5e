// Brings the duplicate window back at start.
#ifndef LAPSE_STORAGE_DUPLICATE_WINDOW_RECOVERY_H_
#define LAPSE_STORAGE_DUPLICATE_WINDOW_RECOVERY_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "storage/chunk_store.h"
#include "storage/duplicate_window.h"

namespace lapse::storage {

// Fills `window`, which recognises the last `capacity` events, with what was accepted until now:
// from the file at `path` (none where empty) and the log after it, or from the log alone where the
// file is missing, damaged or not of this log. What is damaged is logged and shortens the reach; it
// does not stop the start.
absl::Status RecoverDuplicateWindow(const std::string& path, const ChunkStore& store,
                                    size_t capacity, int64_t now_us, DuplicateWindow& window);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_DUPLICATE_WINDOW_RECOVERY_H_
