#include "cli/input.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "cli/errors.h"

namespace lapse::cli {
namespace {

constexpr size_t kMaxFileBytes = 16 << 20;
constexpr size_t kMaxLineBytes = 8 << 20;
constexpr size_t kReadBytes = 256 << 10;

absl::Status CannotRead(const std::string& path) {
  return UsageError(absl::StrCat("Cannot read ", path == "-" ? "standard input" : Quoted(path),
                                 ": ", std::strerror(errno), "."));
}

}  // namespace

absl::StatusOr<std::string> ReadInput(const std::string& path) {
  LineReader reader;
  RETURN_IF_ERROR(reader.Open(path));
  std::string text, line;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, reader.Next(&line));
    if (!more) return text;
    absl::StrAppend(&text, line, "\n");
    if (text.size() > kMaxFileBytes) {
      return UsageError(absl::StrCat(Quoted(path), " is over 16 MiB."));
    }
  }
}

LineReader::~LineReader() {
  if (fd_ > STDERR_FILENO) close(fd_);
}

absl::Status LineReader::Open(const std::string& path) {
  path_ = path;
  fd_ = path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  return fd_ < 0 ? CannotRead(path) : absl::OkStatus();
}

absl::StatusOr<bool> LineReader::Next(std::string* line) {
  size_t searched = start_;
  while (true) {
    const size_t end = buffer_.find('\n', searched);
    if (end != std::string::npos || ended_) {
      const size_t stop = end == std::string::npos ? buffer_.size() : end;
      const bool last_is_empty = end == std::string::npos && start_ == stop;
      *line = buffer_.substr(start_, stop - start_);
      start_ = end == std::string::npos ? stop : stop + 1;
      if (!line->empty() && line->back() == '\r') line->pop_back();
      return !last_is_empty;
    }
    searched = buffer_.size() - start_;
    buffer_.erase(0, start_);
    start_ = 0;
    if (buffer_.size() > kMaxLineBytes) {
      return UsageError(absl::StrCat("A line of ", Quoted(path_), " is over 8 MiB."));
    }
    const size_t kept = buffer_.size();
    buffer_.resize(kept + kReadBytes);
    ssize_t got = 0;
    do {
      got = read(fd_, buffer_.data() + kept, kReadBytes);
    } while (got < 0 && errno == EINTR);
    buffer_.resize(kept + (got > 0 ? got : 0));
    if (got < 0) return CannotRead(path_);
    ended_ = got == 0;
  }
}

bool LineReader::Ready() const {
  if (ended_ || buffer_.find('\n', start_) != std::string::npos) return true;
  pollfd input = {fd_, POLLIN, 0};
  return poll(&input, 1, 0) > 0;
}

}  // namespace lapse::cli
