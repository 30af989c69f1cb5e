#include "storage/duplicate_window_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "xxhash.h"

namespace lapse::storage {
namespace {

using Header = DuplicateWindowWriter::Header;
using Entry = DuplicateWindow::Entry;

constexpr uint64_t kMagic = 0x3130'5750'5544'504c;
constexpr size_t kHeaderBytes = 5 * sizeof(uint64_t);
constexpr size_t kEntryBytes = 3 * sizeof(uint64_t) + sizeof(uint32_t);
constexpr size_t kEntriesAtOnce = 16'384;

struct FileCloser {
  void operator()(FILE* file) const { std::fclose(file); }
};
struct HashFreer {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};
using File = std::unique_ptr<FILE, FileCloser>;
using Hash = std::unique_ptr<XXH3_state_t, HashFreer>;

Hash NewHash() {
  Hash hash(XXH3_createState());
  XXH3_64bits_reset(hash.get());
  return hash;
}

absl::Status ErrnoError(const std::string& what) {
  const int code = errno;
  const std::string message = absl::StrCat(what, ": ", std::strerror(code));
  return code == ENOSPC ? absl::ResourceExhaustedError(message) : absl::InternalError(message);
}

std::array<uint64_t, 5> Words(const Header& header) {
  return {kMagic, header.seed, static_cast<uint64_t>(header.position),
          static_cast<uint64_t>(header.first_sequence), static_cast<uint64_t>(header.count)};
}

absl::Status SyncFolderOf(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return ErrnoError(folder);
  const int code = ::fsync(fd);
  ::close(fd);
  return code == 0 ? absl::OkStatus() : ErrnoError(folder);
}

class FileWriter : public DuplicateWindowWriter {
 public:
  FileWriter(std::string path, File file)
      : path_(std::move(path)), file_(std::move(file)), hash_(NewHash()) {}

  ~FileWriter() override {
    if (file_ == nullptr) return;
    file_.reset();
    std::remove(TemporaryPath(path_).c_str());
  }

  static std::string TemporaryPath(const std::string& path) { return path + ".tmp"; }

  absl::Status Write(const void* data, size_t size) {
    XXH3_64bits_update(hash_.get(), data, size);
    if (std::fwrite(data, 1, size, file_.get()) != size) return ErrnoError(TemporaryPath(path_));
    return absl::OkStatus();
  }

  absl::Status Add(const std::vector<Entry>& entries) override {
    buffer_.resize(entries.size() * kEntryBytes);
    char* out = buffer_.data();
    for (const Entry& entry : entries) {
      const uint64_t words[3] = {entry.digest.key.high, entry.digest.key.low, entry.digest.content};
      std::memcpy(out, words, sizeof(words));
      std::memcpy(out + sizeof(words), &entry.receive_time_s, sizeof(entry.receive_time_s));
      out += kEntryBytes;
    }
    return Write(buffer_.data(), buffer_.size());
  }

  absl::Status Finish() override {
    const uint64_t checksum = XXH3_64bits_digest(hash_.get());
    RETURN_IF_ERROR(Write(&checksum, sizeof(checksum)));
    const std::string temporary = TemporaryPath(path_);
    if (std::fflush(file_.get()) != 0 || ::fsync(::fileno(file_.get())) != 0)
      return ErrnoError(temporary);
    if (std::rename(temporary.c_str(), path_.c_str()) != 0) return ErrnoError(temporary);
    file_.reset();
    return SyncFolderOf(path_);
  }

 private:
  const std::string path_;
  File file_;
  Hash hash_;
  std::string buffer_;
};

class Reader {
 public:
  Reader(const std::string& path, File file)
      : path_(path), file_(std::move(file)), hash_(NewHash()) {}

  absl::StatusOr<Header> ReadHeader(uint64_t seed) {
    std::array<uint64_t, 5> words;
    RETURN_IF_ERROR(Read(words.data(), sizeof(words)));
    if (words[0] != kMagic || words[1] != seed) {
      return absl::FailedPreconditionError(
          absl::StrCat(path_, " is of another format or another event log"));
    }
    const Header header = {words[1], static_cast<LogPosition>(words[2]),
                           static_cast<int64_t>(words[3]), static_cast<int64_t>(words[4])};
    std::error_code error;
    const uint64_t size = std::filesystem::file_size(path_, error);
    const uint64_t entry_bytes = size - kHeaderBytes - sizeof(uint64_t);
    if (error || header.first_sequence < 1 || words[4] != entry_bytes / kEntryBytes ||
        entry_bytes % kEntryBytes != 0) {
      return Damaged();
    }
    return header;
  }

  absl::Status ReadEntries(int64_t count, DuplicateWindow& window) {
    std::string buffer;
    while (count > 0) {
      const size_t now = std::min<size_t>(count, kEntriesAtOnce);
      buffer.resize(now * kEntryBytes);
      RETURN_IF_ERROR(Read(buffer.data(), buffer.size()));
      for (size_t i = 0; i < now; ++i) window.Insert(EntryFrom(buffer.data() + i * kEntryBytes));
      count -= static_cast<int64_t>(now);
    }
    return CheckSum();
  }

 private:
  static Entry EntryFrom(const char* bytes) {
    uint64_t words[3];
    Entry entry;
    std::memcpy(words, bytes, sizeof(words));
    std::memcpy(&entry.receive_time_s, bytes + sizeof(words), sizeof(entry.receive_time_s));
    entry.digest = {{words[0], words[1]}, words[2]};
    return entry;
  }

  absl::Status Read(void* data, size_t size) {
    if (std::fread(data, 1, size, file_.get()) != size) return Damaged();
    XXH3_64bits_update(hash_.get(), data, size);
    return absl::OkStatus();
  }

  absl::Status CheckSum() {
    const uint64_t expected = XXH3_64bits_digest(hash_.get());
    uint64_t found = 0;
    RETURN_IF_ERROR(Read(&found, sizeof(found)));
    return found == expected ? absl::OkStatus() : Damaged();
  }

  absl::Status Damaged() const { return absl::DataLossError(absl::StrCat(path_, " is damaged")); }

  const std::string path_;
  File file_;
  Hash hash_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<DuplicateWindowWriter>> DuplicateWindowWriter::Create(
    const std::string& path, const Header& header) {
  const std::string temporary = FileWriter::TemporaryPath(path);
  File file(std::fopen(temporary.c_str(), "wbe"));
  if (file == nullptr) return ErrnoError(temporary);
  auto writer = std::make_unique<FileWriter>(path, std::move(file));
  const auto words = Words(header);
  RETURN_IF_ERROR(writer->Write(words.data(), sizeof(words)));
  return writer;
}

absl::StatusOr<LogPosition> LoadDuplicateWindow(const std::string& path, uint64_t seed,
                                                DuplicateWindow& window) {
  File file(std::fopen(path.c_str(), "rbe"));
  if (file == nullptr) {
    return errno == ENOENT ? absl::NotFoundError(absl::StrCat("no ", path)) : ErrnoError(path);
  }
  Reader reader(path, std::move(file));
  ASSIGN_OR_RETURN(const Header header, reader.ReadHeader(seed));
  window.StartAt(header.first_sequence);
  const absl::Status status = reader.ReadEntries(header.count, window);
  if (!status.ok()) {
    window.StartAt(1);
    return status;
  }
  return header.position;
}

}  // namespace lapse::storage
