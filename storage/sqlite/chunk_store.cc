#include "storage/sqlite/chunk_store.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "base/uuid.h"
#include "spdlog/spdlog.h"
#include "storage/chunk_codec.h"
#include "storage/chunk_store_errors.h"
#include "storage/chunk_store_list.h"

namespace lapse::storage {
namespace {

constexpr int kFirstNumber = 1;
constexpr char kExtension[] = ".db";

// The number of a log file's name, 0 for any other name.
int NumberOf(const std::filesystem::path& path) {
  int number = 0;
  const std::string stem = path.stem().string();
  if (path.extension() != kExtension || stem.size() < 6 || !absl::SimpleAtoi(stem, &number))
    return 0;
  return number;
}

void RemoveFile(const std::string& path) {
  // The database first: what a crash leaves of it then is removed by the next start.
  for (const char* suffix : {"", "-wal", "-shm"}) std::remove(absl::StrCat(path, suffix).c_str());
}

// Whether `path` was left by a crash: a file in the making, or what belonged to a file that is
// gone.
bool IsLeftover(const std::filesystem::path& path) {
  const std::string name = path.string();
  if (absl::StrContains(path.filename().string(), ".db.tmp")) return true;
  for (const char* suffix : {"-wal", "-shm"}) {
    if (absl::EndsWith(name, suffix))
      return !std::filesystem::exists(name.substr(0, name.size() - 4));
  }
  return false;
}

absl::StatusOr<std::unique_ptr<ChunkWriter>> CreateAndOpen(const std::string& path, uint64_t seed) {
  // It is there already where the process ended before its turn came.
  if (!std::filesystem::exists(path)) RETURN_IF_ERROR(CreateChunkFile(path, seed));
  return ChunkWriter::Open(path, seed);
}

}  // namespace

// Every file a group, opened when its turn comes.
class SqliteChunkStore::Source : public ChunkSource {
 public:
  Source(const SqliteChunkStore& store, std::vector<File> files)
      : store_(store), files_(std::move(files)) {}

  std::vector<ChunkGroup> Groups() override {
    std::vector<ChunkGroup> groups;
    for (size_t i = 0; i < files_.size(); ++i) {
      const ChunkFileSummary& summary = files_[i].summary;
      if (summary.min_time_us > summary.max_time_us) continue;
      groups.push_back({static_cast<int>(i), summary.min_time_us, summary.max_time_us});
    }
    return groups;
  }

  absl::StatusOr<std::vector<ChunkSummary>> FindChunks(int group, const EventQuery& query,
                                                       int64_t min_time_us,
                                                       int64_t max_time_us) override {
    ASSIGN_OR_RETURN(auto reader, store_.readers_.Take(files_[group].path));
    ASSIGN_OR_RETURN(std::vector<ChunkSummary> chunks,
                     reader->FindChunks(store_.seed_, query, min_time_us, max_time_us));
    // What was appended since the snapshot is not of this listing.
    const LogPosition last = files_[group].summary.last_position;
    chunks.erase(std::remove_if(chunks.begin(), chunks.end(),
                                [&](const auto& c) { return c.position > last; }),
                 chunks.end());
    return chunks;
  }

  absl::StatusOr<std::unique_ptr<LogEntry>> Load(int group, LogPosition position) override {
    ASSIGN_OR_RETURN(auto reader, store_.readers_.Take(files_[group].path));
    ASSIGN_OR_RETURN(auto entries, reader->Read(position, position));
    return std::move(entries.front());
  }

