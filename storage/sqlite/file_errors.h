// What an errno of a file operation means for Lapse.
#ifndef LAPSE_STORAGE_SQLITE_FILE_ERRORS_H_
#define LAPSE_STORAGE_SQLITE_FILE_ERRORS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace lapse::storage {

// `doing` says what failed, such as "write". RESOURCE_EXHAUSTED, reason DISK_FULL;
// FAILED_PRECONDITION, reason DATA_FOLDER_READ_ONLY; otherwise INTERNAL, reason FILE_ERROR. Each
// names `path`.
absl::Status FileError(absl::string_view doing, absl::string_view path, int error_number);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_FILE_ERRORS_H_
