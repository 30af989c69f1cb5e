#include "storage/sqlite/chunk_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "storage/chunk_index.h"

namespace lapse::storage {
namespace {

// A chunk without events has no times. key_index tells, for the positions in indexed_ranges of an
// attribute, which chunks have an event with that value of it. summary has a row once nothing more
// is appended.
constexpr char kSchema[] = R"sql(
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE chunks(
  position INTEGER PRIMARY KEY,
  first_sequence INTEGER NOT NULL,
  last_sequence INTEGER NOT NULL,
  write_time_us INTEGER NOT NULL,
  mark_time_us INTEGER NOT NULL,
  min_time_us INTEGER,
  max_time_us INTEGER,
  checksum INTEGER NOT NULL,
  header BLOB NOT NULL,
  body BLOB NOT NULL);
CREATE TABLE key_index(
  fingerprint INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY(fingerprint, position)) WITHOUT ROWID;
CREATE TABLE indexed_ranges(
  attribute TEXT NOT NULL,
  from_position INTEGER NOT NULL,
  until_position INTEGER NOT NULL,
  PRIMARY KEY(attribute, from_position)) WITHOUT ROWID;
CREATE TABLE summary(
  first_position INTEGER NOT NULL,
  last_position INTEGER NOT NULL,
  next_sequence INTEGER NOT NULL,
  last_mark_time_us INTEGER NOT NULL,
  last_write_time_us INTEGER NOT NULL,
  min_time_us INTEGER NOT NULL,
  max_time_us INTEGER NOT NULL);
)sql";

// until_position of a range that is not at its end.
constexpr int64_t kOpenEnd = INT64_MAX;

absl::Status SyncPath(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const int code = errno;
  if (fd >= 0) ::close(fd);
  return synced ? absl::OkStatus()
                : absl::InternalError(absl::StrCat(path, ": ", std::strerror(code)));
}

absl::Status FillNewFile(const std::string& path, uint64_t seed) {
  ASSIGN_OR_RETURN(const auto db, SqliteDb::Open(path, {}));
  RETURN_IF_ERROR(db->Execute(kSchema));
  ASSIGN_OR_RETURN(SqliteStatement insert, db->Prepare("INSERT INTO meta VALUES('seed', ?1)"));
  RETURN_IF_ERROR(insert.Bind(seed).Run());
  RETURN_IF_ERROR(db->SetUserVersion(kChunkFileVersion));
  return db->CheckpointAndTruncate();
}

void RemoveDatabase(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) std::remove(absl::StrCat(path, suffix).c_str());
}

absl::StatusOr<std::unique_ptr<SqliteDb>> OpenVersioned(const std::string& path,
                                                        SqliteOptions::Mode mode) {
  ASSIGN_OR_RETURN(std::unique_ptr<SqliteDb> db,
                   SqliteDb::Open(path, {.mode = mode, .wal_autocheckpoint_pages = 0}));
  ASSIGN_OR_RETURN(const int version, db->UserVersion());
  if (version > kChunkFileVersion) return NewerFile(path, version, kChunkFileVersion);
  if (version < 1) return DamagedFile(path, "it is no file of an event log");
  return db;
}

ChunkFileSummary SummaryFrom(const SqliteStatement& row) {
  return {row.Int64(0), row.Int64(1), row.Int64(2), row.Int64(3),
          row.Int64(4), row.Int64(5), row.Int64(6)};
}

constexpr char kReadSummary[] =
    "SELECT first_position, last_position, next_sequence, last_mark_time_us, last_write_time_us, "
    "min_time_us,"
    " max_time_us FROM summary";

// Reads every chunk's row, but not its blobs.
constexpr char kComputeSummary[] =
    "SELECT min(position), max(position), max(last_sequence) + 1, max(mark_time_us), "
    "max(write_time_us),"
    " ifnull(min(min_time_us), 9223372036854775807), ifnull(max(max_time_us), -9223372036854775807 "
    "- 1), count(*)"
    " FROM chunks";

