#include "storage/sqlite/chunk_store.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "spdlog/spdlog.h"
#include "storage/chunk_codec.h"
#include "storage/chunk_index.h"
#include "storage/chunk_store_errors.h"
#include "storage/chunk_store_list.h"

namespace lapse::storage {

// Every file a group, opened when its turn comes.
class SqliteChunkStore::Source : public ChunkSource {
 public:
  Source(const SqliteChunkStore& store, std::vector<File> files)
      : store_(store), files_(std::move(files)) {}

  std::vector<ChunkGroup> Groups() override {
    std::vector<ChunkGroup> groups;
    for (size_t i = 0; i < files_.size(); ++i) {
      const ChunkFileSummary& summary = files_[i].summary;
      if (summary.min_time_us > summary.max_time_us) continue;
      groups.push_back({static_cast<int>(i), summary.min_time_us, summary.max_time_us});
    }
    return groups;
  }

  absl::StatusOr<std::vector<ChunkSummary>> FindChunks(int group, const EventQuery& query,
                                                       int64_t min_time_us,
                                                       int64_t max_time_us) override {
    const File& file = files_[group];
    if (file.sealed != nullptr)
      return file.sealed->FindChunks(store_.seed_, query, min_time_us, max_time_us);
    // What was appended since the snapshot is not of this listing.
    return file.index->Find(store_.seed_, query, min_time_us, max_time_us,
                            file.summary.last_position);
  }

  absl::StatusOr<std::unique_ptr<LogEntry>> Load(int group, LogPosition position,
                                                 const EventQuery& query) override {
    const File& file = files_[group];
    if (file.sealed != nullptr) return file.sealed->Find(position, query);
    ASSIGN_OR_RETURN(auto reader, store_.readers_.Take(file.path()));
    ASSIGN_OR_RETURN(auto entries, reader->Read(position, position));
    return std::move(entries.front());
  }

 private:
  const SqliteChunkStore& store_;
  const std::vector<File> files_;
};

SqliteChunkStore::~SqliteChunkStore() {
  {
    MutexLock lock(mutex_);
    closing_ = true;
    maintenance_.notify_all();
    sealer_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  if (sealer_thread_.joinable()) sealer_thread_.join();
}

absl::Status SqliteChunkStore::CheckAppend(const LogEntry& entry) const {
  if (!stopped_.ok()) return LogStopped(stopped_);
  return CheckComesNext(entry, LastPosition() + 1, NextSequence());
}

absl::Status SqliteChunkStore::Append(const LogEntry& entry) {
  RETURN_IF_ERROR(CheckAppend(entry));
  ASSIGN_OR_RETURN(const EncodedChunk chunk, EncodeChunk(entry));
  SwitchToNextIfFull();
  LiveChunk live;
  {
    MutexLock lock(mutex_);
    int64_t bytes = 0;
    for (const File& file : files_) bytes += file.index == nullptr ? 0 : file.index->bytes();
    if (bytes < limits::kMaxLiveIndexBytes && !entry.events.empty()) live.indexed = indexed_;
  }
  if (live.indexed != nullptr) live.fingerprints = ShortFingerprints(seed_, entry, *live.indexed);
  const absl::Status status = writer_->Append(entry, chunk, live.indexed, live.fingerprints);
  if (status.ok()) {
    NoteAppended(entry, chunk, std::move(live));
  } else if (!IsDiskFull(status)) {
    stopped_ = status;
  }
  return status;
}

// Where the next file is not ready, the live one grows on.
void SqliteChunkStore::SwitchToNextIfFull() {
  if (writer_->UsedBytes() < options_.file_bytes) return;
  MutexLock lock(mutex_);
  if (files_.back().summary.empty()) return;
  next_failed_ = seal_failed_ = false;
  for (File& file : files_) file.checkpoint_failed = false;
  maintenance_.notify_all();
  if (next_writer_ == nullptr) return;
  files_.back().wal_bytes = WalBytes(files_.back().path());
  files_.push_back(NewFile(next_number_));
  ++next_number_;
  old_writers_.push_back(std::move(writer_));
  writer_ = std::move(next_writer_);
}

void SqliteChunkStore::NoteAppended(const LogEntry& entry, const EncodedChunk& chunk,
                                    LiveChunk live) {
  live.summary = {entry.position, chunk.min_time_us, chunk.max_time_us};
  live.first_sequence = entry.first_sequence;
  Acknowledged noted = {.seed = seed_, .position = entry.position};
  {
    MutexLock lock(mutex_);
    File& file = files_.back();
    // The first entry of a file lets the file before it be sealed.
    if (file.summary.empty()) {
      maintenance_.notify_all();
      sealer_.notify_all();
    }
    if (!entry.events.empty()) file.index->Add(std::move(live));
    file.summary.Add(entry, chunk);
    noted.next_sequence = file.summary.next_sequence;
    noted.mark_time_us = file.summary.last_mark_time_us;
  }
  acknowledged_->Note(noted);
}

std::vector<SqliteChunkStore::File> SqliteChunkStore::Snapshot() const {
  MutexLock lock(mutex_);
  return files_;
}

LogPosition SqliteChunkStore::LastPosition() const {
  MutexLock lock(mutex_);
  for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
    if (!file->summary.empty()) return std::max(file->summary.last_position, start_position_ - 1);
  }
  return start_position_ - 1;
}

int64_t SqliteChunkStore::NextSequence() const {
  MutexLock lock(mutex_);
  for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
    if (!file->summary.empty()) return std::max(file->summary.next_sequence, start_sequence_);
  }
  return start_sequence_;
}

int64_t SqliteChunkStore::LastMarkTimeUs() const {
  MutexLock lock(mutex_);
  for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
    if (!file->summary.empty())
      return std::max(file->summary.last_mark_time_us, start_mark_time_us_);
  }
  return start_mark_time_us_;
}

