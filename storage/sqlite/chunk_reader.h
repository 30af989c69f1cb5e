// Reads files of the event log, on connections of their own and in short transactions, beside the
// writer.
#ifndef LAPSE_STORAGE_SQLITE_CHUNK_READER_H_
#define LAPSE_STORAGE_SQLITE_CHUNK_READER_H_

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "storage/chunk_store.h"
#include "storage/sealed_entry.h"
#include "storage/sqlite/sqlite_db.h"

namespace lapse::storage {

// One connection to one file. Used by one thread at a time; no call leaves a transaction open.
class ChunkReader {
 public:
  static absl::StatusOr<std::unique_ptr<ChunkReader>> Open(const std::string& path);

  // Some of the entries from `from` to `to`, in order and without a gap from `from` on: at least
  // one, where from <= to. What comes before a damaged or missing entry is returned; where that is
  // the first, DATA_LOSS names file and positions.
  absl::StatusOr<std::vector<std::unique_ptr<LogEntry>>> Read(LogPosition from, LogPosition to);
  // The same, as they are sealed; the transaction lasts while they are decoded.
  absl::StatusOr<std::vector<SealedEntry>> ReadToSeal(LogPosition from, LogPosition to);

  const std::string& path() const { return db_->path(); }

 private:
  explicit ChunkReader(std::unique_ptr<SqliteDb> db) : db_(std::move(db)) {}
  absl::Status Prepare();

  std::unique_ptr<SqliteDb> db_;
  SqliteStatement read_;
};

// Thread-safe. Keeps a few readers open for the next who needs them.
class ChunkReaderPool {
 public:
  // A reader, given back at the end.
  class Lease {
   public:
    Lease(ChunkReaderPool& pool, std::unique_ptr<ChunkReader> reader)
        : pool_(&pool), reader_(std::move(reader)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (reader_ != nullptr) pool_->GiveBack(std::move(reader_));
    }
    ChunkReader* operator->() const { return reader_.get(); }

   private:
    ChunkReaderPool* pool_;
    std::unique_ptr<ChunkReader> reader_;
  };

  absl::StatusOr<Lease> Take(const std::string& path);
  // Closes the idle readers of a file.
  void Forget(const std::string& path);

 private:
  void GiveBack(std::unique_ptr<ChunkReader> reader);

  Mutex mutex_;
  // The one used last in front.
  std::list<std::unique_ptr<ChunkReader>> idle_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_CHUNK_READER_H_
