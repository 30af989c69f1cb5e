#include "storage/sqlite/file_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/status_macros.h"
#include "storage/sqlite/file_errors.h"

namespace lapse::storage {

absl::StatusOr<OpenFile> OpenFile::Open(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (fd < 0) return FileError("open", path, errno);
  return OpenFile(path, fd);
}

OpenFile::OpenFile(OpenFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

OpenFile::~OpenFile() {
  if (fd_ >= 0) ::close(fd_);
}

absl::StatusOr<int64_t> OpenFile::SizeBytes() const {
  struct stat info;
  if (::fstat(fd_, &info) != 0) return FileError("read", path_, errno);
  return static_cast<int64_t>(info.st_size);
}

absl::StatusOr<std::string> OpenFile::ReadAt(int64_t offset, int64_t size) const {
  std::string bytes(size, '\0');
  int64_t done = 0;
  while (done < size) {
    const ssize_t read = ::pread(fd_, bytes.data() + done, size - done, offset + done);
    if (read < 0 && errno == EINTR) continue;
    if (read < 0) return FileError("read", path_, errno);
    if (read == 0) break;
    done += read;
  }
  bytes.resize(done);
  return bytes;
}

absl::Status OpenFile::WriteAt(int64_t offset, absl::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError("write", path_, errno);
    bytes.remove_prefix(written);
    offset += written;
  }
  return absl::OkStatus();
}

absl::Status OpenFile::Sync() const {
  return ::fsync(fd_) == 0 ? absl::OkStatus() : FileError("sync", path_, errno);
}

void OpenFile::StartWriting(int64_t offset, int64_t size) const {
  // What it cannot begin is written by Sync.
  (void)::sync_file_range(fd_, offset, size, SYNC_FILE_RANGE_WRITE);
}

absl::Status WriteAnew(const std::string& path) {
  constexpr int64_t kPartBytes = 1 << 20;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const OpenFile file, OpenFile::Open(path, O_RDWR));
  ASSIGN_OR_RETURN(const int64_t size, file.SizeBytes());
  for (int64_t offset = 0; offset < size; offset += kPartBytes) {
    ASSIGN_OR_RETURN(const std::string part, file.ReadAt(offset, kPartBytes));
    RETURN_IF_ERROR(file.WriteAt(offset, part));
  }
  return file.Sync();
}

absl::Status SyncFolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  ASSIGN_OR_RETURN(const OpenFile file, OpenFile::Open(folder, O_RDONLY | O_DIRECTORY));
  return file.Sync();
}

}  // namespace lapse::storage
