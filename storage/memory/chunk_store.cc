#include "storage/memory/chunk_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "storage/chunk_index.h"
#include "storage/chunk_store_errors.h"
#include "storage/chunk_store_list.h"

namespace lapse::storage {

// One group with every chunk.
class MemoryChunkStore::Source : public ChunkSource {
 public:
  Source(uint64_t seed, std::vector<StoredPtr> chunks) : seed_(seed), chunks_(std::move(chunks)) {}

  std::vector<ChunkGroup> Groups() override { return {{1, INT64_MIN, INT64_MAX}}; }

  absl::StatusOr<std::vector<ChunkSummary>> FindChunks(int /*group*/, const EventQuery& query,
                                                       int64_t min_time_us,
                                                       int64_t max_time_us) override {
    std::vector<ChunkSummary> found;
    for (const StoredPtr& chunk : chunks_) {
      if (chunk->encoded.min_time_us > max_time_us || chunk->encoded.max_time_us < min_time_us)
        continue;
      if (!MayHold(*chunk, query)) continue;
      found.push_back({chunk->position, chunk->encoded.min_time_us, chunk->encoded.max_time_us});
    }
    return found;
  }

  absl::StatusOr<std::unique_ptr<LogEntry>> Load(int /*group*/, LogPosition position,
                                                 const EventQuery& /*query*/) override {
    return Decode(*chunks_[position - chunks_.front()->position]);
  }

 private:
  bool MayHold(const StoredChunk& chunk, const EventQuery& query) const {
    if (!query.attribute_equals) return true;
    const auto& [attribute, text] = *query.attribute_equals;
    const IndexedAttributes& indexed = *chunk.indexed;
    if (std::find(indexed.begin(), indexed.end(), attribute) == indexed.end()) return true;
    return std::binary_search(chunk.fingerprints.begin(), chunk.fingerprints.end(),
                              IndexFingerprint(seed_, attribute, text));
  }

  const uint64_t seed_;
  const std::vector<StoredPtr> chunks_;
};

absl::Status MemoryChunkStore::CheckAppend(const LogEntry& entry) {
  if (!stopped_.ok()) return LogStopped(stopped_);
  RETURN_IF_ERROR(CheckComesNext(entry, LastPositionLocked() + 1, NextSequenceLocked()));
  if (injected_count_ == 0) return absl::OkStatus();
  --injected_count_;
  if (!IsDiskFull(injected_)) stopped_ = injected_;
  return injected_;
}

absl::Status MemoryChunkStore::Append(const LogEntry& entry) {
  auto chunk = std::make_shared<StoredChunk>();
  ASSIGN_OR_RETURN(chunk->encoded, EncodeChunk(entry));
  chunk->position = entry.position;
  chunk->next_sequence = entry.first_sequence + static_cast<int64_t>(entry.events.size());
  chunk->write_time_us = entry.write_time_us;
  chunk->mark_time_us = entry.mark_time_us;
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(CheckAppend(entry));
  chunk->indexed = indexed_;
  chunk->fingerprints = IndexFingerprints(seed_, entry, *indexed_);
  chunks_.push_back(std::move(chunk));
  return absl::OkStatus();
}

LogPosition MemoryChunkStore::LastPositionLocked() const {
  return chunks_.empty() ? 0 : chunks_.back()->position;
}

int64_t MemoryChunkStore::NextSequenceLocked() const {
  return chunks_.empty() ? 1 : chunks_.back()->next_sequence;
}

LogPosition MemoryChunkStore::LastPosition() const {
  MutexLock lock(mutex_);
  return LastPositionLocked();
}

int64_t MemoryChunkStore::NextSequence() const {
  MutexLock lock(mutex_);
  return NextSequenceLocked();
}

LogPosition MemoryChunkStore::FirstPosition() const {
  MutexLock lock(mutex_);
  return chunks_.empty() ? 1 : chunks_.front()->position;
}

int64_t MemoryChunkStore::LastMarkTimeUs() const {
  MutexLock lock(mutex_);
  return chunks_.empty() ? 0 : chunks_.back()->mark_time_us;
}

std::vector<MemoryChunkStore::StoredPtr> MemoryChunkStore::SnapshotFrom(LogPosition from) const {
  MutexLock lock(mutex_);
  if (chunks_.empty()) return {};
  const LogPosition skipped = std::max<LogPosition>(0, from - chunks_.front()->position);
  if (skipped >= static_cast<LogPosition>(chunks_.size())) return {};
  return {chunks_.begin() + skipped, chunks_.end()};
}

absl::StatusOr<std::unique_ptr<LogEntry>> MemoryChunkStore::Decode(const StoredChunk& chunk) {
  auto entry = DecodeChunk(chunk.encoded.header, chunk.encoded.body, chunk.encoded.checksum);
  if (entry.ok()) return entry;
  return MakeError(absl::StatusCode::kDataLoss, "DATA_FOLDER_DAMAGED",
                   absl::StrCat("memory, positions ", chunk.position, " to ", chunk.position, ": ",
                                entry.status().message()));
}

absl::Status MemoryChunkStore::Read(LogPosition from, LogVisitor visit) const {
  if (const LogPosition first = FirstPosition(); from < first)
    return BeforeFirstPosition(from, first);
  for (const StoredPtr& chunk : SnapshotFrom(from)) {
    ASSIGN_OR_RETURN(const std::unique_ptr<LogEntry> entry, Decode(*chunk));
    RETURN_IF_ERROR(visit(*entry));
  }
  return absl::OkStatus();
}

absl::Status MemoryChunkStore::Retire(LogPosition before, int64_t older_than_us) {
  MutexLock lock(mutex_);
  while (chunks_.size() > 1 && chunks_.front()->position < before &&
         chunks_.front()->write_time_us < older_than_us) {
    chunks_.pop_front();
  }
  return absl::OkStatus();
}

void MemoryChunkStore::SetIndexedAttributes(IndexedAttributes attributes) {
  MutexLock lock(mutex_);
  indexed_ = std::make_shared<IndexedAttributes>(std::move(attributes));
}

absl::StatusOr<EventPage> MemoryChunkStore::List(const EventQuery& query) const {
  std::vector<StoredPtr> chunks = SnapshotFrom(0);
  if (chunks.empty()) return EventPage();
  Source source(seed_, std::move(chunks));
  return ListEvents(query, source);
}

void MemoryChunkStore::FailNextAppends(absl::Status status, int count) {
  MutexLock lock(mutex_);
  injected_ = std::move(status);
  injected_count_ = count;
}

void MemoryChunkStore::Reopen() {
  MutexLock lock(mutex_);
  stopped_ = absl::OkStatus();
}

void MemoryChunkStore::Damage(LogPosition position) {
  MutexLock lock(mutex_);
  StoredPtr& chunk = chunks_.at(position - chunks_.front()->position);
  auto damaged = std::make_shared<StoredChunk>(*chunk);
  damaged->encoded.header.back() ^= 1;
  chunk = std::move(damaged);
}

}  // namespace lapse::storage
