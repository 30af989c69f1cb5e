// One file of the event log: its schema, its writer and how it is closed. Readers are in
// chunk_reader.h.
#ifndef LAPSE_STORAGE_SQLITE_CHUNK_FILE_H_
#define LAPSE_STORAGE_SQLITE_CHUNK_FILE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/chunk_codec.h"
#include "storage/chunk_store.h"
#include "storage/sqlite/sqlite_db.h"

namespace lapse::storage {

// PRAGMA user_version of a log file. Version 1 is the first.
inline constexpr int kChunkFileVersion = 1;

// What a file holds. Times of events are the reported ones.
struct ChunkFileSummary {
  // Both 0 where it holds no chunk.
  LogPosition first_position = 0;
  LogPosition last_position = 0;
  int64_t next_sequence = 1;
  int64_t last_mark_time_us = 0;
  int64_t last_write_time_us = 0;
  // INT64_MAX and INT64_MIN where it holds no event.
  int64_t min_time_us = INT64_MAX;
  int64_t max_time_us = INT64_MIN;

  bool empty() const { return last_position == 0; }
  void Add(const LogEntry& entry, const EncodedChunk& chunk);
};

// Makes an empty file, durable and whole, or nothing.
absl::Status CreateChunkFile(const std::string& path, uint64_t seed);

struct OpenedChunkFile {
  ChunkFileSummary summary;
  uint64_t seed = 0;
  // Closed for good, its WAL moved into it.
  bool sealed = false;
};
// FAILED_PRECONDITION, reason DATA_FOLDER_NEWER; DATA_LOSS, reason DATA_FOLDER_DAMAGED.
absl::StatusOr<OpenedChunkFile> InspectChunkFile(const std::string& path);

// Writes down what the file holds and moves its WAL into it. Nobody may append to it any more.
// UNAVAILABLE where a reader is in the way: try again later.
absl::Status SealChunkFile(const std::string& path, const ChunkFileSummary& summary);

// Appends to a file. Used by one thread at a time. The file is never checkpointed by it.
class ChunkWriter {
 public:
  static absl::StatusOr<std::unique_ptr<ChunkWriter>> Open(const std::string& path, uint64_t seed);

  // Durable when it returns OK. On error nothing is kept.
  absl::Status Append(const LogEntry& entry, const EncodedChunk& chunk,
                      const IndexedAttributes& indexed);

  // The attributes that the file's newest chunks are indexed by.
  IndexedAttributes indexed() const { return {ranges_.begin(), ranges_.end()}; }
  // Of the file and its WAL.
  int64_t SizeBytes() const;

 private:
  ChunkWriter(std::unique_ptr<SqliteDb> db, uint64_t seed) : db_(std::move(db)), seed_(seed) {}
  absl::Status Prepare();
  absl::Status WriteChunk(const LogEntry& entry, const EncodedChunk& chunk);
  absl::Status WriteIndex(const LogEntry& entry, const IndexedAttributes& indexed);
  absl::Status ChangeRanges(LogPosition position, const std::set<std::string>& wanted);

  std::unique_ptr<SqliteDb> db_;
  const uint64_t seed_;
  // Those with an open range in indexed_ranges.
  std::set<std::string> ranges_;
  SqliteStatement insert_chunk_;
  SqliteStatement insert_key_;
  SqliteStatement open_range_;
  SqliteStatement close_range_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_CHUNK_FILE_H_
