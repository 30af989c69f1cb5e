// A disk in memory that remembers what a crash may take: what was written since the last sync of a
// file, and names that were made, moved or removed since the last sync of their folder.
#ifndef LAPSE_TEST_SIMULATION_DISK_H_
#define LAPSE_TEST_SIMULATION_DISK_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace lapse::simulation {

// Everything below it is on the simulated disk.
inline constexpr char kDiskRoot[] = "/lapse-simulation";

inline constexpr int64_t kSectorBytes = 512;

// A file or folder, by whatever name. Its content as the running system sees it, and as it is on
// disk: sector by sector, since a write may be torn between sectors and kept in part.
class Inode {
 public:
  explicit Inode(bool is_folder) : is_folder_(is_folder) {}

  bool is_folder() const { return is_folder_; }
  int64_t size() const { return static_cast<int64_t>(bytes_.size()); }
  // How much was read: less than `size` at the end.
  int64_t Read(int64_t offset, char* data, int64_t size) const;
  // `random` decides whether the system had written the sectors back by itself before.
  void Write(int64_t offset, const char* data, int64_t size, std::mt19937_64& random);
  void Truncate(int64_t size);
  void Sync();
  // A sync that failed: what of it is on disk nobody knows, and later syncs do not say.
  void FailSync(std::mt19937_64& random);
  // What a crash leaves: any part of what was not synced.
  void Crash(std::mt19937_64& random);

  // What those who have it open share in memory; gone with a crash.
  std::shared_ptr<void> attachment;

 private:
  // What is on disk of a sector that was changed since.
  struct OnDisk {
    std::string bytes;
    // A failed sync took it: the next one passes over it.
    bool lost = false;
  };

  void NoteChange(int64_t sector);
  std::string SectorOf(const std::string& bytes, int64_t sector) const;

  const bool is_folder_;
  std::string bytes_;
  std::map<int64_t, OnDisk> unsynced_;
  int64_t synced_size_ = 0;
};

using InodeRef = std::shared_ptr<Inode>;

// What an operation does, for faults and the trace.
enum class Operation { kRead, kWrite, kSync, kName, kLook };

// Used by the thread that has the scheduler's baton. Every operation may be the one in front of
// which the life ends (it then does not return), or one that fails; errors are errno values, 0 for
// none.
class Disk {
 public:
  static Disk& Get();
  void Begin(uint64_t seed);

  // Faults, set by the driver.
  //
  // Dies in front of the operation that comes after so many that change something; -1: never.
  void CrashAfter(int64_t changes) { changes_until_crash_ = changes; }
  // The operation of that kind after so many of them fails with EIO; -1: none.
  void FailAfter(Operation kind, int64_t operations);
  // Whether one has failed since the last Kill.
  bool fault_hit() const { return fault_hit_; }
  // Writes that need more space fail with ENOSPC.
  void SetFull(bool full) { full_ = full; }
  bool full() const { return full_; }
  // Whether a sync is under way, which takes time.
  bool syncing() const { return syncing_ > 0; }
  // Called where the life ends by CrashAfter.
  void OnCrash(std::function<void()> die) { die_ = std::move(die); }
  // No fault is to come any more, handles that are open mean nothing any more. Nothing is lost...
  void Kill();
  // ... or what was not synced is, in any part.
  void PowerOff();

  // Names are absolute and normal. ENOENT, EEXIST, EISDIR, EIO, ENOSPC as the system's calls.
  InodeRef Find(const std::string& path) const;
  int Create(const std::string& path, bool is_folder, InodeRef* made);
  int Remove(const std::string& path);
  int Rename(const std::string& from, const std::string& to);
  // The names in a folder, without it.
  std::vector<std::string> List(const std::string& folder) const;
  int SyncFolder(const std::string& folder);

  int Read(const InodeRef& inode, int64_t offset, char* data, int64_t size, int64_t* read);
  int Write(const InodeRef& inode, int64_t offset, const char* data, int64_t size);
  int Truncate(const InodeRef& inode, int64_t size);
  int Sync(const InodeRef& inode);
  // Before any other look at the disk.
  int Look();

  // A hash over all operations in order: the same for the same life.
  uint64_t trace() const { return trace_; }
  int64_t operations() const { return operations_; }

 private:
  // A change of names that is not on disk yet; `to` only for a rename, `made` only for a new one.
  struct NameChange {
    std::string from;
    std::string to;
    InodeRef made;
  };

  void TakeTime(Operation kind);
  int Begin(Operation kind, const std::string& what, int64_t offset, int64_t size);
  void Apply(const NameChange& change, std::map<std::string, InodeRef>& names) const;
  void CrashNames();

  std::mt19937_64 random_;
  std::map<std::string, InodeRef> names_;
  std::map<std::string, InodeRef> names_on_disk_;
  // In order.
  std::vector<NameChange> unsynced_names_;
  int64_t changes_until_crash_ = -1;
  int64_t operations_until_fault_ = -1;
  Operation fault_kind_ = Operation::kLook;
  bool fault_hit_ = false;
  int syncing_ = 0;
  bool full_ = false;
  std::function<void()> die_;
  uint64_t trace_ = 0;
  int64_t operations_ = 0;
};

// The folder of a name.
std::string FolderOf(const std::string& path);

}  // namespace lapse::simulation

#endif  // LAPSE_TEST_SIMULATION_DISK_H_
