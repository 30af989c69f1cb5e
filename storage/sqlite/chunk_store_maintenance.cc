// SqliteChunkStore: opening files ahead, and sealing those that are full.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/status_macros.h"
#include "spdlog/spdlog.h"
#include "storage/sqlite/chunk_store.h"

namespace lapse::storage {
namespace {

// The lowest priority that still gets something: whatever else is to be done goes first.
constexpr int kBackgroundNice = 19;

// Of the calling thread alone, as Linux has it. Where it fails the sealing is in the way of others,
// and no worse.
void LowerPriority() {
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kBackgroundNice);
}

absl::StatusOr<std::unique_ptr<ChunkWriter>> CreateAndOpen(const std::string& path, uint64_t seed,
                                                           int64_t file_bytes) {
  // It is there already where the process ended before its turn came.
  if (!std::filesystem::exists(path)) RETURN_IF_ERROR(CreateChunkFile(path, seed));
  return ChunkWriter::Open(path, file_bytes);
}

}  // namespace

void SqliteChunkStore::AwaitMaintenance() {
  MutexLock lock(mutex_);
  next_failed_ = seal_failed_ = false;
  maintaining_ = sealing_ = true;
  maintenance_.notify_all();
  sealer_.notify_all();
  idle_.wait(lock, [this] { return !maintaining_ && !sealing_; });
}

void SqliteChunkStore::MaintenanceLoop() {
  MutexLock lock(mutex_);
  while (!closing_) {
    maintaining_ = true;
    if (DoMaintenance(lock)) continue;
    maintaining_ = false;
    idle_.notify_all();
    maintenance_.wait(lock);
  }
  maintaining_ = false;
  idle_.notify_all();
}

bool SqliteChunkStore::DoMaintenance(MutexLock& lock) {
  if (next_writer_ == nullptr && !next_failed_) {
    OpenNext(lock);
    return true;
  }
  if (!old_writers_.empty()) {
    std::vector<std::unique_ptr<ChunkWriter>> closed;
    closed.swap(old_writers_);
    lock.unlock();
    closed.clear();
    lock.lock();
    return true;
  }
  return CheckpointOldest(lock);
}

void SqliteChunkStore::OpenNext(MutexLock& lock) {
  const std::string path = folder_.ChunkFilePath(next_number_);
  lock.unlock();
  absl::StatusOr<std::unique_ptr<ChunkWriter>> writer =
      CreateAndOpen(path, seed_, options_.file_bytes);
  lock.lock();
  if (writer.ok()) {
    next_writer_ = *std::move(writer);
    return;
  }
  next_failed_ = true;
  spdlog::warn("the next log file could not be opened: {}", std::string(writer.status().message()));
}

// Full files are sealed from their WAL. Where they wait too long for that their WALs are bounded.
bool SqliteChunkStore::CheckpointOldest(MutexLock& lock) {
  int64_t wal_bytes = 0;
  File* oldest = nullptr;
  for (File& file : files_) {
    if (file.sealed != nullptr || &file == &files_.back()) continue;
    if (oldest == nullptr && file.wal_bytes > 0 && !file.checkpoint_failed) oldest = &file;
    wal_bytes += file.wal_bytes;
  }
  if (oldest == nullptr || wal_bytes <= options_.max_unsealed_wal_bytes) return false;
  const int number = oldest->number;
  absl::Status status;
  {
    const std::shared_ptr<HeldFile> held = oldest->held;
    lock.unlock();
    status = CheckpointChunkFile(held->path());
    if (!status.ok())
      spdlog::warn("{} could not be checkpointed yet: {}", held->path(),
                   std::string(status.message()));
    // Where it is the last to hold the file, that is removed here, with the lock released.
  }
  lock.lock();
  File* known = Find(number);
  if (known != nullptr && status.ok()) known->wal_bytes = 0;
  // Its reader may stay for long: the others come first then.
  if (known != nullptr) known->checkpoint_failed = !status.ok();
  return true;
}

void SqliteChunkStore::SealerLoop() {
  MutexLock lock(mutex_);
  while (!closing_) {
    sealing_ = true;
    if (SealNext(lock)) continue;
    sealing_ = false;
    idle_.notify_all();
    sealer_.wait(lock);
  }
  sealing_ = false;
  idle_.notify_all();
}