 private:
  const SqliteChunkStore& store_;
  const std::vector<File> files_;
};

SqliteChunkStore::SqliteChunkStore(const SqliteChunkStoreOptions& options)
    : options_(options), log_folder_((std::filesystem::path(options.folder) / "log").string()) {}

absl::StatusOr<std::unique_ptr<SqliteChunkStore>> SqliteChunkStore::Open(
    const SqliteChunkStoreOptions& options) {
  std::unique_ptr<SqliteChunkStore> store(new SqliteChunkStore(options));
  RETURN_IF_ERROR(store->PrepareFolder());
  RETURN_IF_ERROR(store->OpenFiles());
  RETURN_IF_ERROR(store->OpenLive());
  store->thread_ = std::thread([s = store.get()] { s->MaintenanceLoop(); });
  return store;
}

SqliteChunkStore::~SqliteChunkStore() {
  {
    MutexLock lock(mutex_);
    closing_ = true;
    maintenance_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

std::string SqliteChunkStore::PathOf(int number) const {
  return absl::StrCat(log_folder_, "/", absl::StrFormat("%06d", number), kExtension);
}

absl::Status SqliteChunkStore::PrepareFolder() {
  std::error_code error;
  std::filesystem::create_directory(log_folder_, error);
  // access() tells a file system that is mounted read-only, also to root.
  if (error || ::access(log_folder_.c_str(), R_OK | W_OK | X_OK) != 0)
    return ReadOnlyFile(log_folder_);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int>> SqliteChunkStore::ListFiles() {
  std::vector<int> numbers;
  std::vector<std::filesystem::path> leftovers;
  std::error_code error;
  for (const auto& item : std::filesystem::directory_iterator(log_folder_, error)) {
    if (IsLeftover(item.path())) leftovers.push_back(item.path());
    if (const int number = NumberOf(item.path()); number > 0) numbers.push_back(number);
  }
  if (error) return absl::InternalError(absl::StrCat(log_folder_, ": ", error.message()));
  for (const auto& path : leftovers) std::filesystem::remove(path, error);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

absl::Status SqliteChunkStore::OpenFiles() {
  ASSIGN_OR_RETURN(std::vector<int> numbers, ListFiles());
  if (numbers.empty()) {
    RETURN_IF_ERROR(CreateChunkFile(PathOf(kFirstNumber), RandomSeed()));
    numbers.push_back(kFirstNumber);
  }
  for (const int number : numbers) {
    const std::string path = PathOf(number);
    ASSIGN_OR_RETURN(const OpenedChunkFile opened, InspectChunkFile(path));
    if (files_.empty()) seed_ = opened.seed;
    if (opened.seed != seed_)
      return DamagedFile(path, "it is of another event log than the files before it");
    const File file{number, path, opened.summary, opened.sealed};
    // One that was opened ahead waits for its turn again; there are two where a crash came between
    // a file's turn and its first entry.
    if (!files_.empty() && file.summary.empty()) {
      next_number_ = number;
      break;
    }
    RETURN_IF_ERROR(CheckContinuity(file));
    files_.push_back(file);
  }
  if (next_number_ == 0) next_number_ = files_.back().number + 1;
  return absl::OkStatus();
}

absl::Status SqliteChunkStore::CheckContinuity(const File& file) const {
  if (files_.empty()) return absl::OkStatus();
  const File& before = files_.back();
  const bool follows = file.number == before.number + 1 && !before.summary.empty() &&
                       file.summary.first_position == before.summary.last_position + 1;
  if (follows) return absl::OkStatus();
  return DamagedFile(file.path,
                     absl::StrCat("it starts at position ", file.summary.first_position, ", and ",
                                  before.path, " ends at ", before.summary.last_position,
                                  ": a file or a part of one is missing"));
}

absl::Status SqliteChunkStore::OpenLive() {
  ASSIGN_OR_RETURN(writer_, ChunkWriter::Open(files_.back().path, seed_));
  indexed_ = writer_->indexed();
  return absl::OkStatus();
}

absl::Status SqliteChunkStore::CheckAppend(const LogEntry& entry) const {
  if (!stopped_.ok()) return LogStopped(stopped_);
  return CheckComesNext(entry, LastPosition() + 1, NextSequence());
}

absl::Status SqliteChunkStore::Append(const LogEntry& entry) {
  RETURN_IF_ERROR(CheckAppend(entry));
  ASSIGN_OR_RETURN(const EncodedChunk chunk, EncodeChunk(entry));
  SwitchToNextIfFull();
  IndexedAttributes indexed;
  {
    MutexLock lock(mutex_);
    indexed = indexed_;
  }
  const absl::Status status = writer_->Append(entry, chunk, indexed);
  if (status.ok()) {
    NoteAppended(entry, chunk);
  } else if (!IsDiskFull(status)) {
    stopped_ = status;
  }
  return status;
}

// Where the next file is not ready, the live one grows on.
void SqliteChunkStore::SwitchToNextIfFull() {
  if (writer_->SizeBytes() < options_.file_bytes) return;
  MutexLock lock(mutex_);
  if (files_.back().summary.empty()) return;
  next_failed_ = seal_failed_ = false;
  maintenance_.notify_all();
  if (next_writer_ == nullptr) return;
  files_.push_back({next_number_, PathOf(next_number_), {}, false});
  ++next_number_;
  writer_ = std::move(next_writer_);
}

void SqliteChunkStore::NoteAppended(const LogEntry& entry, const EncodedChunk& chunk) {
  MutexLock lock(mutex_);
  // The first entry of a file lets the file before it be sealed.
  if (files_.back().summary.empty()) maintenance_.notify_all();
  files_.back().summary.Add(entry, chunk);
}

std::vector<SqliteChunkStore::File> SqliteChunkStore::Snapshot() const {
  MutexLock lock(mutex_);
  return files_;
}

namespace {

// A file that has just become the live one is empty until its first Append is through.
template <typename Files>
const ChunkFileSummary& LastSummary(const Files& files) {
  const bool last_is_new = files.back().summary.empty() && files.size() > 1;
  return last_is_new ? files[files.size() - 2].summary : files.back().summary;
}

}  // namespace

LogPosition SqliteChunkStore::LastPosition() const {
  MutexLock lock(mutex_);
  return LastSummary(files_).last_position;
}

int64_t SqliteChunkStore::NextSequence() const {
  MutexLock lock(mutex_);
  return LastSummary(files_).next_sequence;
}

LogPosition SqliteChunkStore::FirstPosition() const {
  MutexLock lock(mutex_);
  return std::max<LogPosition>(1, files_.front().summary.first_position);
}

int64_t SqliteChunkStore::LastMarkTimeUs() const {
  MutexLock lock(mutex_);
  return LastSummary(files_).last_mark_time_us;
}

absl::Status SqliteChunkStore::Read(LogPosition from, LogVisitor visit) const {
  const std::vector<File> files = Snapshot();
  const LogPosition first = std::max<LogPosition>(1, files.front().summary.first_position);
  if (from < first) return BeforeFirstPosition(from, first);
  LogPosition next = from;
  for (const File& file : files) {
    while (next <= file.summary.last_position) {
      // Taken anew for each part, so that it is not kept while the visitor is at work.
      absl::StatusOr<std::vector<std::unique_ptr<LogEntry>>> entries;
      {
        ASSIGN_OR_RETURN(auto reader, readers_.Take(file.path));
        entries = reader->Read(next, file.summary.last_position);
      }
      RETURN_IF_ERROR(entries.status());
      for (const auto& entry : *entries) RETURN_IF_ERROR(visit(*entry));
      next += static_cast<LogPosition>(entries->size());
    }
  }
  return absl::OkStatus();
}

absl::Status SqliteChunkStore::Retire(LogPosition before, int64_t older_than_us) {
  std::vector<std::string> retired;
  {
    MutexLock lock(mutex_);
    // The last with entries stays: it tells the position at the next start.
    const size_t kept = files_.back().summary.empty() ? 2 : 1;
    while (files_.size() > kept) {
      const File& oldest = files_.front();
      const ChunkFileSummary& summary = oldest.summary;
      if (!oldest.sealed || summary.last_position >= before ||
          summary.last_write_time_us >= older_than_us)
        break;
      // New users come by Snapshot alone, which needs the lock.
      if (oldest.in_use.use_count() > 1) break;
      retired.push_back(oldest.path);
      files_.erase(files_.begin());
    }
  }
  for (const std::string& path : retired) {
    readers_.Forget(path);
    RemoveFile(path);
  }
  return absl::OkStatus();
}

void SqliteChunkStore::SetIndexedAttributes(IndexedAttributes attributes) {
  MutexLock lock(mutex_);
  indexed_ = std::move(attributes);
}

absl::StatusOr<EventPage> SqliteChunkStore::List(const EventQuery& query) const {
  Source source(*this, Snapshot());
  return ListEvents(query, source);
}

void SqliteChunkStore::AwaitMaintenance() {
  MutexLock lock(mutex_);
  next_failed_ = seal_failed_ = false;
  busy_ = true;
  maintenance_.notify_all();
  idle_.wait(lock, [this] { return !busy_; });
}

void SqliteChunkStore::MaintenanceLoop() {
  MutexLock lock(mutex_);
  while (!closing_) {
    busy_ = true;
    if (DoMaintenance(lock)) continue;
    busy_ = false;
    idle_.notify_all();
    maintenance_.wait(lock);
  }
  busy_ = false;
  idle_.notify_all();
}

bool SqliteChunkStore::DoMaintenance(MutexLock& lock) {
  if (next_writer_ == nullptr && !next_failed_) {
    OpenNext(lock);
    return true;
  }
  if (seal_failed_) return false;
  for (size_t i = 0; i + 1 < files_.size(); ++i) {
    // While the next has no entry, a restart goes on with this one.
    if (files_[i].sealed || files_[i + 1].summary.empty()) continue;
    SealFile(i, lock);
    return true;
  }
  return false;
}

void SqliteChunkStore::OpenNext(MutexLock& lock) {
  const std::string path = PathOf(next_number_);
  lock.unlock();
  absl::StatusOr<std::unique_ptr<ChunkWriter>> writer = CreateAndOpen(path, seed_);
  lock.lock();
  if (writer.ok()) {
    next_writer_ = *std::move(writer);
    return;
  }
  next_failed_ = true;
  spdlog::warn("the next log file could not be opened: {}", std::string(writer.status().message()));
}

void SqliteChunkStore::SealFile(size_t index, MutexLock& lock) {
  const File file = files_[index];
  lock.unlock();
  const absl::Status status = SealChunkFile(file.path, file.summary);
  lock.lock();
  if (!status.ok()) {
    seal_failed_ = true;
    spdlog::warn("{} could not be checkpointed yet: {}", file.path, std::string(status.message()));
    return;
  }
  // Retire leaves files that are not sealed, so that it is still there, though it may have moved.
  for (File& known : files_) known.sealed = known.sealed || known.number == file.number;
}

}  // namespace lapse::storage
