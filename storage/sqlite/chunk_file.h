// A file of the event log that is not sealed: its schema, its writer and how it is closed. Readers
// are in chunk_reader.h.
#ifndef LAPSE_STORAGE_SQLITE_CHUNK_FILE_H_
#define LAPSE_STORAGE_SQLITE_CHUNK_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/chunk_codec.h"
#include "storage/chunk_store.h"
#include "storage/live_chunk_index.h"
#include "storage/sqlite/chunk_file_summary.h"
#include "storage/sqlite/sqlite_db.h"

namespace lapse::storage {

// PRAGMA user_version of a log file. Version 1 had a b-tree of fingerprints; version 2 keeps them
// beside the chunk. Files of version 1 are read and sealed, and never appended to.
inline constexpr int kChunkFileVersion = 2;

// Makes an empty file, durable and whole, or nothing.
absl::Status CreateChunkFile(const std::string& path, uint64_t seed);

struct OpenedChunkFile {
  int version = 0;
  ChunkFileSummary summary;
  uint64_t seed = 0;
  std::shared_ptr<LiveChunkIndex> index;
};
// FAILED_PRECONDITION, reason DATA_FOLDER_NEWER; DATA_LOSS, reason DATA_FOLDER_DAMAGED.
absl::StatusOr<OpenedChunkFile> InspectChunkFile(const std::string& path);

// Moves the WAL into the file. Nobody may append to it any more. UNAVAILABLE where a reader is in
// the way: try again later.
absl::Status CheckpointChunkFile(const std::string& path);

// Of the file, with its WAL; 0 where it is not there.
int64_t ChunkFileBytes(const std::string& path);
int64_t WalBytes(const std::string& path);
// With all that belongs to it.
void RemoveChunkFile(const std::string& path);

// Appends to a file. Used by one thread at a time. The file is never checkpointed by it.
class ChunkWriter {
 public:
  // The file is to have about `file_bytes`; the WAL of a large one is given room for small commits
  // ahead.
  static absl::StatusOr<std::unique_ptr<ChunkWriter>> Open(const std::string& path,
                                                           int64_t file_bytes);

  // Durable when it returns OK. On error nothing is kept. `indexed` is null where the chunk has no
  // fingerprints.
  absl::Status Append(const LogEntry& entry, const EncodedChunk& chunk,
                      const std::shared_ptr<const IndexedAttributes>& indexed,
                      const std::vector<uint32_t>& fingerprints);

  const std::string& path() const { return db_->path(); }
  // As ChunkFileBytes, without what room there is behind the last frame of the WAL.
  int64_t UsedBytes() const;

 private:
  ChunkWriter(std::unique_ptr<SqliteDb> db, bool makes_room)
      : makes_room_(makes_room), db_(std::move(db)) {}
  absl::Status Prepare();
  // Where the last frame of the WAL ends; 0 before the first commit.
  int64_t WalEnd() const;
  // Where the chunk is small: room in the WAL for it and others like it, so that a sync need not
  // record where the file ends.
  void MakeRoom(const EncodedChunk& chunk);
  absl::Status WriteChunk(const LogEntry& entry, const EncodedChunk& chunk,
                          const std::string* keys);
  // The number under which the file knows the attributes.
  absl::StatusOr<uint32_t> AttributeSet(const IndexedAttributes& indexed);

  const bool makes_room_;
  std::unique_ptr<SqliteDb> db_;
  SqliteStatement insert_chunk_;
  SqliteStatement insert_attribute_;
  uint32_t next_set_ = 1;
  int64_t page_bytes_ = 0;
  // Up to here the WAL's file has its space.
  int64_t room_end_ = 0;
  // The set used last.
  std::shared_ptr<const IndexedAttributes> indexed_;
  uint32_t set_ = 0;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_CHUNK_FILE_H_
