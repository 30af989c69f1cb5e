// The ChunkStore in files: `log/000001.sealed`, `log/000002.db` and so on. The last is an SQLite
// database that is appended to; those before it are sealed one by one, and until then databases
// too.
#ifndef LAPSE_STORAGE_SQLITE_CHUNK_STORE_H_
#define LAPSE_STORAGE_SQLITE_CHUNK_STORE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "storage/chunk_store.h"
#include "storage/live_chunk_index.h"
#include "storage/sqlite/acknowledged_file.h"
#include "storage/sqlite/chunk_file.h"
#include "storage/sqlite/chunk_reader.h"
#include "storage/sqlite/log_folder.h"
#include "storage/sqlite/seal_job.h"
#include "storage/sqlite/sealed_file.h"

namespace lapse::storage {

struct SqliteChunkStoreOptions {
  // The data folder; exists. The log lies in its subfolder `log`, which is made where it is
  // missing.
  std::string folder;
  // A file is followed by the next when it has reached this size.
  int64_t file_bytes = limits::kLogFileBytes;
  // Goes on where a part of the log is damaged or missing: Open and Read leave it out, log what is
  // lost, and remember it, so that later ones leave it out too.
  bool accept_loss = false;
  // Otherwise full files stay as they are.
  bool seal_files = true;
  // Of full files that are not sealed yet.
  int64_t max_unsealed_wal_bytes = limits::kMaxUnsealedWalBytes;
};

// The live file is never checkpointed, so that no commit waits for a checkpoint. Threads of the
// store's own open the next file ahead and seal files that are full, with little of the machine
// unless more than limits::kMaxUnsealedFiles wait.
class SqliteChunkStore : public ChunkStore {
 public:
  // FAILED_PRECONDITION, reason DATA_FOLDER_NEWER or DATA_FOLDER_READ_ONLY; DATA_LOSS, reason
  // DATA_FOLDER_DAMAGED, naming the file. Nothing is changed then. A sealed file that is damaged is
  // logged and left out: it is of Read to tell whether it is needed.
  static absl::StatusOr<std::unique_ptr<SqliteChunkStore>> Open(
      const SqliteChunkStoreOptions& options);
  ~SqliteChunkStore() override;

  absl::Status Append(const LogEntry& entry) override;
  LogPosition LastPosition() const override;
  int64_t NextSequence() const override;
  LogPosition FirstPosition() const override;
  int64_t LastMarkTimeUs() const override;
  absl::Status Read(LogPosition from, LogVisitor visit) const override;
  LogPosition LastStoredWith(LogPosition position) const override;
  // A file that is being read stays until a later call, and so do those after it.
  absl::Status Retire(LogPosition before, int64_t older_than_us) override;
  void SetIndexedAttributes(IndexedAttributes attributes) override;
  absl::StatusOr<EventPage> List(const EventQuery& query) const override;
  uint64_t Seed() const override { return seed_; }

  // Full files that wait to be sealed.
  int UnsealedFiles() const;
  // Waits until every full file is sealed and the next is open. For tests, backups and benchmarks.
  void AwaitMaintenance();

 private:
  class Source;

  struct File {
    int number = 0;
    ChunkFileSummary summary;
    // Removes the file where it is no longer wanted.
    std::shared_ptr<HeldFile> held;
    // The file that this one was sealed from, while somebody reads it.
    std::weak_ptr<HeldFile> replaced;
    // Either of both.
    std::shared_ptr<const SealedFile> sealed;
    std::shared_ptr<LiveChunkIndex> index;
    // Of an SQLite file that is full.
    int64_t wal_bytes = 0;
    // Somebody reads it; tried again later.
    bool checkpoint_failed = false;
    // A part of it is damaged: it stays as it is.
    bool unsealable = false;
    // Version 1 is not appended to.
    int version = kChunkFileVersion;

    const std::string& path() const { return held->path(); }
  };

