#include "storage/sqlite/chunk_file.h"

#include <fcntl.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "storage/sqlite/chunk_file_format.h"
#include "storage/sqlite/file_io.h"

namespace lapse::storage {
namespace {

// A group commit is tens of kilobytes: larger pages make fewer frames of it, and a lone event still
// takes few.
constexpr int kPageBytes = 8'192;

// Of the file format of WALs.
constexpr int64_t kWalHeaderBytes = 32;
constexpr int64_t kFrameHeaderBytes = 24;
// A commit of chunks up to this size takes longer to record the end of the file than to write.
constexpr size_t kSmallChunkBytes = 64 << 10;
constexpr int64_t kRoomBytes = 1 << 20;
// In a smaller file the room would be a large part.
constexpr int64_t kMinFileBytesForRoom = 16 * kRoomBytes;

// A reader in the way is not waited for: other files can be checkpointed meanwhile.
constexpr int kCheckpointPatienceMs = 100;

absl::Status FillNewFile(const std::string& path, uint64_t seed) {
  ASSIGN_OR_RETURN(const auto db, SqliteDb::Open(path, {.page_bytes = kPageBytes}));
  RETURN_IF_ERROR(db->Execute(kChunkFileSchema));
  ASSIGN_OR_RETURN(SqliteStatement insert, db->Prepare("INSERT INTO meta VALUES('seed', ?1)"));
  RETURN_IF_ERROR(insert.Bind(seed).Run());
  RETURN_IF_ERROR(db->SetUserVersion(kChunkFileVersion));
  return db->CheckpointAndTruncate();
}

absl::StatusOr<std::unique_ptr<SqliteDb>> OpenForWriting(const std::string& path) {
  return SqliteDb::Open(path,
                        {.mode = SqliteOptions::Mode::kReadWrite, .wal_autocheckpoint_pages = 0});
}

absl::StatusOr<int> CheckVersion(SqliteDb& db) {
  ASSIGN_OR_RETURN(const int version, db.UserVersion());
  if (version > kChunkFileVersion) return NewerFile(db.path(), version, kChunkFileVersion);
  if (version < 1) return DamagedFile(db.path(), "it is no file of an event log");
  return version;
}

using AttributeSets = std::vector<std::shared_ptr<IndexedAttributes>>;

// By number.
absl::StatusOr<AttributeSets> ReadAttributeSets(SqliteDb& db) {
  AttributeSets sets;
  ASSIGN_OR_RETURN(SqliteStatement select,
                   db.Prepare("SELECT number, attribute FROM attribute_sets ORDER BY number"));
  for (;;) {
    ASSIGN_OR_RETURN(const bool has_row, select.Step());
    if (!has_row) return sets;
    const int64_t number = select.Int64(0);
    if (number < 0 || number > static_cast<int64_t>(sets.size()))
      return DamagedFile(db.path(), "its attribute sets have a gap");
    if (number == static_cast<int64_t>(sets.size()))
      sets.push_back(std::make_shared<IndexedAttributes>());
    // An empty name stands for a set without any.
    if (!select.Text(1).empty()) sets[number]->emplace_back(select.Text(1));
  }
}

LiveChunk ChunkFrom(const SqliteStatement& row, const AttributeSets& sets) {
  LiveChunk chunk = {.summary = {row.Int64(0), row.Int64(5), row.Int64(6)},
                     .first_sequence = row.Int64(1)};
  if (row.IsNull(7)) return chunk;
  // Where the keys are damaged the chunk is read whenever it may hold what is wanted.
  std::optional<ChunkKeys> keys = DecodeKeys(row.Blob(7));
  if (!keys || keys->attribute_set >= sets.size()) return chunk;
  chunk.indexed = sets[keys->attribute_set];
  chunk.fingerprints = std::move(keys->fingerprints);
  return chunk;
}

void AddRow(const SqliteStatement& row, ChunkFileSummary* summary) {
  if (summary->empty()) {
    summary->first_position = row.Int64(0);
    summary->first_sequence = row.Int64(1);
  }
  summary->last_position = row.Int64(0);
  summary->next_sequence = row.Int64(2) + 1;
  summary->last_write_time_us = std::max(summary->last_write_time_us, row.Int64(3));
  summary->last_mark_time_us = std::max(summary->last_mark_time_us, row.Int64(4));
  if (row.IsNull(5)) return;
  summary->min_time_us = std::min(summary->min_time_us, row.Int64(5));
  summary->max_time_us = std::max(summary->max_time_us, row.Int64(6));
}

constexpr char kSelectRows[] =
    "SELECT position, first_sequence, last_sequence, write_time_us, mark_time_us, min_time_us,"
    " max_time_us, keys FROM chunks ORDER BY position";
// Of version 1, whose fingerprints lie elsewhere.
constexpr char kSelectOldRows[] =
    "SELECT position, first_sequence, last_sequence, write_time_us, mark_time_us, min_time_us,"
    " max_time_us, NULL FROM chunks ORDER BY position";

absl::Status ReadRows(SqliteDb& db, OpenedChunkFile* file) {
  AttributeSets sets;
  if (file->version > 1) {
    ASSIGN_OR_RETURN(sets, ReadAttributeSets(db));
  }
  ASSIGN_OR_RETURN(SqliteStatement select,
                   db.Prepare(file->version > 1 ? kSelectRows : kSelectOldRows));
  for (;;) {
    ASSIGN_OR_RETURN(const bool has_row, select.Step());
    if (!has_row) return absl::OkStatus();
    const LogPosition position = select.Int64(0);
    if (!file->summary.empty() && position != file->summary.last_position + 1) {
      return DamagedFile(db.path(), absl::StrCat("chunks are missing between positions ",
                                                 file->summary.last_position, " and ", position));
    }
    AddRow(select, &file->summary);
    if (!select.IsNull(5)) file->index->Add(ChunkFrom(select, sets));
  }
}

}  // namespace

absl::Status CreateChunkFile(const std::string& path, uint64_t seed) {
  const std::string temporary = absl::StrCat(path, ".tmp");
  RemoveChunkFile(temporary);
  absl::Status status = FillNewFile(temporary, seed);
  if (status.ok()) {
    ASSIGN_OR_RETURN(const OpenFile file, OpenFile::Open(temporary, O_RDONLY));
    status = file.Sync();
  }
  if (!status.ok()) {
    RemoveChunkFile(temporary);
    return status;
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return ReadOnlyFile(path);
  return SyncFolderOf(path);
}

absl::StatusOr<OpenedChunkFile> InspectChunkFile(const std::string& path) {
  // For writing, so that a WAL that a crash left behind is recovered, and a file that cannot be
  // written is found.
  ASSIGN_OR_RETURN(const auto db, OpenForWriting(path));
  OpenedChunkFile file;
  file.index = std::make_shared<LiveChunkIndex>();
  ASSIGN_OR_RETURN(file.version, CheckVersion(*db));
  const absl::StatusOr<int64_t> seed = db->QueryInt64("SELECT value FROM meta WHERE name = 'seed'");
  if (absl::IsNotFound(seed.status())) return DamagedFile(path, "it has no seed");
  RETURN_IF_ERROR(seed.status());
  file.seed = static_cast<uint64_t>(*seed);
  RETURN_IF_ERROR(ReadRows(*db, &file));
  return file;
}

absl::Status CheckpointChunkFile(const std::string& path) {
  ASSIGN_OR_RETURN(const auto db, SqliteDb::Open(path, {.mode = SqliteOptions::Mode::kReadWrite,
                                                        .busy_timeout_ms = kCheckpointPatienceMs,
                                                        .wal_autocheckpoint_pages = 0}));
  return db->CheckpointAndTruncate();
}

int64_t WalBytes(const std::string& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(absl::StrCat(path, "-wal"), error);
  return error ? 0 : static_cast<int64_t>(bytes);
}

int64_t ChunkFileBytes(const std::string& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  return (error ? 0 : static_cast<int64_t>(bytes)) + WalBytes(path);
}

void RemoveChunkFile(const std::string& path) {
  // The database first: what a crash leaves of it then is removed by the next start.
  for (const char* suffix : {"", "-wal", "-shm"}) std::remove(absl::StrCat(path, suffix).c_str());
}

absl::StatusOr<std::unique_ptr<ChunkWriter>> ChunkWriter::Open(const std::string& path,
                                                               int64_t file_bytes) {
  RETURN_IF_ERROR(WriteAnew(absl::StrCat(path, "-wal")));
  ASSIGN_OR_RETURN(std::unique_ptr<SqliteDb> db, OpenForWriting(path));
  RETURN_IF_ERROR(CheckVersion(*db).status());
  std::unique_ptr<ChunkWriter> writer(
      new ChunkWriter(std::move(db), file_bytes >= kMinFileBytesForRoom));
  RETURN_IF_ERROR(writer->Prepare());
  return writer;
}

absl::Status ChunkWriter::Prepare() {
  ASSIGN_OR_RETURN(
      insert_chunk_,
      db_->Prepare("INSERT INTO chunks VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"));
  ASSIGN_OR_RETURN(insert_attribute_, db_->Prepare("INSERT INTO attribute_sets VALUES(?1, ?2)"));
  ASSIGN_OR_RETURN(const int64_t next,
                   db_->QueryInt64("SELECT ifnull(max(number), -1) + 1 FROM attribute_sets"));
  next_set_ = static_cast<uint32_t>(next);
  ASSIGN_OR_RETURN(page_bytes_, db_->QueryInt64("PRAGMA page_size"));
  db_->CountWalFrames();
  return absl::OkStatus();
}

int64_t ChunkWriter::WalEnd() const {
  if (db_->wal_frames() == 0) return 0;
  return kWalHeaderBytes + db_->wal_frames() * (page_bytes_ + kFrameHeaderBytes);
}

int64_t ChunkWriter::UsedBytes() const {
  if (WalEnd() == 0) return ChunkFileBytes(path());
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path(), error);
  return (error ? 0 : static_cast<int64_t>(bytes)) + WalEnd();
}

void ChunkWriter::MakeRoom(const EncodedChunk& chunk) {
  constexpr int64_t kNeeded = 2 * kSmallChunkBytes;
  if (!makes_room_ || db_->wal_frames() == 0) return;
  if (chunk.header.size() + chunk.body.size() > kSmallChunkBytes) return;
  const int64_t end = WalEnd();
  if (end + kNeeded <= room_end_) return;
  // Also where it fails, which is no harm: a full disk is for the commit to tell.
  room_end_ = end + kRoomBytes;
  const auto wal = OpenFile::Open(absl::StrCat(path(), "-wal"), O_RDWR);
  if (!wal.ok()) return;
  const absl::StatusOr<int64_t> size = wal->SizeBytes();
  if (!size.ok()) return;
  // What is behind the last frame is none, whatever it is. The commit syncs it.
  const int64_t begin = std::max(*size, end);
  if (begin < room_end_) wal->WriteAt(begin, std::string(room_end_ - begin, '\0')).IgnoreError();
}

absl::Status ChunkWriter::Append(const LogEntry& entry, const EncodedChunk& chunk,
                                 const std::shared_ptr<const IndexedAttributes>& indexed,
                                 const std::vector<uint32_t>& fingerprints) {
  MakeRoom(chunk);
  ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(*db_));
  uint32_t set = set_;
  if (indexed == nullptr) {
    RETURN_IF_ERROR(WriteChunk(entry, chunk, nullptr));
  } else {
    const bool is_new = indexed_ == nullptr || *indexed_ != *indexed;
    if (is_new) {
      ASSIGN_OR_RETURN(set, AttributeSet(*indexed));
    }
    const std::string keys = EncodeKeys(set, fingerprints);
    RETURN_IF_ERROR(WriteChunk(entry, chunk, &keys));
  }
  RETURN_IF_ERROR(transaction.Commit());
  if (indexed != nullptr && set == next_set_) ++next_set_;
  if (indexed != nullptr) indexed_ = indexed;
  set_ = set;
  return absl::OkStatus();
}

