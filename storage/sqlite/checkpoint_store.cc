#include "storage/sqlite/checkpoint_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "storage/sqlite/checkpoint_file.h"
#include "storage/sqlite/file_errors.h"
#include "storage/sqlite/sqlite_db.h"

namespace lapse::storage {
namespace {

constexpr char kSuffix[] = ".ckpt";
constexpr char kTemporarySuffix[] = ".tmp";

std::string FileName(int partition) { return absl::StrFormat("%04d%s", partition, kSuffix); }

absl::Status CheckPartitions(const std::vector<PartitionCheckpoint>& checkpoints) {
  for (const PartitionCheckpoint& checkpoint : checkpoints) {
    if (checkpoint.partition < 0 || checkpoint.partition > kManifestPartition) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no partition ", checkpoint.partition));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ListFiles(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> paths;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    paths.push_back(it->path().string());
  }
  if (error) return FileError("list", folder, error.value());
  return paths;
}

absl::Status RemoveTemporaries(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::vector<std::string> paths, ListFiles(folder));
  for (const std::string& path : paths) {
    if (!absl::EndsWith(path, absl::StrCat(kSuffix, kTemporarySuffix))) continue;
    if (unlink(path.c_str()) != 0) return FileError("remove", path, errno);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileCheckpointStore>> FileCheckpointStore::Open(
    const std::string& folder) {
  if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return FileError("make", folder, errno);
  // Also where it is there already: whoever made it may have ended before this.
  const std::string above = std::filesystem::path(folder).parent_path().string();
  RETURN_IF_ERROR(SyncFolder(above.empty() ? "." : above));
  RETURN_IF_ERROR(RemoveTemporaries(folder));
  return std::unique_ptr<FileCheckpointStore>(new FileCheckpointStore(folder));
}

std::string FileCheckpointStore::PathOf(int partition) const {
  return absl::StrCat(folder_, "/", FileName(partition));
}

absl::Status FileCheckpointStore::Save(const std::vector<PartitionCheckpoint>& checkpoints) {
  RETURN_IF_ERROR(CheckPartitions(checkpoints));
  MutexLock lock(mutex_);
  absl::Status status = Replace(checkpoints);
  if (status.ok()) return SyncFolder(folder_);
  for (const PartitionCheckpoint& checkpoint : checkpoints) {
    // What cannot be removed now is removed by the next Open.
    unlink((PathOf(checkpoint.partition) + kTemporarySuffix).c_str());
  }
  return status;
}

absl::Status FileCheckpointStore::Replace(const std::vector<PartitionCheckpoint>& checkpoints) {
  for (const PartitionCheckpoint& checkpoint : checkpoints) {
    RETURN_IF_ERROR(WriteAndSync(PathOf(checkpoint.partition) + kTemporarySuffix,
                                 EncodeCheckpoint(checkpoint)));
  }
  for (const PartitionCheckpoint& checkpoint : checkpoints) {
    const std::string path = PathOf(checkpoint.partition);
    if (rename((path + kTemporarySuffix).c_str(), path.c_str()) != 0) {
      return FileError("replace", path, errno);
    }
  }
  return absl::OkStatus();
}

absl::Status FileCheckpointStore::Load(absl::FunctionRef<absl::Status(PartitionCheckpoint)> visit) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(const std::vector<std::string> paths, ListFiles(folder_));
  for (const std::string& path : paths) {
    if (!absl::EndsWith(path, kSuffix)) continue;
    ASSIGN_OR_RETURN(PartitionCheckpoint checkpoint, LoadFile(path));
    RETURN_IF_ERROR(visit(std::move(checkpoint)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<PartitionCheckpoint>> FileCheckpointStore::LoadPartition(
    int partition) {
  const std::string path = PathOf(partition);
  if (access(path.c_str(), F_OK) != 0 && errno == ENOENT) return std::nullopt;
  ASSIGN_OR_RETURN(PartitionCheckpoint checkpoint, LoadFile(path));
  return checkpoint;
}

absl::StatusOr<PartitionCheckpoint> FileCheckpointStore::LoadFile(const std::string& path) const {
  ASSIGN_OR_RETURN(const std::string bytes, ReadWholeFile(path));
  ASSIGN_OR_RETURN(PartitionCheckpoint checkpoint, DecodeCheckpoint(path, bytes));
  if (std::filesystem::path(path).filename() != FileName(checkpoint.partition)) {
    return DamagedFile(path, absl::StrCat("it is of partition ", checkpoint.partition));
  }
  return checkpoint;
}

}  // namespace lapse::storage
