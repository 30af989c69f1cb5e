// Files and standard input.
#ifndef LAPSE_CLI_INPUT_H_
#define LAPSE_CLI_INPUT_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lapse::cli {

// The whole of a file; of standard input for `-`. A usage error where it cannot be read or is over
// 16 MiB.
absl::StatusOr<std::string> ReadInput(const std::string& path);

// Lines of a file, or of standard input for `-`, as they come. Not thread-safe.
class LineReader {
 public:
  LineReader() = default;
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader();

  // A usage error where the file cannot be opened. Called once, first.
  absl::Status Open(const std::string& path);

  // The next line, without its end; false at the end of the input. A usage error where reading
  // fails, or the line is over 8 MiB.
  absl::StatusOr<bool> Next(std::string* line);

  // Whether Next would return without waiting for input.
  bool Ready() const;

 private:
  std::string path_;
  int fd_ = -1;
  std::string buffer_;
  // Where in buffer_ the next line starts.
  size_t start_ = 0;
  bool ended_ = false;
};

}  // namespace lapse::cli

#endif  // LAPSE_CLI_INPUT_H_
