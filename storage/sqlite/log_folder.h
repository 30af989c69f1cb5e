// The folder of the log's files: which there are, and what is left of a crash.
#ifndef LAPSE_STORAGE_SQLITE_LOG_FOLDER_H_
#define LAPSE_STORAGE_SQLITE_LOG_FOLDER_H_

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/log_entry.h"
#include "storage/sqlite/chunk_reader.h"

namespace lapse::storage {

// Positions that are gone, both ends included.
struct LostRange {
  LogPosition first = 0;
  LogPosition last = 0;
};

class LogFolder {
 public:
  explicit LogFolder(std::string path) : path_(std::move(path)) {}

  // Makes the folder where it is missing. FAILED_PRECONDITION, reason DATA_FOLDER_READ_ONLY.
  absl::Status Prepare() const;

  struct Names {
    bool has_chunk_file = false;
    bool has_sealed_file = false;
  };
  struct Contents {
    // By number.
    std::map<int, Names> files;
    // Losses that were accepted at an earlier start.
    std::vector<LostRange> lost;
    // What a crash left behind: files in the making, and what belonged to a file that is gone.
    std::vector<std::string> leftovers;
  };
  absl::StatusOr<Contents> List() const;
  // Where `contents` turned out to be all that is needed.
  static void RemoveLeftovers(const Contents& contents);

  // Remembers that the loss is accepted.
  absl::Status AddLost(const LostRange& lost) const;
  // Forgets losses that lie before `first` altogether.
  void ForgetLostBefore(LogPosition first) const;

  std::string ChunkFilePath(int number) const;
  std::string SealedFilePath(int number) const;
  std::string AcknowledgedPath() const;

 private:
  std::string path_;
};

// A file that is in use. Where it is doomed it is removed when its last user is done.
class HeldFile {
 public:
  // `readers` outlives it.
  HeldFile(std::string path, ChunkReaderPool& readers)
      : path_(std::move(path)), readers_(readers) {}
  ~HeldFile();
  HeldFile(const HeldFile&) = delete;
  HeldFile& operator=(const HeldFile&) = delete;

  void Doom() { doomed_ = true; }
  // Removes it now, by its only user.
  absl::Status Remove();
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  ChunkReaderPool& readers_;
  std::atomic<bool> doomed_ = false;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_LOG_FOLDER_H_
