#include "test/simulation/sqlite_vfs.h"

#include <sqlite3.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "test/simulation/disk.h"
#include "test/simulation/scheduler.h"

namespace lapse::simulation {
namespace {

constexpr int kMaxPathBytes = 512;

// What the connections to one file share, as the system would keep it for them.
struct Shared {
  int shared_locks = 0;
  bool reserved = false;
  bool pending = false;
  bool exclusive = false;
  std::vector<std::unique_ptr<char[]>> regions;
  std::array<int, SQLITE_SHM_NLOCK> shm_shared{};
  std::array<bool, SQLITE_SHM_NLOCK> shm_exclusive{};
};

// Gone with a crash.
std::shared_ptr<Shared> SharedOf(Inode& inode) {
  if (inode.attachment == nullptr) inode.attachment = std::make_shared<Shared>();
  return std::static_pointer_cast<Shared>(inode.attachment);
}

int last_errno = 0;

// One connection's handle; SQLite allocates it.
struct File {
  sqlite3_file base;
  struct State {
    std::string path;
    InodeRef inode;
    std::shared_ptr<Shared> shared;
    bool delete_on_close = false;
    // Its folder is synced with its first sync.
    bool sync_folder = false;
    int lock = SQLITE_LOCK_NONE;
    std::array<bool, SQLITE_SHM_NLOCK> shm_shared{};
    std::array<bool, SQLITE_SHM_NLOCK> shm_exclusive{};
  };
  State* state;
};

File::State& StateOf(sqlite3_file* file) { return *reinterpret_cast<File*>(file)->state; }

int Failed(int code, int error_number) {
  last_errno = error_number;
  return code;
}

int Close(sqlite3_file* file) {
  File::State* const state = reinterpret_cast<File*>(file)->state;
  file->pMethods->xUnlock(file, SQLITE_LOCK_NONE);
  file->pMethods->xShmUnmap(file, 0);
  if (state->delete_on_close && !state->path.empty()) Disk::Get().Remove(state->path);
  delete state;
  return SQLITE_OK;
}

int Read(sqlite3_file* file, void* data, int size, sqlite3_int64 offset) {
  int64_t read = 0;
  const int code =
      Disk::Get().Read(StateOf(file).inode, offset, static_cast<char*>(data), size, &read);
  if (code != 0) return Failed(SQLITE_IOERR_READ, code);
  if (read == size) return SQLITE_OK;
  std::memset(static_cast<char*>(data) + read, 0, size - read);
  return SQLITE_IOERR_SHORT_READ;
}

int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  const int code =
      Disk::Get().Write(StateOf(file).inode, offset, static_cast<const char*>(data), size);
  if (code == ENOSPC) return Failed(SQLITE_FULL, 0);
  return code == 0 ? SQLITE_OK : Failed(SQLITE_IOERR_WRITE, code);
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  const int code = Disk::Get().Truncate(StateOf(file).inode, size);
  return code == 0 ? SQLITE_OK : Failed(SQLITE_IOERR_TRUNCATE, code);
}

int Sync(sqlite3_file* file, int) {
  File::State& state = StateOf(file);
  if (const int code = Disk::Get().Sync(state.inode)) return Failed(SQLITE_IOERR_FSYNC, code);
  if (!state.sync_folder) return SQLITE_OK;
  if (const int code = Disk::Get().SyncFolder(FolderOf(state.path)))
    return Failed(SQLITE_IOERR_DIR_FSYNC, code);
  state.sync_folder = false;
  return SQLITE_OK;
}

int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  *size = StateOf(file).inode->size();
  return SQLITE_OK;
}

int Lock(sqlite3_file* file, int level) {
  File::State& state = StateOf(file);
  Shared& shared = *state.shared;
  if (state.lock >= level) return SQLITE_OK;
  const bool others_write =
      (shared.pending || shared.exclusive) && state.lock < SQLITE_LOCK_PENDING;
  if (level == SQLITE_LOCK_SHARED) {
    if (others_write) return SQLITE_BUSY;
    ++shared.shared_locks;
  } else if (level == SQLITE_LOCK_RESERVED) {
    if (shared.reserved || others_write) return SQLITE_BUSY;
    shared.reserved = true;
  } else {
    if (others_write || (shared.reserved && state.lock < SQLITE_LOCK_RESERVED)) return SQLITE_BUSY;
    shared.reserved = shared.pending = true;
    if (shared.shared_locks > 1) {
      state.lock = SQLITE_LOCK_PENDING;
      return SQLITE_BUSY;
    }
    shared.exclusive = true;
  }
  state.lock = level;
  return SQLITE_OK;
}

