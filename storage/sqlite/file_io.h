// Files that are no databases: opened, read and written whole or in parts. Errors as FileError has
// them.
#ifndef LAPSE_STORAGE_SQLITE_FILE_IO_H_
#define LAPSE_STORAGE_SQLITE_FILE_IO_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lapse::storage {

// An open file, closed at the end. Reading and writing at given places is thread-safe.
class OpenFile {
 public:
  // `flags` as for open(2), without O_CLOEXEC.
  static absl::StatusOr<OpenFile> Open(const std::string& path, int flags);
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&& other) noexcept;
  ~OpenFile();

  absl::StatusOr<int64_t> SizeBytes() const;
  // Fewer bytes at the end of the file.
  absl::StatusOr<std::string> ReadAt(int64_t offset, int64_t size) const;
  absl::Status WriteAt(int64_t offset, absl::string_view bytes) const;
  absl::Status Sync() const;
  // Has the system begin to write what was written so far, so that Sync has little left to do.
  void StartWriting(int64_t offset, int64_t size) const;

  const std::string& path() const { return path_; }

 private:
  OpenFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_ = -1;
};

// Writes the file's bytes anew where they are and syncs them; needs no space. For what an earlier
// process wrote: it may be in the system's cache alone, where a sync of it failed, and no later
// sync would tell. OK where there is no such file.
absl::Status WriteAnew(const std::string& path);

// Makes what was created, renamed or removed in the folder durable.
absl::Status SyncFolderOf(const std::string& path);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_FILE_IO_H_