absl::StatusOr<ChunkFileSummary> ComputeSummary(SqliteDb& db) {
  ASSIGN_OR_RETURN(SqliteStatement select, db.Prepare(kComputeSummary));
  RETURN_IF_ERROR(select.Step().status());
  if (select.IsNull(0)) return ChunkFileSummary();
  const ChunkFileSummary summary = SummaryFrom(select);
  if (summary.last_position - summary.first_position + 1 == select.Int64(7)) return summary;
  return DamagedFile(db.path(),
                     absl::StrCat("chunks are missing between positions ", summary.first_position,
                                  " and ", summary.last_position));
}

}  // namespace

void ChunkFileSummary::Add(const LogEntry& entry, const EncodedChunk& chunk) {
  if (empty()) first_position = entry.position;
  last_position = entry.position;
  next_sequence = entry.first_sequence + static_cast<int64_t>(entry.events.size());
  last_mark_time_us = std::max(last_mark_time_us, entry.mark_time_us);
  last_write_time_us = std::max(last_write_time_us, entry.write_time_us);
  min_time_us = std::min(min_time_us, chunk.min_time_us);
  max_time_us = std::max(max_time_us, chunk.max_time_us);
}

absl::Status CreateChunkFile(const std::string& path, uint64_t seed) {
  const std::string temporary = absl::StrCat(path, ".tmp");
  RemoveDatabase(temporary);
  absl::Status status = FillNewFile(temporary, seed);
  if (status.ok()) status = SyncPath(temporary, 0);
  if (!status.ok()) {
    RemoveDatabase(temporary);
    return status;
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return ReadOnlyFile(path);
  return SyncPath(std::filesystem::path(path).parent_path().string(), O_DIRECTORY);
}

absl::StatusOr<OpenedChunkFile> InspectChunkFile(const std::string& path) {
  // For writing, so that a WAL that a crash left behind is recovered, and a file that cannot be
  // written is found.
  ASSIGN_OR_RETURN(const auto db, OpenVersioned(path, SqliteOptions::Mode::kReadWrite));
  OpenedChunkFile file;
  const absl::StatusOr<int64_t> seed = db->QueryInt64("SELECT value FROM meta WHERE name = 'seed'");
  if (absl::IsNotFound(seed.status())) return DamagedFile(path, "it has no seed");
  RETURN_IF_ERROR(seed.status());
  file.seed = static_cast<uint64_t>(*seed);
  ASSIGN_OR_RETURN(SqliteStatement select, db->Prepare(kReadSummary));
  ASSIGN_OR_RETURN(const bool closed, select.Step());
  if (closed) {
    file.summary = SummaryFrom(select);
    std::error_code error;
    const auto wal_bytes = std::filesystem::file_size(absl::StrCat(path, "-wal"), error);
    file.sealed = error || wal_bytes == 0;
    return file;
  }
  ASSIGN_OR_RETURN(file.summary, ComputeSummary(*db));
  return file;
}

absl::Status SealChunkFile(const std::string& path, const ChunkFileSummary& summary) {
  ASSIGN_OR_RETURN(const auto db, OpenVersioned(path, SqliteOptions::Mode::kReadWrite));
  {
    ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(*db));
    RETURN_IF_ERROR(db->Execute("DELETE FROM summary"));
    ASSIGN_OR_RETURN(SqliteStatement insert,
                     db->Prepare("INSERT INTO summary VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
    insert.Bind(summary.first_position, summary.last_position, summary.next_sequence,
                summary.last_mark_time_us, summary.last_write_time_us, summary.min_time_us,
                summary.max_time_us);
    RETURN_IF_ERROR(insert.Run());
    RETURN_IF_ERROR(transaction.Commit());
  }
  return db->CheckpointAndTruncate();
}

absl::StatusOr<std::unique_ptr<ChunkWriter>> ChunkWriter::Open(const std::string& path,
                                                               uint64_t seed) {
  ASSIGN_OR_RETURN(std::unique_ptr<SqliteDb> db,
                   OpenVersioned(path, SqliteOptions::Mode::kReadWrite));
  // What an earlier process left in the WAL may be in the system's cache alone, where a sync of it
  // failed: no later sync would tell. Written anew it is on disk.
  RETURN_IF_ERROR(db->CheckpointAndTruncate());
  std::unique_ptr<ChunkWriter> writer(new ChunkWriter(std::move(db), seed));
  RETURN_IF_ERROR(writer->Prepare());
  return writer;
}

absl::Status ChunkWriter::Prepare() {
  ASSIGN_OR_RETURN(
      insert_chunk_,
      db_->Prepare("INSERT INTO chunks VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"));
  ASSIGN_OR_RETURN(insert_key_, db_->Prepare("INSERT INTO key_index VALUES(?1, ?2)"));
  ASSIGN_OR_RETURN(open_range_, db_->Prepare("INSERT INTO indexed_ranges VALUES(?1, ?2, ?3)"));
  ASSIGN_OR_RETURN(close_range_, db_->Prepare("UPDATE indexed_ranges SET until_position = ?2"
                                              " WHERE attribute = ?1 AND until_position = ?3"));
  ASSIGN_OR_RETURN(SqliteStatement select,
                   db_->Prepare("SELECT attribute FROM indexed_ranges WHERE until_position = ?1"));
  select.Bind(kOpenEnd);
  for (;;) {
    ASSIGN_OR_RETURN(const bool has_row, select.Step());
    if (!has_row) return absl::OkStatus();
    ranges_.emplace(select.Text(0));
  }
}

absl::Status ChunkWriter::Append(const LogEntry& entry, const EncodedChunk& chunk,
                                 const IndexedAttributes& indexed) {
  const std::set<std::string> wanted(indexed.begin(), indexed.end());
  ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(*db_));
  RETURN_IF_ERROR(WriteChunk(entry, chunk));
  if (!entry.events.empty()) {
    RETURN_IF_ERROR(ChangeRanges(entry.position, wanted));
    RETURN_IF_ERROR(WriteIndex(entry, indexed));
  }
  RETURN_IF_ERROR(transaction.Commit());
  if (!entry.events.empty()) ranges_ = wanted;
  return absl::OkStatus();
}

absl::Status ChunkWriter::WriteChunk(const LogEntry& entry, const EncodedChunk& chunk) {
  const int64_t last_sequence =
      entry.first_sequence + static_cast<int64_t>(entry.events.size()) - 1;
  const SqliteBlob header{chunk.header};
  const SqliteBlob body{chunk.body};
  if (entry.events.empty()) {
    insert_chunk_.Bind(entry.position, entry.first_sequence, last_sequence, entry.write_time_us,
                       entry.mark_time_us, nullptr, nullptr, chunk.checksum, header, body);
  } else {
    insert_chunk_.Bind(entry.position, entry.first_sequence, last_sequence, entry.write_time_us,
                       entry.mark_time_us, chunk.min_time_us, chunk.max_time_us, chunk.checksum,
                       header, body);
  }
  return insert_chunk_.Run();
}

absl::Status ChunkWriter::WriteIndex(const LogEntry& entry, const IndexedAttributes& indexed) {
  for (const int64_t fingerprint : IndexFingerprints(seed_, entry, indexed)) {
    RETURN_IF_ERROR(insert_key_.Bind(fingerprint, entry.position).Run());
  }
  return absl::OkStatus();
}

absl::Status ChunkWriter::ChangeRanges(LogPosition position, const std::set<std::string>& wanted) {
  if (wanted == ranges_) return absl::OkStatus();
  for (const std::string& attribute : ranges_) {
    if (wanted.count(attribute) > 0) continue;
    RETURN_IF_ERROR(close_range_.Bind(attribute, position, kOpenEnd).Run());
  }
  for (const std::string& attribute : wanted) {
    if (ranges_.count(attribute) > 0) continue;
    RETURN_IF_ERROR(open_range_.Bind(attribute, position, kOpenEnd).Run());
  }
  return absl::OkStatus();
}

int64_t ChunkWriter::SizeBytes() const {
  int64_t size = 0;
  for (const char* suffix : {"", "-wal"}) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(absl::StrCat(db_->path(), suffix), error);
    if (!error) size += static_cast<int64_t>(bytes);
  }
  return size;
}

}  // namespace lapse::storage
