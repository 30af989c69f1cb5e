#include "storage/sqlite/sealed_file.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "spdlog/spdlog.h"
#include "storage/chunk_index.h"
#include "storage/sqlite/sealed_format.h"
#include "storage/sqlite/sqlite_db.h"
#include "xxhash.h"

namespace lapse::storage {
namespace {

// Beyond, a footer or a chunk is none.
constexpr int64_t kMaxPartBytes = 1 << 30;

}  // namespace

absl::StatusOr<std::shared_ptr<const SealedFile>> SealedFile::Open(const std::string& path) {
  ASSIGN_OR_RETURN(OpenFile opened, OpenFile::Open(path, O_RDONLY));
  std::shared_ptr<SealedFile> file(new SealedFile(std::move(opened)));
  RETURN_IF_ERROR(file->ReadHeader());
  RETURN_IF_ERROR(file->ReadFooter());
  RETURN_IF_ERROR(file->CheckFooter());
  file->Summarize();
  return file;
}

absl::Status SealedFile::ReadHeader() const {
  SealedHeader header = {};
  ASSIGN_OR_RETURN(const std::string bytes, file_.ReadAt(0, sizeof(header)));
  if (bytes.size() != sizeof(header)) return DamagedFile(path(), "it is cut short");
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (std::memcmp(header.magic, kSealedMagic, sizeof(kSealedMagic)) != 0)
    return DamagedFile(path(), "it is no sealed file of an event log");
  if (header.version > kSealedFileVersion)
    return NewerFile(path(), static_cast<int>(header.version), kSealedFileVersion);
  return absl::OkStatus();
}

absl::Status SealedFile::ReadFooter() {
  SealedTail tail = {};
  ASSIGN_OR_RETURN(const int64_t size, file_.SizeBytes());
  ASSIGN_OR_RETURN(std::string bytes,
                   file_.ReadAt(size - std::min<int64_t>(size, sizeof(tail)), sizeof(tail)));
  if (bytes.size() != sizeof(tail)) return DamagedFile(path(), "it is cut short");
  std::memcpy(&tail, bytes.data(), sizeof(tail));
  if (std::memcmp(tail.magic, kSealedMagic, sizeof(kSealedMagic)) != 0)
    return DamagedFile(path(), "it is cut short");
  if (tail.footer_offset < 0 || tail.footer_size < 0 || tail.footer_size > kMaxPartBytes ||
      tail.footer_offset > size - tail.footer_size)
    return DamagedFile(path(), "its end is damaged");
  ASSIGN_OR_RETURN(bytes, file_.ReadAt(tail.footer_offset, tail.footer_size));
  if (XXH3_64bits(bytes.data(), bytes.size()) != tail.checksum || !footer_.ParseFromString(bytes))
    return DamagedFile(path(), "its footer does not match its checksum");
  return absl::OkStatus();
}

absl::Status SealedFile::CheckFooter() const {
  if (footer_.chunks().empty()) return DamagedFile(path(), "it has no chunks");
  LogPosition next = footer_.chunks(0).first_position();
  for (const ChunkRef& chunk : footer_.chunks()) {
    if (chunk.first_position() != next || chunk.last_position() < next || chunk.size() < 0 ||
        chunk.size() > kMaxPartBytes)
      return DamagedFile(path(), "its footer is none");
    next = chunk.last_position() + 1;
  }
  for (const Run& run : footer_.runs()) {
    if (run.first_chunk() < 0 || run.end_chunk() < run.first_chunk() ||
        run.end_chunk() > footer_.chunks_size())
      return DamagedFile(path(), "its footer is none");
  }
  return absl::OkStatus();
}

void SealedFile::Summarize() {
  summary_.first_position = footer_.chunks(0).first_position();
  summary_.last_position = footer_.chunks(footer_.chunks_size() - 1).last_position();
  summary_.first_sequence = footer_.chunks(0).first_sequence();
  summary_.next_sequence = footer_.next_sequence();
  summary_.last_mark_time_us = footer_.last_mark_time_us();
  summary_.last_write_time_us = footer_.last_write_time_us();
  for (const ChunkRef& chunk : footer_.chunks()) {
    if (chunk.event_count() == 0) continue;
    summary_.min_time_us = std::min(summary_.min_time_us, chunk.min_time_us());
    summary_.max_time_us = std::max(summary_.max_time_us, chunk.max_time_us());
  }
}

const SealedFile::ChunkRef& SealedFile::ChunkAt(LogPosition position) const {
  const auto after = std::upper_bound(
      footer_.chunks().begin(), footer_.chunks().end(), position,
      [](LogPosition p, const ChunkRef& chunk) { return p < chunk.first_position(); });
  return *std::prev(after);
}

absl::Status SealedFile::DamagedAt(const ChunkRef& chunk, absl::string_view what) const {
  return DamagedFile(path(), absl::StrCat("positions ", chunk.first_position(), " to ",
                                          chunk.last_position(), ": ", what));
}

absl::StatusOr<std::string> SealedFile::ReadChunk(const ChunkRef& chunk) const {
  ASSIGN_OR_RETURN(std::string bytes, file_.ReadAt(chunk.offset(), chunk.size()));
  if (static_cast<int64_t>(bytes.size()) != chunk.size() ||
      XXH3_64bits(bytes.data(), bytes.size()) != chunk.checksum())
    return DamagedAt(chunk, "the checksum does not match");
  return bytes;
}

LogPosition SealedFile::EndOfChunk(LogPosition from) const { return ChunkAt(from).last_position(); }

absl::StatusOr<std::vector<std::unique_ptr<LogEntry>>> SealedFile::Read(LogPosition from) const {
  const ChunkRef& chunk = ChunkAt(from);
  ASSIGN_OR_RETURN(const std::string bytes, ReadChunk(chunk));
  const auto sealed = DecodeSealedChunk(bytes);
  if (!sealed.ok()) return DamagedAt(chunk, sealed.status().message());
  std::vector<std::unique_ptr<LogEntry>> entries;
  for (const SealedEntry& one : *sealed) {
    if (one.position < from) continue;
    auto entry = ToLogEntry(one);
    if (!entry.ok()) return DamagedAt(chunk, entry.status().message());
    entries.push_back(*std::move(entry));
  }
  if (entries.empty()) return DamagedAt(chunk, "entries are missing");
  return entries;
}

bool SealedFile::IsIndexed(const std::string& attribute) const {
  const auto& indexed = footer_.indexed_attributes();
  return std::find(indexed.begin(), indexed.end(), attribute) != indexed.end();
}

absl::Status SealedFile::FindInRun(const Run& run, uint32_t fingerprint,
                                   std::vector<bool>* found) const {
  const absl::Span<const uint32_t> fences(run.fences().data(), run.fences_size());
  const BlockRange range = BlocksOf(fences, fingerprint);
  std::vector<uint32_t> chunks;
  for (int64_t i = range.first; i < range.end; ++i) {
    ASSIGN_OR_RETURN(const std::string block,
                     file_.ReadAt(run.offset() + i * kRunBlockBytes, kRunBlockBytes));
    RETURN_IF_ERROR(FindInBlock(block, fences[i], fingerprint, &chunks));
  }
  for (const uint32_t chunk : chunks) {
    const int64_t index = int64_t{run.first_chunk()} + chunk;
    if (index >= run.end_chunk()) return absl::DataLossError("a run names no chunk of its own");
    (*found)[index] = true;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ChunkSummary>> SealedFile::FindChunks(uint64_t seed,
                                                                 const EventQuery& query,
                                                                 int64_t min_time_us,
                                                                 int64_t max_time_us) const {
  const bool by_run = query.attribute_equals && IsIndexed(query.attribute_equals->first);
  std::vector<bool> found(footer_.chunks_size(), !by_run);
  for (int i = 0; by_run && i < footer_.runs_size(); ++i) {
    const Run& run = footer_.runs(i);
    const auto& [attribute, text] = *query.attribute_equals;
    const uint32_t fingerprint = SealedFingerprint(IndexFingerprint(seed, attribute, text));
    const absl::Status status = FindInRun(run, fingerprint, &found);
    if (status.ok()) continue;
    if (!absl::IsDataLoss(status)) return status;
    spdlog::error("{}: {}; its chunks are read one by one", path(), std::string(status.message()));
    std::fill(found.begin() + run.first_chunk(), found.begin() + run.end_chunk(), true);
  }
  std::vector<ChunkSummary> chunks;
  for (int i = 0; i < footer_.chunks_size(); ++i) {
    const ChunkRef& chunk = footer_.chunks(i);
    if (!found[i] || chunk.event_count() == 0 || chunk.min_time_us() > max_time_us ||
        chunk.max_time_us() < min_time_us || chunk.first_sequence() > query.max_sequence)
      continue;
    chunks.push_back({chunk.first_position(), chunk.min_time_us(), chunk.max_time_us()});
  }
  return chunks;
}

absl::StatusOr<std::unique_ptr<LogEntry>> SealedFile::Find(LogPosition position,
                                                           const EventQuery& query) const {
  const ChunkRef& chunk = ChunkAt(position);
  ASSIGN_OR_RETURN(const std::string bytes, ReadChunk(chunk));
  auto sealed = FindInSealedChunk(bytes, query);
  if (!sealed.ok()) return DamagedAt(chunk, sealed.status().message());
  auto entry = ToLogEntry(*sealed);
  if (!entry.ok()) return DamagedAt(chunk, entry.status().message());
  return entry;
}

}  // namespace lapse::storage
