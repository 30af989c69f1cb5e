#include "storage/sqlite/chunk_reader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "storage/chunk_codec.h"

namespace lapse::storage {
namespace {

constexpr size_t kMaxIdleReaders = 8;
constexpr int kReadChunks = 64;
constexpr size_t kReadBytes = 8u << 20;

struct RawChunk {
  LogPosition position = 0;
  uint64_t checksum = 0;
  std::string header;
  std::string body;
};

absl::Status DamagedAt(const std::string& path, LogPosition position, absl::string_view what) {
  return DamagedFile(path, absl::StrCat("positions ", position, " to ", position, ": ", what));
}

// The decoding is done later, with the transaction over.
absl::StatusOr<std::vector<RawChunk>> Fetch(SqliteStatement& select, LogPosition from,
                                            LogPosition to) {
  std::vector<RawChunk> chunks;
  size_t bytes = 0;
  select.Bind(from, to, kReadChunks);
  while (bytes < kReadBytes) {
    ASSIGN_OR_RETURN(const bool has_row, select.Step());
    if (!has_row) return chunks;
    const absl::string_view header = select.Blob(2);
    const absl::string_view body = select.Blob(3);
    chunks.push_back({select.Int64(0), static_cast<uint64_t>(select.Int64(1)), std::string(header),
                      std::string(body)});
    bytes += header.size() + body.size();
  }
  select.Reset();
  return chunks;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChunkReader>> ChunkReader::Open(const std::string& path) {
  ASSIGN_OR_RETURN(std::unique_ptr<SqliteDb> db,
                   SqliteDb::Open(path, {.mode = SqliteOptions::Mode::kReadOnly,
                                         .wal_autocheckpoint_pages = 0}));
  std::unique_ptr<ChunkReader> reader(new ChunkReader(std::move(db)));
  RETURN_IF_ERROR(reader->Prepare());
  return reader;
}

absl::Status ChunkReader::Prepare() {
  ASSIGN_OR_RETURN(
      read_, db_->Prepare("SELECT position, checksum, header, body FROM chunks"
                          " WHERE position >= ?1 AND position <= ?2 ORDER BY position LIMIT ?3"));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::unique_ptr<LogEntry>>> ChunkReader::Read(LogPosition from,
                                                                         LogPosition to) {
  ASSIGN_OR_RETURN(const std::vector<RawChunk> chunks, Fetch(read_, from, to));
  std::vector<std::unique_ptr<LogEntry>> entries;
  entries.reserve(chunks.size());
  absl::Status damage;
  LogPosition next = from;
  for (const RawChunk& chunk : chunks) {
    if (chunk.position != next) break;
    auto entry = DecodeChunk(chunk.header, chunk.body, chunk.checksum);
    if (entry.ok() && (*entry)->position != next)
      entry = absl::DataLossError("the header is of another position");
    if (!entry.ok()) {
      damage = DamagedAt(path(), next, entry.status().message());
      break;
    }
    entries.push_back(*std::move(entry));
    ++next;
  }
  if (!entries.empty() || from > to) return entries;
  return damage.ok() ? DamagedAt(path(), next, "missing") : damage;
}

absl::StatusOr<ChunkReaderPool::Lease> ChunkReaderPool::Take(const std::string& path) {
  {
    MutexLock lock(mutex_);
    const auto found =
        std::find_if(idle_.begin(), idle_.end(), [&](const auto& r) { return r->path() == path; });
    if (found != idle_.end()) {
      std::unique_ptr<ChunkReader> reader = std::move(*found);
      idle_.erase(found);
      return Lease(*this, std::move(reader));
    }
  }
  ASSIGN_OR_RETURN(std::unique_ptr<ChunkReader> reader, ChunkReader::Open(path));
  return Lease(*this, std::move(reader));
}

void ChunkReaderPool::GiveBack(std::unique_ptr<ChunkReader> reader) {
  // The one that is closed is closed after the lock.
  std::unique_ptr<ChunkReader> surplus;
  MutexLock lock(mutex_);
  idle_.push_front(std::move(reader));
  if (idle_.size() <= kMaxIdleReaders) return;
  surplus = std::move(idle_.back());
  idle_.pop_back();
}

void ChunkReaderPool::Forget(const std::string& path) {
  MutexLock lock(mutex_);
  idle_.remove_if([&](const auto& reader) { return reader->path() == path; });
}

}  // namespace lapse::storage
