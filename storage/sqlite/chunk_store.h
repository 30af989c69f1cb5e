// The ChunkStore in files: `log/000001.db`, `log/000002.db` and so on, each an SQLite database.
#ifndef LAPSE_STORAGE_SQLITE_CHUNK_STORE_H_
#define LAPSE_STORAGE_SQLITE_CHUNK_STORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "storage/chunk_store.h"
#include "storage/sqlite/chunk_file.h"
#include "storage/sqlite/chunk_reader.h"

namespace lapse::storage {

struct SqliteChunkStoreOptions {
  // The data folder; exists. The log lies in its subfolder `log`, which is made where it is
  // missing.
  std::string folder;
  // A file is followed by the next when it has reached this size.
  int64_t file_bytes = limits::kLogFileBytes;
};

// The live file is never checkpointed, so that no commit waits for a checkpoint. A thread of the
// store's own opens the next file ahead, and closes and checkpoints files that are full.
class SqliteChunkStore : public ChunkStore {
 public:
  // FAILED_PRECONDITION, reason DATA_FOLDER_NEWER or DATA_FOLDER_READ_ONLY; DATA_LOSS, reason
  // DATA_FOLDER_DAMAGED, naming the file. Nothing is changed then.
  static absl::StatusOr<std::unique_ptr<SqliteChunkStore>> Open(
      const SqliteChunkStoreOptions& options);
  ~SqliteChunkStore() override;

  absl::Status Append(const LogEntry& entry) override;
  LogPosition LastPosition() const override;
  int64_t NextSequence() const override;
  LogPosition FirstPosition() const override;
  int64_t LastMarkTimeUs() const override;
  absl::Status Read(LogPosition from, LogVisitor visit) const override;
  // A file that is being read stays until a later call, and so do those after it.
  absl::Status Retire(LogPosition before, int64_t older_than_us) override;
  void SetIndexedAttributes(IndexedAttributes attributes) override;
  absl::StatusOr<EventPage> List(const EventQuery& query) const override;
  uint64_t Seed() const override { return seed_; }

  // Waits until every full file is checkpointed and the next is open. For tests and backups.
  void AwaitMaintenance();

 private:
  class Source;

  struct File {
    int number = 0;
    std::string path;
    ChunkFileSummary summary;
    bool sealed = false;
    // Shared by those who read the file just now.
    std::shared_ptr<const bool> in_use = std::make_shared<bool>();
  };

  explicit SqliteChunkStore(const SqliteChunkStoreOptions& options);

  std::string PathOf(int number) const;
  absl::Status PrepareFolder();
  absl::StatusOr<std::vector<int>> ListFiles();
  absl::Status OpenFiles();
  absl::Status CheckContinuity(const File& file) const;
  absl::Status OpenLive();

  absl::Status CheckAppend(const LogEntry& entry) const;
  void SwitchToNextIfFull();
  void NoteAppended(const LogEntry& entry, const EncodedChunk& chunk);
  std::vector<File> Snapshot() const;

  void MaintenanceLoop();
  // With mutex_ held by `lock`, which is released meanwhile. False where there is nothing to do for
  // now.
  bool DoMaintenance(MutexLock& lock);
  void OpenNext(MutexLock& lock);
  void SealFile(size_t index, MutexLock& lock);

  const SqliteChunkStoreOptions options_;
  const std::string log_folder_;
  uint64_t seed_ = 0;
  mutable ChunkReaderPool readers_;

  // The appending thread alone.
  std::unique_ptr<ChunkWriter> writer_;
  absl::Status stopped_;

  mutable Mutex mutex_;
  // By number; the last is the live one.
  std::vector<File> files_;
  IndexedAttributes indexed_;
  // The file that follows the live one, ready.
  std::unique_ptr<ChunkWriter> next_writer_;
  int next_number_ = 0;
  // A failure is tried again when an Append wants it next.
  bool next_failed_ = false;
  bool seal_failed_ = false;
  bool closing_ = false;
  bool busy_ = false;
  CondVar maintenance_;
  CondVar idle_;
  std::thread thread_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_CHUNK_STORE_H_