LogPosition SqliteChunkStore::FirstPosition() const {
  MutexLock lock(mutex_);
  // The first of all that is damaged is still kept.
  if (set_aside_.count(1) > 0) return 1;
  return files_.front().summary.empty() ? start_position_ : files_.front().summary.first_position;
}

absl::StatusOr<std::vector<std::unique_ptr<LogEntry>>> SqliteChunkStore::ReadSome(
    const File& file, LogPosition from) const {
  if (file.sealed != nullptr) return file.sealed->Read(from);
  // Taken anew for each part, so that it is not kept while the visitor is at work.
  ASSIGN_OR_RETURN(auto reader, readers_.Take(file.path()));
  return reader->Read(from, file.summary.last_position);
}

bool SqliteChunkStore::IsAccepted(const LostRange& lost) const {
  MutexLock lock(mutex_);
  return std::any_of(lost_.begin(), lost_.end(), [&](const LostRange& range) {
    return range.first <= lost.first && range.last >= lost.last;
  });
}

absl::Status SqliteChunkStore::PassOver(const absl::Status& damage, const LostRange& lost) const {
  if (!absl::IsDataLoss(damage)) return damage;
  if (!IsAccepted(lost)) return AcceptLoss(lost, 0, damage);
  spdlog::warn("passed over positions {} to {}, whose loss was accepted", lost.first, lost.last);
  return absl::OkStatus();
}

absl::Status SqliteChunkStore::Read(LogPosition from, LogVisitor visit) const {
  const std::vector<File> files = Snapshot();
  // Asked after the snapshot: what was retired before it is no loss.
  const LogPosition first = FirstPosition();
  if (from < first) return BeforeFirstPosition(from, first);
  LogPosition next = from;
  for (const File& file : files) {
    const ChunkFileSummary& summary = file.summary;
    if (!summary.empty() && next < summary.first_position) {
      const LostRange gap = {next, summary.first_position - 1};
      const absl::Status damage =
          DamagedFile(file.path(), absl::StrCat("positions ", gap.first, " to ", gap.last,
                                                ", which come before it, are missing"));
      RETURN_IF_ERROR(PassOver(damage, gap));
      next = summary.first_position;
    }
    while (next <= summary.last_position) {
      const auto entries = ReadSome(file, next);
      if (!entries.ok()) {
        const LostRange lost = StoredWith(next);
        RETURN_IF_ERROR(PassOver(entries.status(), lost));
        next = lost.last + 1;
        continue;
      }
      for (const auto& entry : *entries) RETURN_IF_ERROR(visit(*entry));
      next += static_cast<LogPosition>(entries->size());
    }
  }
  return absl::OkStatus();
}

LostRange SqliteChunkStore::StoredWith(LogPosition position) const {
  for (const File& file : Snapshot()) {
    const ChunkFileSummary& summary = file.summary;
    if (summary.empty() || position > summary.last_position) continue;
    if (position < summary.first_position) return {position, summary.first_position - 1};
    if (file.sealed == nullptr) break;
    return {file.sealed->BeginOfChunk(position), file.sealed->EndOfChunk(position)};
  }
  return {position, position};
}

LogPosition SqliteChunkStore::LastStoredWith(LogPosition position) const {
  return StoredWith(position).last;
}

// Files go one by one, the oldest first, and none goes before one that could not: what a crash
// leaves has no gap.
absl::Status SqliteChunkStore::Retire(LogPosition before, int64_t older_than_us) {
  bool retired = false;
  while (std::optional<File> oldest = TakeOldest(before, older_than_us)) {
    const absl::Status status = oldest->held->Remove();
    MutexLock lock(mutex_);
    if (!status.ok()) {
      files_.insert(files_.begin(), *std::move(oldest));
      return status;
    }
    RemoveSetAside();
    retired = true;
  }
  if (retired) folder_.ForgetLostBefore(FirstPosition());
  return absl::OkStatus();
}

std::optional<SqliteChunkStore::File> SqliteChunkStore::TakeOldest(LogPosition before,
                                                                   int64_t older_than_us) {
  MutexLock lock(mutex_);
  // The last with entries stays: it tells the position at the next start.
  const size_t kept = files_.back().summary.empty() ? 2 : 1;
  const File& oldest = files_.front();
  if (files_.size() <= kept || oldest.summary.last_position >= before ||
      oldest.summary.last_write_time_us >= older_than_us)
    return std::nullopt;
  // New users come by Snapshot alone, which needs the lock.
  if (oldest.held.use_count() > 1 || !oldest.replaced.expired()) return std::nullopt;
  File taken = oldest;
  files_.erase(files_.begin());
  return taken;
}

// With mutex_ held.
void SqliteChunkStore::RemoveSetAside() {
  while (!set_aside_.empty() && *set_aside_.begin() < files_.front().number) {
    std::error_code error;
    std::filesystem::remove(folder_.SealedFilePath(*set_aside_.begin()), error);
    RemoveChunkFile(folder_.ChunkFilePath(*set_aside_.begin()));
    set_aside_.erase(set_aside_.begin());
  }
}

void SqliteChunkStore::SetIndexedAttributes(IndexedAttributes attributes) {
  std::sort(attributes.begin(), attributes.end());
  attributes.erase(std::unique(attributes.begin(), attributes.end()), attributes.end());
  auto indexed = std::make_shared<const IndexedAttributes>(std::move(attributes));
  MutexLock lock(mutex_);
  indexed_ = std::move(indexed);
}

absl::StatusOr<EventPage> SqliteChunkStore::List(const EventQuery& query) const {
  Source source(*this, Snapshot());
  return ListEvents(query, source);
}

}  // namespace lapse::storage
