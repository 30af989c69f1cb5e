#include "storage/sqlite/file_errors.h"

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "storage/sqlite/sqlite_db.h"

namespace lapse::storage {

absl::Status FileError(absl::string_view doing, absl::string_view path, int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return Overloaded(kDiskFull, absl::StrCat("the disk is full: cannot ", doing, " ", path),
                        limits::kMicrosPerSecond);
    case EACCES:
    case EPERM:
    case EROFS:
      return ReadOnlyFile(path);
    default:
      return MakeError(absl::StatusCode::kInternal, "FILE_ERROR",
                       absl::StrCat("cannot ", doing, " ", path, ": ",
                                    std::generic_category().message(error_number)));
  }
}

}  // namespace lapse::storage