SqliteChunkStore::File* SqliteChunkStore::Find(int number) {
  const auto found = std::find_if(files_.begin(), files_.end(),
                                  [&](const File& file) { return file.number == number; });
  return found == files_.end() ? nullptr : &*found;
}

SqliteChunkStore::File* SqliteChunkStore::Sealable() {
  for (size_t i = 0; i + 1 < files_.size(); ++i) {
    // While the next has no entry, a restart goes on with this one.
    const bool is_full = !files_[i + 1].summary.empty() || files_[i].version < kChunkFileVersion;
    if (files_[i].sealed == nullptr && !files_[i].unsealable && is_full) return &files_[i];
  }
  return nullptr;
}

int SqliteChunkStore::UnsealedLocked() const {
  return static_cast<int>(std::count_if(files_.begin(), files_.end() - 1, [](const File& file) {
    return file.sealed == nullptr && !file.unsealable;
  }));
}

int SqliteChunkStore::UnsealedFiles() const {
  MutexLock lock(mutex_);
  return UnsealedLocked();
}

bool SqliteChunkStore::SealNext(MutexLock& lock) {
  if (seal_failed_ || !options_.seal_files) return false;
  const File* next = Sealable();
  if (next == nullptr) return false;
  std::optional<File> file = *next;
  const int number = file->number;
  const std::string path = file->path();
  std::set<std::string> attributes = file->index->Attributes();
  attributes.insert(indexed_->begin(), indexed_->end());
  lock.unlock();
  const absl::Status status = SealFile(*file, {attributes.begin(), attributes.end()});
  // Where it is the last to hold the file, that is removed here, with the lock released.
  file.reset();
  lock.lock();
  if (status.ok() || closing_) return true;
  if (absl::IsDataLoss(status)) {
    if (File* known = Find(number); known != nullptr) known->unsealable = true;
    spdlog::error("{} is left as it is: {}", path, std::string(status.message()));
    return true;
  }
  seal_failed_ = true;
  spdlog::warn("{} could not be sealed yet: {}", path, std::string(status.message()));
  return true;
}

absl::Status SqliteChunkStore::SealFile(const File& file, const IndexedAttributes& indexed) {
  File sealed_one;
  sealed_one.number = file.number;
  sealed_one.held = std::make_shared<HeldFile>(folder_.SealedFilePath(file.number), readers_);
  ASSIGN_OR_RETURN(auto job, SealJob::Start({.source = file.path(),
                                             .target = sealed_one.path(),
                                             .summary = file.summary,
                                             .seed = seed_,
                                             .indexed = indexed},
                                            readers_));
  for (bool done = false; !done;) {
    const bool urgent = UnsealedFiles() > limits::kMaxUnsealedFiles;
    ASSIGN_OR_RETURN(done, RunJob(*job, urgent));
    if (closing_ && !done) return absl::CancelledError("the store is being closed");
  }
  ASSIGN_OR_RETURN(sealed_one.sealed, SealedFile::Open(sealed_one.path()));
  sealed_one.summary = sealed_one.sealed->summary();
  return Swap(sealed_one);
}

// Runs the job to its end, or until it is to run otherwise. In a thread of its own, since a thread
// that has lowered its priority may not raise it again.
absl::StatusOr<bool> SqliteChunkStore::RunJob(SealJob& job, bool urgent) const {
  absl::StatusOr<bool> done = false;
  std::thread worker([&] {
    if (!urgent) LowerPriority();
    do {
      done = job.Step();
    } while (done.ok() && !*done && !closing_ &&
             urgent == (UnsealedFiles() > limits::kMaxUnsealedFiles));
  });
  worker.join();
  return done;
}

absl::Status SqliteChunkStore::Swap(const File& sealed_one) {
  std::shared_ptr<HeldFile> replaced;
  MutexLock lock(mutex_);
  File* known = Find(sealed_one.number);
  // It was retired meanwhile.
  if (known == nullptr) {
    sealed_one.held->Doom();
    return absl::OkStatus();
  }
  if (known->summary.last_position != sealed_one.summary.last_position ||
      known->summary.next_sequence != sealed_one.summary.next_sequence) {
    sealed_one.held->Doom();
    return absl::InternalError("the sealed file differs from its source");
  }
  replaced = known->held;
  replaced->Doom();
  *known = sealed_one;
  known->replaced = replaced;
  lock.unlock();
  return absl::OkStatus();
}

}  // namespace lapse::storage