int Unlock(sqlite3_file* file, int level) {
  File::State& state = StateOf(file);
  if (state.lock <= level) return SQLITE_OK;
  Shared& shared = *state.shared;
  if (state.lock > SQLITE_LOCK_SHARED) shared.reserved = shared.pending = shared.exclusive = false;
  if (level == SQLITE_LOCK_NONE) --shared.shared_locks;
  state.lock = level;
  return SQLITE_OK;
}

int CheckReservedLock(sqlite3_file* file, int* reserved) {
  *reserved = StateOf(file).shared->reserved ? 1 : 0;
  return SQLITE_OK;
}

int FileControl(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }

int SectorSize(sqlite3_file*) { return static_cast<int>(kSectorBytes); }

// As the system's own VFS has it: bytes beside those written stay as they are.
int DeviceCharacteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int ShmMap(sqlite3_file* file, int region, int size, int extend, void volatile** mapped) {
  std::vector<std::unique_ptr<char[]>>& regions = StateOf(file).shared->regions;
  *mapped = nullptr;
  while (static_cast<int>(regions.size()) <= region) {
    if (extend == 0) return SQLITE_OK;
    regions.push_back(std::make_unique<char[]>(size));
  }
  *mapped = regions[region].get();
  return SQLITE_OK;
}

int ShmUnlock(File::State& state, int slot) {
  if (state.shm_shared[slot]) --state.shared->shm_shared[slot];
  if (state.shm_exclusive[slot]) state.shared->shm_exclusive[slot] = false;
  state.shm_shared[slot] = state.shm_exclusive[slot] = false;
  return SQLITE_OK;
}

bool ShmIsFree(const File::State& state, int slot, bool exclusive) {
  const Shared& shared = *state.shared;
  if (shared.shm_exclusive[slot] && !state.shm_exclusive[slot]) return false;
  return !exclusive || shared.shm_shared[slot] == (state.shm_shared[slot] ? 1 : 0);
}

int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
  File::State& state = StateOf(file);
  const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    for (int slot = offset; slot < offset + count; ++slot) ShmUnlock(state, slot);
    return SQLITE_OK;
  }
  for (int slot = offset; slot < offset + count; ++slot) {
    if (!ShmIsFree(state, slot, exclusive)) return SQLITE_BUSY;
  }
  for (int slot = offset; slot < offset + count; ++slot) {
    if (exclusive) {
      state.shm_exclusive[slot] = state.shared->shm_exclusive[slot] = true;
    } else if (!state.shm_shared[slot]) {
      state.shm_shared[slot] = true;
      ++state.shared->shm_shared[slot];
    }
  }
  return SQLITE_OK;
}

// A place where connections meet: another one may come first.
void ShmBarrier(sqlite3_file*) { Scheduler::Get()->Preempt(); }

int ShmUnmap(sqlite3_file* file, int remove) {
  File::State& state = StateOf(file);
  for (int slot = 0; slot < SQLITE_SHM_NLOCK; ++slot) ShmUnlock(state, slot);
  if (remove != 0) state.shared->regions.clear();
  return SQLITE_OK;
}

const sqlite3_io_methods* Methods() {
  static const sqlite3_io_methods methods = {2,
                                             Close,
                                             Read,
                                             Write,
                                             Truncate,
                                             Sync,
                                             FileSize,
                                             Lock,
                                             Unlock,
                                             CheckReservedLock,
                                             FileControl,
                                             SectorSize,
                                             DeviceCharacteristics,
                                             ShmMap,
                                             ShmLock,
                                             ShmBarrier,
                                             ShmUnmap,
                                             nullptr,
                                             nullptr};
  return &methods;
}

