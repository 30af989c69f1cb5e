// The folder that holds all data of one server, and the lock that keeps a second server out of it.
#ifndef LAPSE_STORAGE_SQLITE_DATA_FOLDER_H_
#define LAPSE_STORAGE_SQLITE_DATA_FOLDER_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace lapse::storage {

// Holds the lock as long as it lives; the system lets go of it when the process ends in any way.
class DataFolder {
 public:
  // Makes the folder, and those above it, where they are missing, and locks its file LOCK, which
  // names the process. FAILED_PRECONDITION, reason DATA_FOLDER_IN_USE (naming the folder and the
  // process that has it), DATA_FOLDER_READ_ONLY or DATA_FOLDER_NOT_A_FOLDER; RESOURCE_EXHAUSTED,
  // reason DISK_FULL.
  static absl::StatusOr<std::unique_ptr<DataFolder>> Open(const std::string& path);
  ~DataFolder();
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  DataFolder(std::string path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}

  const std::string path_;
  const int lock_fd_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_DATA_FOLDER_H_
