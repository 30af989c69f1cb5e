#include "storage/sqlite/data_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "storage/sqlite/file_errors.h"

namespace lapse::storage {
namespace {

constexpr char kLockFile[] = "/LOCK";
constexpr size_t kMaxPidBytes = 32;

absl::Status NotAFolder(const std::string& path) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "DATA_FOLDER_NOT_A_FOLDER",
                   absl::StrCat(path, " is not a folder: choose another data folder"));
}

absl::Status SyncFolder(const std::filesystem::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const int code = errno;
  if (fd >= 0) close(fd);
  return synced ? absl::OkStatus() : FileError("sync", path.string(), code);
}

// Makes the names of folders that were just made durable: what is synced in a folder whose name is
// lost is lost with it.
absl::Status SyncNames(const std::filesystem::path& folder,
                       const std::vector<std::filesystem::path>& made) {
  for (const std::filesystem::path& one : made) RETURN_IF_ERROR(SyncFolder(one.parent_path()));
  if (!made.empty()) return absl::OkStatus();
  // Whoever made it may have ended before this.
  const absl::Status status = SyncFolder(folder.parent_path());
  // A folder above that may not be read is another user's, and so is the name in it.
  return absl::IsFailedPrecondition(status) ? absl::OkStatus() : status;
}

absl::Status MakeFolder(const std::string& path) {
  std::error_code error;
  std::vector<std::filesystem::path> missing;
  std::filesystem::path folder = std::filesystem::absolute(path, error).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  for (std::filesystem::path up = folder;
       up.has_relative_path() && !std::filesystem::exists(up, error); up = up.parent_path()) {
    missing.push_back(up);
  }
  std::filesystem::create_directories(path, error);
  if (error.value() == ENOTDIR || error.value() == EEXIST) return NotAFolder(path);
  if (error) return FileError("make", path, error.value());
  if (!std::filesystem::is_directory(path, error)) return NotAFolder(path);
  if (access(path.c_str(), W_OK | X_OK) != 0) return FileError("write to", path, errno);
  return SyncNames(folder, missing);
}

absl::Status InUse(const std::string& path, int lock_fd) {
  char pid[kMaxPidBytes];
  const ssize_t size = pread(lock_fd, pid, sizeof(pid), 0);
  const absl::string_view text =
      absl::StripAsciiWhitespace(absl::string_view(pid, size > 0 ? static_cast<size_t>(size) : 0));
  return MakeError(absl::StatusCode::kFailedPrecondition, "DATA_FOLDER_IN_USE",
                   absl::StrCat("the data folder ", path, " is in use by another server, process ",
                                text.empty() ? "unknown" : text,
                                ": stop that one, or choose another data folder"));
}

absl::Status TakeLock(const std::string& path, int lock_fd) {
  if (flock(lock_fd, LOCK_EX | LOCK_NB) != 0) {
    return errno == EWOULDBLOCK ? InUse(path, lock_fd) : FileError("lock", path + kLockFile, errno);
  }
  const std::string pid = absl::StrCat(getpid(), "\n");
  if (ftruncate(lock_fd, 0) != 0 ||
      pwrite(lock_fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return FileError("write", path + kLockFile, errno);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataFolder>> DataFolder::Open(const std::string& path) {
  RETURN_IF_ERROR(MakeFolder(path));
  const std::string lock_path = path + kLockFile;
  const int fd = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return FileError("open", lock_path, errno);
  std::unique_ptr<DataFolder> folder(new DataFolder(path, fd));
  RETURN_IF_ERROR(TakeLock(path, fd));
  return folder;
}

// Closing lets go of the lock. The file stays: were it removed, two servers could each lock a file
// of that name.
DataFolder::~DataFolder() { close(lock_fd_); }

}  // namespace lapse::storage