  explicit SqliteChunkStore(const SqliteChunkStoreOptions& options);

  // Opening.
  absl::Status OpenFiles(const LogFolder::Contents& contents);
  absl::StatusOr<std::optional<File>> OpenSealed(int number, bool has_chunk_file);
  absl::StatusOr<std::optional<File>> OpenChunkFile(int number, bool is_last);
  absl::Status CheckSeed(const File& file, uint64_t seed);
  absl::Status CheckContinuity(const File& file);
  absl::Status CheckEnd() const;
  absl::Status CheckAcknowledged();
  absl::Status AcceptLoss(const LostRange& lost, int64_t events, const absl::Status& damage) const;
  absl::Status OpenLive();
  File NewFile(int number) const;

  // Appending.
  absl::Status CheckAppend(const LogEntry& entry) const;
  void SwitchToNextIfFull();
  void NoteAppended(const LogEntry& entry, const EncodedChunk& chunk, LiveChunk live);
  std::vector<File> Snapshot() const;
  std::optional<File> TakeOldest(LogPosition before, int64_t older_than_us);
  void RemoveSetAside();

  // Reading.
  absl::StatusOr<std::vector<std::unique_ptr<LogEntry>>> ReadSome(const File& file,
                                                                  LogPosition from) const;
  // What is stored together with `position`, or missing together.
  LostRange StoredWith(LogPosition position) const;
  // OK where the loss of `lost` is accepted, now or earlier.
  absl::Status PassOver(const absl::Status& damage, const LostRange& lost) const;
  bool IsAccepted(const LostRange& lost) const;

  // Maintenance. With mutex_ held by `lock`, which is released meanwhile. False where there is
  // nothing to do for now.
  void MaintenanceLoop();
  bool DoMaintenance(MutexLock& lock);
  void OpenNext(MutexLock& lock);
  bool CheckpointOldest(MutexLock& lock);
  void SealerLoop();
  bool SealNext(MutexLock& lock);
  absl::Status SealFile(const File& file, const IndexedAttributes& indexed);
  absl::StatusOr<bool> RunJob(SealJob& job, bool urgent) const;
  absl::Status Swap(const File& sealed_one);
  // The first that can be sealed, or null.
  File* Sealable();
  int UnsealedLocked() const;
  File* Find(int number);

  const SqliteChunkStoreOptions options_;
  const LogFolder folder_;
  uint64_t seed_ = 0;
  mutable ChunkReaderPool readers_;

  // The appending thread alone.
  std::unique_ptr<ChunkWriter> writer_;
  std::optional<AcknowledgedFile> acknowledged_;
  absl::Status stopped_;
  // Opening alone: of an SQLite file that is set aside, where none with entries came after it yet.
  absl::Status damage_at_end_;
  // Of an empty live file, that of the first entry it will have.
  LogPosition start_position_ = 1;
  int64_t start_sequence_ = 1;
  int64_t start_mark_time_us_ = 0;

  mutable Mutex mutex_;
  // By number; the last is the live one.
  std::vector<File> files_;
  // Losses that are accepted.
  mutable std::vector<LostRange> lost_;
  // Files that are damaged altogether, by number.
  std::set<int> set_aside_;
  std::shared_ptr<const IndexedAttributes> indexed_ = std::make_shared<IndexedAttributes>();
  // The file that follows the live one, ready.
  std::unique_ptr<ChunkWriter> next_writer_;
  int next_number_ = 0;
  // Writers of full files, to be closed by another thread than the appending one.
  std::vector<std::unique_ptr<ChunkWriter>> old_writers_;
  // A failure is tried again when an Append wants it next.
  bool next_failed_ = false;
  bool seal_failed_ = false;
  std::atomic<bool> closing_ = false;
  bool maintaining_ = false;
  bool sealing_ = false;
  CondVar maintenance_;
  CondVar sealer_;
  CondVar idle_;
  std::thread thread_;
  std::thread sealer_thread_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_CHUNK_STORE_H_
