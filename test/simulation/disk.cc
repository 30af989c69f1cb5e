#include "test/simulation/disk.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "test/simulation/scheduler.h"

namespace lapse::simulation {
namespace {

constexpr uint64_t kSyncUs = 4'000;
constexpr uint64_t kSlowSyncUs = 3'000'000;
constexpr uint64_t kSlowSyncOneIn = 400;
constexpr uint64_t kTracePrime = 0x100000001b3;

bool IsChange(Operation kind) {
  return kind == Operation::kWrite || kind == Operation::kSync || kind == Operation::kName;
}

bool IsIn(const std::string& folder, const std::string& path) { return FolderOf(path) == folder; }

}  // namespace

std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

Disk& Disk::Get() {
  static Disk* const disk = new Disk;
  return *disk;
}

void Disk::Begin(uint64_t seed) {
  random_.seed(seed);
  names_[kDiskRoot] = std::make_shared<Inode>(true);
  names_on_disk_ = names_;
}

void Disk::FailAfter(Operation kind, int64_t operations) {
  fault_kind_ = kind;
  operations_until_fault_ = operations;
}

int Disk::Begin(Operation kind, const std::string& what, int64_t offset, int64_t size) {
  TakeTime(kind);
  ++operations_;
  const uint64_t value = std::hash<std::string>()(what) ^ (static_cast<uint64_t>(offset) << 20) ^
                         static_cast<uint64_t>(size * 8 + static_cast<int>(kind));
  trace_ = (trace_ ^ value) * kTracePrime;
  if (IsChange(kind) && changes_until_crash_ >= 0 && changes_until_crash_-- == 0) die_();
  if (kind == fault_kind_ && operations_until_fault_ >= 0 && operations_until_fault_-- == 0) {
    fault_hit_ = true;
    return EIO;
  }
  return 0;
}

// A sync takes milliseconds, seldom seconds; meanwhile others run.
void Disk::TakeTime(Operation kind) {
  Scheduler& scheduler = *Scheduler::Get();
  if (!scheduler.InTask()) return;
  if (kind != Operation::kSync) return scheduler.Preempt();
  const bool slow = random_() % kSlowSyncOneIn == 0;
  const int64_t took_us = static_cast<int64_t>(random_() % (slow ? kSlowSyncUs : kSyncUs));
  ++syncing_;
  const int64_t end_us = scheduler.steady_us() + 1 + took_us;
  while (scheduler.steady_us() < end_us) {
    scheduler.Wait(this, scheduler.wall_us() + end_us - scheduler.steady_us());
  }
  --syncing_;
}

void Disk::Kill() {
  changes_until_crash_ = operations_until_fault_ = -1;
  syncing_ = 0;
  fault_hit_ = false;
  for (const auto& [path, inode] : names_) inode->attachment.reset();
}

void Disk::PowerOff() {
  Kill();
  CrashNames();
  std::vector<Inode*> done;
  for (const auto& [path, inode] : names_) {
    if (std::find(done.begin(), done.end(), inode.get()) != done.end()) continue;
    inode->Crash(random_);
    done.push_back(inode.get());
  }
}

void Disk::Apply(const NameChange& change, std::map<std::string, InodeRef>& names) const {
  if (change.made != nullptr) {
    names[change.from] = change.made;
  } else if (change.to.empty()) {
    names.erase(change.from);
  } else if (const auto found = names.find(change.from); found != names.end()) {
    const InodeRef moved = found->second;
    names.erase(found);
    names[change.to] = moved;
  }
}

// File systems keep changes of names in order, by a journal: some of the last ones are forgotten.
void Disk::CrashNames() {
  const size_t kept = random_() % (unsynced_names_.size() + 1);
  for (size_t i = 0; i < kept; ++i) Apply(unsynced_names_[i], names_on_disk_);
  unsynced_names_.clear();
  // What lay in a folder that is forgotten is gone with it.
  for (auto it = names_on_disk_.begin(); it != names_on_disk_.end();) {
    const bool has_folder = it->first == kDiskRoot || names_on_disk_.contains(FolderOf(it->first));
    it = has_folder ? std::next(it) : names_on_disk_.erase(it);
  }
  names_ = names_on_disk_;
}

InodeRef Disk::Find(const std::string& path) const {
  const auto found = names_.find(path);
  return found == names_.end() ? nullptr : found->second;
}

int Disk::Create(const std::string& path, bool is_folder, InodeRef* made) {
  if (const int code = Begin(Operation::kName, path, 1, is_folder)) return code;
  if (Find(path) != nullptr) return EEXIST;
  if (Find(FolderOf(path)) == nullptr) return ENOENT;
  if (full_) return ENOSPC;
  *made = std::make_shared<Inode>(is_folder);
  unsynced_names_.push_back({path, "", *made});
  Apply(unsynced_names_.back(), names_);
  return 0;
}

int Disk::Remove(const std::string& path) {
  if (const int code = Begin(Operation::kName, path, 2, 0)) return code;
  const InodeRef inode = Find(path);
  if (inode == nullptr) return ENOENT;
  if (inode->is_folder() && !List(path).empty()) return ENOTEMPTY;
  unsynced_names_.push_back({path, "", nullptr});
  Apply(unsynced_names_.back(), names_);
  return 0;
}

int Disk::Rename(const std::string& from, const std::string& to) {
  if (const int code = Begin(Operation::kName, from + to, 3, 0)) return code;
  if (Find(from) == nullptr) return ENOENT;
  unsynced_names_.push_back({from, to, nullptr});
  Apply(unsynced_names_.back(), names_);
  return 0;
}

std::vector<std::string> Disk::List(const std::string& folder) const {
  std::vector<std::string> found;
  for (const auto& [path, inode] : names_) {
    if (path != kDiskRoot && IsIn(folder, path)) found.push_back(path.substr(folder.size() + 1));
  }
  return found;
}

int Disk::SyncFolder(const std::string& folder) {
  if (const int code = Begin(Operation::kSync, folder, 0, 0)) return code;
  std::vector<NameChange> others;
  for (const NameChange& change : unsynced_names_) {
    if (IsIn(folder, change.from)) {
      Apply(change, names_on_disk_);
    } else {
      others.push_back(change);
    }
  }
  unsynced_names_ = std::move(others);
  return 0;
}

int Disk::Look() { return Begin(Operation::kLook, "", 0, 0); }

int Disk::Read(const InodeRef& inode, int64_t offset, char* data, int64_t size, int64_t* read) {
  if (const int code = Begin(Operation::kRead, "", offset, size)) return code;
  *read = inode->Read(offset, data, size);
  return 0;
}

int Disk::Write(const InodeRef& inode, int64_t offset, const char* data, int64_t size) {
  const int code = Begin(Operation::kWrite, "", offset, size);
  if (code != 0) {
    // Any part of it may have been written.
    inode->Write(offset, data, size == 0 ? 0 : static_cast<int64_t>(random_() % size), random_);
    return code;
  }
  if (full_ && offset + size > inode->size()) return ENOSPC;
  inode->Write(offset, data, size, random_);
  return 0;
}

int Disk::Truncate(const InodeRef& inode, int64_t size) {
  if (const int code = Begin(Operation::kWrite, "", -1, size)) return code;
  if (full_ && size > inode->size()) return ENOSPC;
  inode->Truncate(size);
  return 0;
}

int Disk::Sync(const InodeRef& inode) {
  if (const int code = Begin(Operation::kSync, "", 0, inode->size())) {
    inode->FailSync(random_);
    return code;
  }
  inode->Sync();
  return 0;
}

}  // namespace lapse::simulation
