#include "storage/sqlite/checkpoint_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/status_macros.h"
#include "storage/sqlite/file_errors.h"
#include "storage/sqlite/sqlite_db.h"
#include "xxhash.h"

namespace lapse::storage {
namespace {

constexpr char kMagic[8] = {'L', 'A', 'P', 'S', 'C', 'K', 'P', 'T'};
constexpr uint32_t kVersion = 1;

// As it stands in the file; the machines we run on are little-endian.
struct Header {
  char magic[8];
  uint32_t version;
  uint32_t partition;
  int64_t position;
  uint64_t length;
  uint64_t checksum;
};
static_assert(sizeof(Header) == 40);
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

// Of the header before its checksum, and of the state.
uint64_t ChecksumOf(const Header& header, absl::string_view state) {
  return XXH3_64bits_withSeed(state.data(), state.size(),
                              XXH3_64bits(&header, offsetof(Header, checksum)));
}

// Closes a file descriptor that nothing more is expected of.
class FileCloser {
 public:
  explicit FileCloser(int fd) : fd_(fd) {}
  ~FileCloser() { close(fd_); }
  FileCloser(const FileCloser&) = delete;
  FileCloser& operator=(const FileCloser&) = delete;

 private:
  const int fd_;
};

absl::Status WriteAll(int fd, const std::string& path, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError("write", path, errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status CheckHeader(absl::string_view path, const Header& header, absl::string_view state) {
  if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0) {
    return DamagedFile(path, "it does not begin as a checkpoint does");
  }
  if (header.version > kVersion) {
    return NewerFile(path, static_cast<int>(header.version), static_cast<int>(kVersion));
  }
  if (header.length != state.size()) return DamagedFile(path, "its length is wrong");
  if (header.checksum != ChecksumOf(header, state)) {
    return DamagedFile(path, "it does not match its checksum");
  }
  return absl::OkStatus();
}

}  // namespace

std::string EncodeCheckpoint(const PartitionCheckpoint& checkpoint) {
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.version = kVersion;
  header.partition = static_cast<uint32_t>(checkpoint.partition);
  header.position = checkpoint.position;
  header.length = checkpoint.state.size();
  header.checksum = ChecksumOf(header, checkpoint.state);
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
  bytes += checkpoint.state;
  return bytes;
}

absl::StatusOr<PartitionCheckpoint> DecodeCheckpoint(absl::string_view path,
                                                     absl::string_view bytes) {
  Header header;
  if (bytes.size() < sizeof(header)) return DamagedFile(path, "it is cut short");
  std::memcpy(&header, bytes.data(), sizeof(header));
  const absl::string_view state = bytes.substr(sizeof(header));
  RETURN_IF_ERROR(CheckHeader(path, header, state));
  return PartitionCheckpoint{static_cast<int>(header.partition), header.position,
                             std::string(state)};
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FileError("open", path, errno);
  const FileCloser closer(fd);
  struct stat info;
  if (fstat(fd, &info) != 0) return FileError("read", path, errno);
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  size_t read_bytes = 0;
  while (read_bytes < bytes.size()) {
    const ssize_t size = read(fd, bytes.data() + read_bytes, bytes.size() - read_bytes);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return FileError("read", path, errno);
    if (size == 0) break;
    read_bytes += static_cast<size_t>(size);
  }
  bytes.resize(read_bytes);
  return bytes;
}

absl::Status WriteAndSync(const std::string& path, absl::string_view bytes) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return FileError("open", path, errno);
  const FileCloser closer(fd);
  RETURN_IF_ERROR(WriteAll(fd, path, bytes));
  if (fsync(fd) != 0) return FileError("sync", path, errno);
  return absl::OkStatus();
}

absl::Status SyncFolder(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return FileError("open", path, errno);
  const FileCloser closer(fd);
  if (fsync(fd) != 0) return FileError("sync", path, errno);
  return absl::OkStatus();
}

}  // namespace lapse::storage
