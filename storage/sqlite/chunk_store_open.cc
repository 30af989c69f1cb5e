// SqliteChunkStore: which files there are, and whether they are whole.
#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/uuid.h"
#include "spdlog/spdlog.h"
#include "storage/sqlite/chunk_store.h"

namespace lapse::storage {
namespace {

constexpr int kFirstNumber = 1;

}  // namespace

SqliteChunkStore::SqliteChunkStore(const SqliteChunkStoreOptions& options)
    : options_(options), folder_((std::filesystem::path(options.folder) / "log").string()) {}

absl::StatusOr<std::unique_ptr<SqliteChunkStore>> SqliteChunkStore::Open(
    const SqliteChunkStoreOptions& options) {
  std::unique_ptr<SqliteChunkStore> store(new SqliteChunkStore(options));
  RETURN_IF_ERROR(store->folder_.Prepare());
  ASSIGN_OR_RETURN(const LogFolder::Contents contents, store->folder_.List());
  RETURN_IF_ERROR(store->OpenFiles(contents));
  RETURN_IF_ERROR(store->CheckEnd());
  RETURN_IF_ERROR(store->CheckAcknowledged());
  // Not by a start that is refused: a WAL may be all that is left of what was acknowledged.
  LogFolder::RemoveLeftovers(contents);
  RETURN_IF_ERROR(store->OpenLive());
  store->thread_ = std::thread([s = store.get()] { s->MaintenanceLoop(); });
  store->sealer_thread_ = std::thread([s = store.get()] { s->SealerLoop(); });
  return store;
}

SqliteChunkStore::File SqliteChunkStore::NewFile(int number) const {
  File file;
  file.number = number;
  file.held = std::make_shared<HeldFile>(folder_.ChunkFilePath(number), readers_);
  file.index = std::make_shared<LiveChunkIndex>();
  return file;
}

absl::Status SqliteChunkStore::OpenFiles(const LogFolder::Contents& contents) {
  lost_ = contents.lost;
  for (const auto& [number, names] : contents.files) {
    std::optional<File> file;
    if (names.has_sealed_file) {
      ASSIGN_OR_RETURN(file, OpenSealed(number, names.has_chunk_file));
    }
    if (!file && names.has_chunk_file) {
      ASSIGN_OR_RETURN(file, OpenChunkFile(number, number == contents.files.rbegin()->first));
    }
    if (!file) continue;
    // One that was opened ahead waits for its turn again.
    if (file->summary.empty() && !files_.empty() && file->version == kChunkFileVersion) break;
    RETURN_IF_ERROR(CheckContinuity(*file));
    if (!file->summary.empty()) damage_at_end_ = absl::OkStatus();
    files_.push_back(*std::move(file));
  }
  return absl::OkStatus();
}

// Unset where it is of no use; where there is an SQLite file too, that one is then.
absl::StatusOr<std::optional<SqliteChunkStore::File>> SqliteChunkStore::OpenSealed(
    int number, bool has_chunk_file) {
  const std::string path = folder_.SealedFilePath(number);
  absl::StatusOr<std::shared_ptr<const SealedFile>> sealed = SealedFile::Open(path);
  if (absl::IsDataLoss(sealed.status())) {
    spdlog::error("left out a part of the event log: {}", std::string(sealed.status().message()));
    if (!has_chunk_file) set_aside_.insert(number);
    return std::nullopt;
  }
  RETURN_IF_ERROR(sealed.status());
  // A crash came between the new file and the removal of the old one.
  if (has_chunk_file) RemoveChunkFile(folder_.ChunkFilePath(number));
  File file;
  file.number = number;
  file.summary = (*sealed)->summary();
  file.held = std::make_shared<HeldFile>(path, readers_);
  RETURN_IF_ERROR(CheckSeed(file, (*sealed)->seed()));
  file.sealed = *std::move(sealed);
  return file;
}

absl::StatusOr<std::optional<SqliteChunkStore::File>> SqliteChunkStore::OpenChunkFile(
    int number, bool is_last) {
  File file = NewFile(number);
  absl::StatusOr<OpenedChunkFile> opened = InspectChunkFile(file.path());
  if (absl::IsDataLoss(opened.status()) && !is_last) {
    spdlog::error("left out a part of the event log: {}", std::string(opened.status().message()));
    set_aside_.insert(number);
    damage_at_end_ = opened.status();
    return std::nullopt;
  }
  RETURN_IF_ERROR(opened.status());
  RETURN_IF_ERROR(CheckSeed(file, opened->seed));
  file.summary = opened->summary;
  file.index = opened->index;
  file.version = opened->version;
  file.wal_bytes = WalBytes(file.path());
  // Nothing of version 1 is kept that holds nothing.
  if (file.version == kChunkFileVersion || !file.summary.empty()) return file;
  RemoveChunkFile(file.path());
  return std::nullopt;
}

absl::Status SqliteChunkStore::CheckSeed(const File& file, uint64_t seed) {
  if (seed_ == 0) seed_ = seed;
  if (seed == seed_) return absl::OkStatus();
  return DamagedFile(file.path(), "it is of another event log than the files before it");
}

absl::Status SqliteChunkStore::CheckContinuity(const File& file) {
  if (files_.empty() || file.summary.empty()) return absl::OkStatus();
  const ChunkFileSummary& before = files_.back().summary;
  const LostRange gap = {before.last_position + 1, file.summary.first_position - 1};
  if (gap.first == gap.last + 1) return absl::OkStatus();
  const absl::Status damage = DamagedFile(
      file.path(), absl::StrCat("it starts at position ", file.summary.first_position, ", and ",
                                files_.back().path(), " ends at ", before.last_position,
                                ": a file or a part of one is missing"));
  if (gap.first > gap.last) return damage;
  if (IsAccepted(gap)) return absl::OkStatus();
  // What is damaged is still there; whether it is needed is for Read to tell.
  const auto aside = set_aside_.upper_bound(files_.back().number);
  if (aside != set_aside_.end() && *aside < file.number && !options_.accept_loss)
    return absl::OkStatus();
  return AcceptLoss(gap, file.summary.first_sequence - before.next_sequence, damage);
}

absl::Status SqliteChunkStore::AcceptLoss(const LostRange& lost, int64_t events,
                                          const absl::Status& damage) const {
  if (!options_.accept_loss) return damage;
  RETURN_IF_ERROR(folder_.AddLost(lost));
  const std::string counted = events > 0 ? absl::StrCat(" with ", events, " events") : "";
  spdlog::error("accepted the loss of positions {} to {}{}: {}", lost.first, lost.last, counted,
                std::string(damage.message()));
  MutexLock lock(mutex_);
  lost_.push_back(lost);
  return absl::OkStatus();
}

// Where nothing comes after what is damaged, nothing tells how much it was.
absl::Status SqliteChunkStore::CheckEnd() const {
  if (damage_at_end_.ok() || options_.accept_loss) return absl::OkStatus();
  const LogPosition next = files_.empty() ? 1 : files_.back().summary.last_position + 1;
  return IsAccepted({next, next}) ? absl::OkStatus() : damage_at_end_;
}

// What was acknowledged must be there.
absl::Status SqliteChunkStore::CheckAcknowledged() {
  const std::string path = folder_.AcknowledgedPath();
  const std::optional<Acknowledged> noted = ReadAcknowledged(path);
  const ChunkFileSummary last = files_.empty() ? ChunkFileSummary() : files_.back().summary;
  start_position_ = last.last_position + 1;
  start_sequence_ = last.next_sequence;
  start_mark_time_us_ = last.last_mark_time_us;
  if (!noted || noted->position <= last.last_position) return absl::OkStatus();
  if (seed_ != 0 && noted->seed != seed_) return absl::OkStatus();
  const LostRange lost = {last.last_position + 1, noted->position};
  const std::string& damaged = files_.empty() ? path : files_.back().path();
  if (!IsAccepted(lost)) {
    RETURN_IF_ERROR(AcceptLoss(
        lost, noted->next_sequence - last.next_sequence,
        DamagedFile(damaged, absl::StrCat("positions ", lost.first, " to ", lost.last,
                                          " were acknowledged, and it ends before them"))));
  }
  if (seed_ == 0) seed_ = noted->seed;
  start_position_ = noted->position + 1;
  start_sequence_ = noted->next_sequence;
  start_mark_time_us_ = std::max(start_mark_time_us_, noted->mark_time_us);
  return absl::OkStatus();
}

absl::Status SqliteChunkStore::OpenLive() {
  ASSIGN_OR_RETURN(acknowledged_, AcknowledgedFile::Open(folder_.AcknowledgedPath()));
  if (seed_ == 0) seed_ = RandomSeed();
  const bool goes_on = !files_.empty() && files_.back().sealed == nullptr &&
                       files_.back().version == kChunkFileVersion &&
                       files_.back().summary.last_position + 1 == start_position_;
  if (!goes_on) {
    const int highest = std::max(files_.empty() ? 0 : files_.back().number,
                                 set_aside_.empty() ? 0 : *set_aside_.rbegin());
    File file = NewFile(std::max(highest + 1, kFirstNumber));
    // It is there already where the process ended before its turn came.
    if (!std::filesystem::exists(file.path())) RETURN_IF_ERROR(CreateChunkFile(file.path(), seed_));
    files_.push_back(std::move(file));
  }
  ASSIGN_OR_RETURN(writer_, ChunkWriter::Open(files_.back().path(), options_.file_bytes));
  files_.back().wal_bytes = 0;
  next_number_ = files_.back().number + 1;
  return absl::OkStatus();
}

}  // namespace lapse::storage
