// A ChunkStore that keeps its chunks, encoded as on disk, in memory. They end with it.
#ifndef LAPSE_STORAGE_MEMORY_CHUNK_STORE_H_
#define LAPSE_STORAGE_MEMORY_CHUNK_STORE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "storage/chunk_codec.h"
#include "storage/chunk_store.h"

namespace lapse::storage {

// Appends are "durable" at once; Retire drops single entries, since there are no files.
class MemoryChunkStore : public ChunkStore {
 public:
  explicit MemoryChunkStore(uint64_t seed = 1) : seed_(seed) {}

  absl::Status Append(const LogEntry& entry) override;
  LogPosition LastPosition() const override;
  int64_t NextSequence() const override;
  LogPosition FirstPosition() const override;
  int64_t LastMarkTimeUs() const override;
  absl::Status Read(LogPosition from, LogVisitor visit) const override;
  LogPosition LastStoredWith(LogPosition position) const override { return position; }
  absl::Status Retire(LogPosition before, int64_t older_than_us) override;
  void SetIndexedAttributes(IndexedAttributes attributes) override;
  absl::StatusOr<EventPage> List(const EventQuery& query) const override;
  uint64_t Seed() const override { return seed_; }

  // The next `count` Appends fail with `status`, as the disk would: after any but DISK_FULL the log
  // is stopped.
  void FailNextAppends(absl::Status status, int count);
  // As a new start does: a stopped log appends again.
  void Reopen();
  // Changes a byte of the entry at `position`, as a failing disk would.
  void Damage(LogPosition position);

 private:
  class Source;
  using AttributesPtr = std::shared_ptr<const IndexedAttributes>;

  struct StoredChunk {
    LogPosition position = 0;
    int64_t next_sequence = 0;
    int64_t write_time_us = 0;
    int64_t mark_time_us = 0;
    EncodedChunk encoded;
    AttributesPtr indexed;
    std::vector<int64_t> fingerprints;
  };
  using StoredPtr = std::shared_ptr<const StoredChunk>;

  absl::Status CheckAppend(const LogEntry& entry);
  // The chunks in order, from `from` on.
  std::vector<StoredPtr> SnapshotFrom(LogPosition from) const;
  static absl::StatusOr<std::unique_ptr<LogEntry>> Decode(const StoredChunk& chunk);
  // The following with mutex_ held.
  LogPosition LastPositionLocked() const;
  int64_t NextSequenceLocked() const;

  const uint64_t seed_;
  mutable Mutex mutex_;
  std::deque<StoredPtr> chunks_;
  AttributesPtr indexed_ = std::make_shared<IndexedAttributes>();
  absl::Status injected_;
  int injected_count_ = 0;
  absl::Status stopped_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_MEMORY_CHUNK_STORE_H_
