// Turns a full log file into a sealed one.
#ifndef LAPSE_STORAGE_SQLITE_SEAL_JOB_H_
#define LAPSE_STORAGE_SQLITE_SEAL_JOB_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/chunk_store.h"
#include "storage/sqlite/chunk_file_summary.h"
#include "storage/sqlite/chunk_reader.h"
#include "storage/sqlite/sealed_file.h"

namespace lapse::storage {

struct SealJobOptions {
  // The full file; nobody appends to it any more.
  std::string source;
  // The sealed file, in the same folder. Until it is whole it has ".tmp" behind its name.
  std::string target;
  ChunkFileSummary summary;
  uint64_t seed = 0;
  // By what events will be found.
  IndexedAttributes indexed;
};

// Used by one thread at a time, which may be another for each step. What it made so far is removed
// where it ends early. The source stays.
class SealJob {
 public:
  // `readers` outlives the job.
  static absl::StatusOr<std::unique_ptr<SealJob>> Start(SealJobOptions options,
                                                        ChunkReaderPool& readers);
  ~SealJob();
  SealJob(const SealJob&) = delete;
  SealJob& operator=(const SealJob&) = delete;

  // Goes on by some tens of milliseconds of work. True when the sealed file is whole and durable
  // under its name. DATA_LOSS where the source is damaged, naming the positions.
  absl::StatusOr<bool> Step();

 private:
  SealJob(SealJobOptions options, ChunkReaderPool& readers,
          std::unique_ptr<SealedFileWriter> writer);
  absl::Status Publish();

  const SealJobOptions options_;
  ChunkReaderPool& readers_;
  std::unique_ptr<SealedFileWriter> writer_;
  LogPosition next_ = 0;
};

// What a sealed file is called while it is made.
std::string UnfinishedName(const std::string& target);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_SEAL_JOB_H_
