// Keeps a DuplicateWindow across restarts, so that the log need not be read far back.
#ifndef LAPSE_STORAGE_DUPLICATE_WINDOW_FILE_H_
#define LAPSE_STORAGE_DUPLICATE_WINDOW_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/duplicate_window.h"
#include "storage/log_entry.h"

namespace lapse::storage {

// Writes beside the file and puts itself in its place at Finish, whole or not at all, also through
// a crash.
class DuplicateWindowWriter {
 public:
  struct Header {
    // Of the store; a window of another store is not loaded.
    uint64_t seed = 0;
    // The window is as of this place of the log.
    LogPosition position = 0;
    int64_t first_sequence = 0;
    int64_t count = 0;
  };

  static absl::StatusOr<std::unique_ptr<DuplicateWindowWriter>> Create(const std::string& path,
                                                                       const Header& header);
  virtual ~DuplicateWindowWriter() = default;
  // `header.count` entries in all, in order.
  virtual absl::Status Add(const std::vector<DuplicateWindow::Entry>& entries) = 0;
  // Flushes everything to disk and replaces the file.
  virtual absl::Status Finish() = 0;
};

// Fills `window` from the file and returns the log position that it is as of. NOT_FOUND where there
// is no file, FAILED_PRECONDITION where it is another store's or another format's, DATA_LOSS where
// it is damaged; `window` is then empty.
absl::StatusOr<LogPosition> LoadDuplicateWindow(const std::string& path, uint64_t seed,
                                                DuplicateWindow& window);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_DUPLICATE_WINDOW_FILE_H_