int OpenInode(const char* name, int flags, File::State& state) {
  if (name == nullptr) {
    state.inode = std::make_shared<Inode>(false);
    return SQLITE_OK;
  }
  state.path = name;
  // As the system's own VFS has it: whether the file is new or not.
  state.sync_folder = (flags & SQLITE_OPEN_CREATE) != 0 &&
                      (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
  if (const int code = Disk::Get().Look()) return Failed(SQLITE_CANTOPEN, code);
  state.inode = Disk::Get().Find(name);
  if (state.inode != nullptr) return state.inode->is_folder() ? SQLITE_CANTOPEN_ISDIR : SQLITE_OK;
  if ((flags & SQLITE_OPEN_CREATE) == 0) return Failed(SQLITE_CANTOPEN, ENOENT);
  if (const int code = Disk::Get().Create(name, false, &state.inode)) {
    return Failed(SQLITE_CANTOPEN, code);
  }
  return SQLITE_OK;
}

int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  auto state = std::make_unique<File::State>();
  if (const int code = OpenInode(name, flags, *state); code != SQLITE_OK) return code;
  state->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  state->shared = SharedOf(*state->inode);
  reinterpret_cast<File*>(file)->state = state.release();
  file->pMethods = Methods();
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int Delete(sqlite3_vfs*, const char* name, int sync_folder) {
  const int code = Disk::Get().Remove(name);
  if (code == ENOENT) return Failed(SQLITE_IOERR_DELETE_NOENT, code);
  if (code != 0) return Failed(SQLITE_IOERR_DELETE, code);
  if (sync_folder == 0) return SQLITE_OK;
  const int sync_code = Disk::Get().SyncFolder(FolderOf(name));
  return sync_code == 0 ? SQLITE_OK : Failed(SQLITE_IOERR_DIR_FSYNC, sync_code);
}

int Access(sqlite3_vfs*, const char* name, int flags, int* result) {
  if (const int code = Disk::Get().Look()) return Failed(SQLITE_IOERR_ACCESS, code);
  const InodeRef inode = Disk::Get().Find(name);
  // An empty file does not count as one that is there.
  *result = inode != nullptr && (flags != SQLITE_ACCESS_EXISTS || inode->size() > 0);
  return SQLITE_OK;
}

int FullPathname(sqlite3_vfs*, const char* name, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", name);
  return SQLITE_OK;
}

int Randomness(sqlite3_vfs*, int size, char* out) {
  for (int i = 0; i < size; ++i) out[i] = static_cast<char>(Scheduler::Get()->Random());
  return size;
}

int Sleep(sqlite3_vfs*, int micros) {
  Scheduler& scheduler = *Scheduler::Get();
  scheduler.Wait(&last_errno, scheduler.wall_us() + micros);
  return micros;
}

int CurrentTimeInt64(sqlite3_vfs*, sqlite3_int64* now) {
  constexpr sqlite3_int64 kUnixEpochJulianMs = 210'866'760'000'000;
  *now = kUnixEpochJulianMs + Scheduler::Get()->wall_us() / 1'000;
  return SQLITE_OK;
}

int CurrentTime(sqlite3_vfs* vfs, double* now) {
  sqlite3_int64 ms = 0;
  CurrentTimeInt64(vfs, &ms);
  *now = static_cast<double>(ms) / 86'400'000.0;
  return SQLITE_OK;
}

int GetLastError(sqlite3_vfs*, int, char*) { return last_errno; }

}  // namespace

void RegisterVfs() {
  static sqlite3_vfs vfs = {};
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(File);
  vfs.mxPathname = kMaxPathBytes;
  vfs.zName = "lapse-simulation";
  vfs.xOpen = Open;
  vfs.xDelete = Delete;
  vfs.xAccess = Access;
  vfs.xFullPathname = FullPathname;
  vfs.xRandomness = Randomness;
  vfs.xSleep = Sleep;
  vfs.xCurrentTime = CurrentTime;
  vfs.xGetLastError = GetLastError;
  vfs.xCurrentTimeInt64 = CurrentTimeInt64;
  sqlite3_vfs_register(&vfs, 1);
}

}  // namespace lapse::simulation
