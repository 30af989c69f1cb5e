#include "storage/sqlite/chunk_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "storage/chunk_codec.h"

namespace lapse::storage {
namespace {

constexpr size_t kMaxIdleReaders = 8;
constexpr int kReadChunks = 64;
constexpr size_t kReadBytes = 8u << 20;
// Less, so that the memory is used again and again instead of coming from the system anew.
constexpr size_t kSealBytes = 2u << 20;

struct RawChunk {
  LogPosition position = 0;
  uint64_t checksum = 0;
  std::string header;
  std::string body;
};

LogPosition PositionOf(const std::unique_ptr<LogEntry>& entry) { return entry->position; }
LogPosition PositionOf(const SealedEntry& entry) { return entry.position; }

absl::Status DamagedAt(const std::string& path, LogPosition position, absl::string_view what) {
  return DamagedFile(path, absl::StrCat("positions ", position, " to ", position, ": ", what));
}

// Calls `take` with position, checksum, header and body of the chunks from `from` on, until they
// have `most_bytes`.
template <typename Take>
absl::Status Fetch(SqliteStatement& select, LogPosition from, LogPosition to, size_t most_bytes,
                   Take take) {
  size_t bytes = 0;
  select.Bind(from, to, kReadChunks);
  while (bytes < most_bytes) {
    ASSIGN_OR_RETURN(const bool has_row, select.Step());
    if (!has_row) return absl::OkStatus();
    const absl::string_view header = select.Blob(2);
    const absl::string_view body = select.Blob(3);
    take(select.Int64(0), static_cast<uint64_t>(select.Int64(1)), header, body);
    bytes += header.size() + body.size();
  }
  select.Reset();
  return absl::OkStatus();
}

// What is decoded of the chunks of one Fetch, up to the first that is damaged or missing.
template <typename Entry>
class Decoded {
 public:
  // `path` outlives it.
  Decoded(const std::string& path, LogPosition from) : path_(path), next_(from) {}

  // False where no more is wanted.
  bool Add(LogPosition position, absl::StatusOr<Entry> entry) {
    if (position != next_ || !damage_.ok()) return false;
    if (entry.ok() && PositionOf(*entry) != position)
      entry = absl::DataLossError("the header is of another position");
    if (!entry.ok()) {
      damage_ = DamagedAt(path_, position, entry.status().message());
      return false;
    }
    entries_.push_back(*std::move(entry));
    ++next_;
    return true;
  }

  // Where some were wanted, there is one.
  absl::StatusOr<std::vector<Entry>> Take(bool wanted) {
    if (!entries_.empty() || !wanted) return std::move(entries_);
    return damage_.ok() ? DamagedAt(path_, next_, "missing") : damage_;
  }

 private:
  const std::string& path_;
  LogPosition next_;
  std::vector<Entry> entries_;
  absl::Status damage_;
};

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
  std::vector<RawChunk> chunks;
  RETURN_IF_ERROR(
      Fetch(read_, from, to, kReadBytes,
            [&chunks](LogPosition position, uint64_t checksum, absl::string_view header,
                      absl::string_view body) {
              chunks.push_back({position, checksum, std::string(header), std::string(body)});
            }));
  // With the transaction over.
  Decoded<std::unique_ptr<LogEntry>> decoded(path(), from);
  for (const RawChunk& chunk : chunks) {
    auto entry = DecodeChunk(chunk.header, chunk.body, chunk.checksum);
    if (!decoded.Add(chunk.position, std::move(entry))) break;
  }
  return decoded.Take(from <= to);
}

absl::StatusOr<std::vector<SealedEntry>> ChunkReader::ReadToSeal(LogPosition from, LogPosition to) {
  Decoded<SealedEntry> decoded(path(), from);
  bool goes_on = true;
  RETURN_IF_ERROR(Fetch(read_, from, to, kSealBytes,
                        [&](LogPosition position, uint64_t checksum, absl::string_view header,
                            absl::string_view body) {
                          if (!goes_on) return;
                          goes_on =
                              decoded.Add(position, DecodeChunkToSeal(header, body, checksum));
                        }));
  return decoded.Take(from <= to);
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
