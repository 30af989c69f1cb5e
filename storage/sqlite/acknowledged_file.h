// A note, beside the log, of what was acknowledged last. SQLite takes a WAL that is damaged in its
// midst for one that ends there; the note tells that something is missing.
#ifndef LAPSE_STORAGE_SQLITE_ACKNOWLEDGED_FILE_H_
#define LAPSE_STORAGE_SQLITE_ACKNOWLEDGED_FILE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "storage/log_entry.h"
#include "storage/sqlite/file_io.h"

namespace lapse::storage {

struct Acknowledged {
  uint64_t seed = 0;
  LogPosition position = 0;
  int64_t next_sequence = 0;
  int64_t mark_time_us = 0;
};

// Unset where there is no note, or none that is whole: then nothing is known.
std::optional<Acknowledged> ReadAcknowledged(const std::string& path);

// Used by one thread at a time.
class AcknowledgedFile {
 public:
  // Makes the file where it is missing.
  static absl::StatusOr<AcknowledgedFile> Open(const std::string& path);

  // Not synced: the note may come to be older than the log, never newer. A failure is logged once;
  // the note is a help, and no acknowledgement waits for it.
  void Note(const Acknowledged& acknowledged);

 private:
  explicit AcknowledgedFile(OpenFile file) : file_(std::move(file)) {}

  OpenFile file_;
  bool failed_ = false;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_ACKNOWLEDGED_FILE_H_
