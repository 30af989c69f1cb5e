// Sealed files of the event log: merged chunks and sorted runs, written once and never changed.
#ifndef LAPSE_STORAGE_SQLITE_SEALED_FILE_H_
#define LAPSE_STORAGE_SQLITE_SEALED_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lapse/internal/v1/sealed.pb.h"
#include "storage/chunk_store.h"
#include "storage/chunk_store_list.h"
#include "storage/sealed_chunk.h"
#include "storage/sealed_run.h"
#include "storage/sqlite/chunk_file_summary.h"
#include "storage/sqlite/file_io.h"

namespace lapse::storage {

// Of the file's header. Version 1 is the first.
inline constexpr uint32_t kSealedFileVersion = 1;

// Writes a sealed file. Used by one thread at a time. What was written is of no use before Finish.
class SealedFileWriter {
 public:
  // Replaces what is at `path`. Events will be found by `indexed`.
  static absl::StatusOr<std::unique_ptr<SealedFileWriter>> Create(const std::string& path,
                                                                  uint64_t seed,
                                                                  IndexedAttributes indexed);

  // `entry` comes after the one before. Now and then merges what came into a chunk and writes it.
  absl::Status Add(SealedEntry entry);
  // Writes the rest and makes the file durable; its name in the folder is for the caller to.
  absl::Status Finish();

 private:
  SealedFileWriter(OpenFile file, uint64_t seed, IndexedAttributes indexed);
  absl::Status WriteHeader();
  absl::Status WriteChunk();
  absl::Status WriteRun();
  absl::Status WriteFooter();
  absl::Status Write(absl::string_view bytes);

  OpenFile file_;
  const IndexedAttributes indexed_;
  int64_t offset_ = 0;
  lapse::internal::v1::SealedFooter footer_;
  // Not written yet.
  std::vector<SealedEntry> entries_;
  int64_t event_count_ = 0;
  int64_t wire_bytes_ = 0;
  // Of the chunks since the last run.
  std::vector<RunEntry> run_;
  int32_t run_first_chunk_ = 0;
  int64_t run_events_ = 0;
};

// Reads a sealed file. Immutable, thread-safe; stays readable where the file is removed.
class SealedFile {
 public:
  // DATA_LOSS, reason DATA_FOLDER_DAMAGED, where its footer is not whole; FAILED_PRECONDITION,
  // reason DATA_FOLDER_NEWER.
  static absl::StatusOr<std::shared_ptr<const SealedFile>> Open(const std::string& path);

  const ChunkFileSummary& summary() const { return summary_; }
  uint64_t seed() const { return footer_.seed(); }
  const std::string& path() const { return file_.path(); }

  // Some of the entries from `from`, which it holds, in order and without a gap. DATA_LOSS names
  // file and positions where they are damaged.
  absl::StatusOr<std::vector<std::unique_ptr<LogEntry>>> Read(LogPosition from) const;
  // The last position of what Read gives or fails to give for `from`.
  LogPosition EndOfChunk(LogPosition from) const;

  // See ChunkSource. A chunk is named by its first position.
  absl::StatusOr<std::vector<ChunkSummary>> FindChunks(uint64_t seed, const EventQuery& query,
                                                       int64_t min_time_us,
                                                       int64_t max_time_us) const;
  absl::StatusOr<std::unique_ptr<LogEntry>> Find(LogPosition chunk, const EventQuery& query) const;

 private:
  using ChunkRef = lapse::internal::v1::SealedChunkRef;
  using Run = lapse::internal::v1::SealedRun;

  explicit SealedFile(OpenFile file) : file_(std::move(file)) {}
  absl::Status ReadHeader() const;
  absl::Status ReadFooter();
  absl::Status CheckFooter() const;
  void Summarize();
  const ChunkRef& ChunkAt(LogPosition position) const;
  absl::StatusOr<std::string> ReadChunk(const ChunkRef& chunk) const;
  absl::Status DamagedAt(const ChunkRef& chunk, absl::string_view what) const;
  absl::Status FindInRun(const Run& run, uint32_t fingerprint, std::vector<bool>* found) const;
  bool IsIndexed(const std::string& attribute) const;

  const OpenFile file_;
  lapse::internal::v1::SealedFooter footer_;
  ChunkFileSummary summary_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_SEALED_FILE_H_
