// SealedFileWriter.
#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/limits.h"
#include "base/status_macros.h"
#include "storage/sealed_sort.h"
#include "storage/sqlite/sealed_file.h"
#include "storage/sqlite/sealed_format.h"
#include "xxhash.h"

namespace lapse::storage {
namespace {

template <typename T>
absl::string_view BytesOf(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<SealedFileWriter>> SealedFileWriter::Create(
    const std::string& path, uint64_t seed, IndexedAttributes indexed) {
  ASSIGN_OR_RETURN(OpenFile file, OpenFile::Open(path, O_WRONLY | O_CREAT | O_TRUNC));
  std::unique_ptr<SealedFileWriter> writer(
      new SealedFileWriter(std::move(file), seed, std::move(indexed)));
  RETURN_IF_ERROR(writer->WriteHeader());
  return writer;
}

SealedFileWriter::SealedFileWriter(OpenFile file, uint64_t seed, IndexedAttributes indexed)
    : file_(std::move(file)), indexed_(std::move(indexed)) {
  footer_.set_seed(seed);
  footer_.mutable_indexed_attributes()->Add(indexed_.begin(), indexed_.end());
}

absl::Status SealedFileWriter::Write(absl::string_view bytes) {
  RETURN_IF_ERROR(file_.WriteAt(offset_, bytes));
  file_.StartWriting(offset_, static_cast<int64_t>(bytes.size()));
  offset_ += static_cast<int64_t>(bytes.size());
  return absl::OkStatus();
}

absl::Status SealedFileWriter::WriteHeader() {
  SealedHeader header = {.version = kSealedFileVersion};
  std::memcpy(header.magic, kSealedMagic, sizeof(kSealedMagic));
  return Write(BytesOf(header));
}

absl::Status SealedFileWriter::Add(SealedEntry entry) {
  event_count_ += static_cast<int64_t>(entry.events.size());
  wire_bytes_ += static_cast<int64_t>(entry.wire.size());
  footer_.set_next_sequence(entry.first_sequence + static_cast<int64_t>(entry.events.size()));
  footer_.set_last_mark_time_us(std::max(footer_.last_mark_time_us(), entry.mark_time_us));
  footer_.set_last_write_time_us(std::max(footer_.last_write_time_us(), entry.write_time_us));
  entries_.push_back(std::move(entry));
  const bool full = event_count_ >= limits::kSealedChunkEvents ||
                    wire_bytes_ >= limits::kSealedChunkBytes ||
                    static_cast<int64_t>(entries_.size()) >= limits::kSealedChunkEvents;
  return full ? WriteChunk() : absl::OkStatus();
}

absl::Status SealedFileWriter::WriteChunk() {
  ASSIGN_OR_RETURN(const EncodedSealedChunk chunk,
                   EncodeSealedChunk(entries_, footer_.seed(), indexed_));
  const int32_t index = footer_.chunks_size();
  auto* ref = footer_.add_chunks();
  ref->set_offset(offset_);
  ref->set_size(static_cast<int64_t>(chunk.bytes.size()));
  ref->set_checksum(XXH3_64bits(chunk.bytes.data(), chunk.bytes.size()));
  ref->set_first_position(entries_.front().position);
  ref->set_last_position(entries_.back().position);
  ref->set_first_sequence(entries_.front().first_sequence);
  ref->set_event_count(chunk.event_count);
  ref->set_min_time_us(chunk.min_time_us);
  ref->set_max_time_us(chunk.max_time_us);
  RETURN_IF_ERROR(Write(chunk.bytes));
  for (const uint32_t fingerprint : chunk.fingerprints)
    run_.push_back({fingerprint, static_cast<uint32_t>(index - run_first_chunk_)});
  entries_.clear();
  event_count_ = wire_bytes_ = 0;
  run_events_ += chunk.event_count;
  return run_events_ >= limits::kSealedRunEvents ? WriteRun() : absl::OkStatus();
}

absl::Status SealedFileWriter::WriteRun() {
  if (footer_.chunks_size() == run_first_chunk_) return absl::OkStatus();
  // Of one fingerprint the chunks ascend already.
  SortByNumber(&run_, [](const RunEntry& entry) { return entry.fingerprint; });
  const EncodedRun encoded = EncodeRun(run_);
  // A block never lies across two pages.
  RETURN_IF_ERROR(
      Write(std::string((kRunBlockBytes - offset_ % kRunBlockBytes) % kRunBlockBytes, '\0')));
  auto* run = footer_.add_runs();
  run->set_offset(offset_);
  run->set_first_chunk(run_first_chunk_);
  run->set_end_chunk(footer_.chunks_size());
  run->set_entry_count(static_cast<int64_t>(run_.size()));
  run->mutable_fences()->Add(encoded.fences.begin(), encoded.fences.end());
  RETURN_IF_ERROR(Write(encoded.blocks));
  run_.clear();
  run_first_chunk_ = footer_.chunks_size();
  run_events_ = 0;
  return absl::OkStatus();
}

absl::Status SealedFileWriter::WriteFooter() {
  const std::string footer = footer_.SerializeAsString();
  SealedTail tail = {.footer_offset = offset_,
                     .footer_size = static_cast<int64_t>(footer.size()),
                     .checksum = XXH3_64bits(footer.data(), footer.size())};
  std::memcpy(tail.magic, kSealedMagic, sizeof(kSealedMagic));
  RETURN_IF_ERROR(Write(footer));
  return Write(BytesOf(tail));
}

absl::Status SealedFileWriter::Finish() {
  if (!entries_.empty()) RETURN_IF_ERROR(WriteChunk());
  RETURN_IF_ERROR(WriteRun());
  RETURN_IF_ERROR(WriteFooter());
  return file_.Sync();
}

}  // namespace lapse::storage
