#include "storage/sqlite/log_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "storage/sqlite/chunk_file.h"
#include "storage/sqlite/file_errors.h"
#include "storage/sqlite/file_io.h"
#include "storage/sqlite/sqlite_db.h"

namespace lapse::storage {
namespace {

namespace fs = std::filesystem;

constexpr char kChunkExtension[] = ".db";
constexpr char kSealedExtension[] = ".sealed";
constexpr char kLostExtension[] = ".lost";

// The number of a log file's name, 0 for any other name.
int NumberOf(const fs::path& path, const char* extension) {
  int number = 0;
  const std::string stem = path.stem().string();
  if (path.extension() != extension || stem.size() < 6 || !absl::SimpleAtoi(stem, &number))
    return 0;
  return number;
}

// Whether `path` was left by a crash: a file in the making, or what belonged to a file that is
// gone.
bool IsLeftover(const fs::path& path) {
  const std::string name = path.string();
  const std::string file = path.filename().string();
  if (absl::StrContains(file, ".db.tmp") || absl::EndsWith(file, ".sealed.tmp")) return true;
  for (const char* suffix : {"-wal", "-shm"}) {
    if (absl::EndsWith(name, suffix)) return !fs::exists(name.substr(0, name.size() - 4));
  }
  return false;
}

std::string NameOf(const LostRange& lost) {
  return absl::StrCat(lost.first, "-", lost.last, kLostExtension);
}

std::optional<LostRange> LostRangeOf(const fs::path& path) {
  if (path.extension() != kLostExtension) return std::nullopt;
  const std::vector<std::string> ends = absl::StrSplit(path.stem().string(), '-');
  LostRange lost;
  if (ends.size() != 2 || !absl::SimpleAtoi(ends[0], &lost.first) ||
      !absl::SimpleAtoi(ends[1], &lost.last))
    return std::nullopt;
  return lost;
}

}  // namespace

absl::Status LogFolder::Prepare() const {
  std::error_code error;
  fs::create_directory(path_, error);
  // access() tells a file system that is mounted read-only, also to root.
  if (error || ::access(path_.c_str(), R_OK | W_OK | X_OK) != 0) return ReadOnlyFile(path_);
  // Also where it is there already: whoever made it may have ended before this.
  return SyncFolderOf(path_);
}

absl::StatusOr<LogFolder::Contents> LogFolder::List() const {
  Contents contents;
  std::error_code error;
  for (const auto& item : fs::directory_iterator(path_, error)) {
    if (IsLeftover(item.path())) contents.leftovers.push_back(item.path().string());
    if (const int number = NumberOf(item.path(), kChunkExtension); number > 0)
      contents.files[number].has_chunk_file = true;
    if (const int number = NumberOf(item.path(), kSealedExtension); number > 0)
      contents.files[number].has_sealed_file = true;
    if (const auto lost = LostRangeOf(item.path())) contents.lost.push_back(*lost);
  }
  if (error) return absl::InternalError(absl::StrCat(path_, ": ", error.message()));
  return contents;
}

void LogFolder::RemoveLeftovers(const Contents& contents) {
  std::error_code error;
  for (const std::string& path : contents.leftovers) fs::remove(path, error);
}

absl::Status LogFolder::AddLost(const LostRange& lost) const {
  const std::string path = absl::StrCat(path_, "/", NameOf(lost));
  ASSIGN_OR_RETURN(const OpenFile file, OpenFile::Open(path, O_WRONLY | O_CREAT));
  RETURN_IF_ERROR(file.Sync());
  return SyncFolderOf(path);
}

void LogFolder::ForgetLostBefore(LogPosition first) const {
  std::error_code error;
  std::vector<fs::path> forgotten;
  for (const auto& item : fs::directory_iterator(path_, error)) {
    const auto lost = LostRangeOf(item.path());
    if (lost && lost->last < first) forgotten.push_back(item.path());
  }
  for (const auto& path : forgotten) fs::remove(path, error);
}

std::string LogFolder::ChunkFilePath(int number) const {
  return absl::StrCat(path_, "/", absl::StrFormat("%06d", number), kChunkExtension);
}

std::string LogFolder::SealedFilePath(int number) const {
  return absl::StrCat(path_, "/", absl::StrFormat("%06d", number), kSealedExtension);
}

std::string LogFolder::AcknowledgedPath() const { return absl::StrCat(path_, "/acknowledged"); }

absl::Status HeldFile::Remove() {
  readers_.Forget(path_);
  std::error_code error;
  fs::remove(path_, error);
  if (error) return FileError("remove", path_, error.value());
  RemoveChunkFile(path_);
  return absl::OkStatus();
}

HeldFile::~HeldFile() {
  if (!doomed_) return;
  readers_.Forget(path_);
  RemoveChunkFile(path_);
}

}  // namespace lapse::storage