absl::Status ChunkWriter::WriteChunk(const LogEntry& entry, const EncodedChunk& chunk,
                                     const std::string* keys) {
  const int64_t last_sequence =
      entry.first_sequence + static_cast<int64_t>(entry.events.size()) - 1;
  const SqliteBlob header{chunk.header};
  const SqliteBlob body{chunk.body};
  const auto bind = [&](const auto&... rest) {
    insert_chunk_.Bind(entry.position, entry.first_sequence, last_sequence, entry.write_time_us,
                       entry.mark_time_us, rest..., header, body);
  };
  if (entry.events.empty()) {
    bind(nullptr, nullptr, chunk.checksum, nullptr);
  } else if (keys == nullptr) {
    bind(chunk.min_time_us, chunk.max_time_us, chunk.checksum, nullptr);
  } else {
    bind(chunk.min_time_us, chunk.max_time_us, chunk.checksum, SqliteBlob{*keys});
  }
  return insert_chunk_.Run();
}

absl::StatusOr<uint32_t> ChunkWriter::AttributeSet(const IndexedAttributes& indexed) {
  RETURN_IF_ERROR(insert_attribute_.Bind(next_set_, "").Run());
  for (const std::string& attribute : indexed) {
    if (attribute.empty()) continue;
    RETURN_IF_ERROR(insert_attribute_.Bind(next_set_, attribute).Run());
  }
  return next_set_;
}

}  // namespace lapse::storage
