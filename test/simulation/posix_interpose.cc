// Stands before the library's calls on files: names below kDiskRoot, and what was opened by them,
// are on the simulated disk; all else goes to the library. The dynamic linker prefers the
// executable's definitions, also for calls out of libstdc++ (std::filesystem).
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "test/simulation/disk.h"
#include "test/simulation/scheduler.h"

namespace {

using lapse::simulation::Disk;
using lapse::simulation::InodeRef;
using lapse::simulation::kDiskRoot;
using lapse::simulation::Scheduler;

template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

struct OpenFile {
  std::string path;
  InodeRef inode;
  int64_t offset = 0;
  bool append = false;
};

struct OpenFolder {
  int fd = -1;
  std::vector<std::string> names;
  size_t next = 0;
  dirent entry = {};
};

// Both leaked at the process's end; what a crash took stays.
std::map<int, OpenFile>& OpenFiles() {
  static auto* const files = new std::map<int, OpenFile>;
  return *files;
}
std::map<void*, std::unique_ptr<OpenFolder>>& OpenFolders() {
  static auto* const folders = new std::map<void*, std::unique_ptr<OpenFolder>>;
  return *folders;
}
// By the streams that fopen gave out.
std::map<FILE*, int>& Streams() {
  static auto* const streams = new std::map<FILE*, int>;
  return *streams;
}

// Until the first file is opened nothing has to be looked up.
bool any_open = false;

OpenFile* FindOpen(int fd) {
  if (!any_open) return nullptr;
  const auto found = OpenFiles().find(fd);
  return found == OpenFiles().end() ? nullptr : &found->second;
}

bool IsSimulated(const char* path) {
  return path != nullptr && strncmp(path, kDiskRoot, strlen(kDiskRoot)) == 0;
}

std::string Normal(const char* path) {
  std::string name = path;
  for (size_t at; (at = name.find("//")) != std::string::npos;) name.erase(at, 1);
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  return name;
}

int Fail(int code) {
  errno = code;
  return -1;
}

int Result(int code) { return code == 0 ? 0 : Fail(code); }

int FreeDescriptor() {
  static const auto next = Next<int (*)(const char*, int, ...)>("open");
  return next("/dev/null", O_RDWR | O_CLOEXEC);
}

int OpenSimulated(const char* path, int flags) {
  Disk& disk = Disk::Get();
  const std::string name = Normal(path);
  if (const int code = disk.Look()) return Fail(code);
  InodeRef inode = disk.Find(name);
  if (inode == nullptr) {
    if ((flags & O_CREAT) == 0) return Fail(ENOENT);
    if (const int code = disk.Create(name, false, &inode)) return Fail(code);
  } else if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
    return Fail(EEXIST);
  }
  if ((flags & O_DIRECTORY) != 0 && !inode->is_folder()) return Fail(ENOTDIR);
  if (inode->is_folder() && (flags & O_ACCMODE) != O_RDONLY) return Fail(EISDIR);
  if ((flags & O_TRUNC) != 0 && inode->size() > 0) {
    if (const int code = disk.Truncate(inode, 0)) return Fail(code);
  }
  const int fd = FreeDescriptor();
  any_open = true;
  OpenFiles()[fd] = {name, inode, 0, (flags & O_APPEND) != 0};
  return fd;
}

ssize_t ReadAt(OpenFile& file, void* data, size_t size, int64_t offset) {
  int64_t read = 0;
  const int code = Disk::Get().Read(file.inode, offset, static_cast<char*>(data),
                                    static_cast<int64_t>(size), &read);
  return code == 0 ? read : Fail(code);
}

ssize_t WriteAt(OpenFile& file, const void* data, size_t size, int64_t offset) {
  const int code = Disk::Get().Write(file.inode, offset, static_cast<const char*>(data),
                                     static_cast<int64_t>(size));
  return code == 0 ? static_cast<ssize_t>(size) : Fail(code);
}

int SyncOpen(OpenFile& file) {
  Disk& disk = Disk::Get();
  return Result(file.inode->is_folder() ? disk.SyncFolder(file.path) : disk.Sync(file.inode));
}

template <typename Stat>
int FillStat(const InodeRef& inode, Stat* out) {
  if (inode == nullptr) return Fail(ENOENT);
  memset(out, 0, sizeof(*out));
  out->st_mode = inode->is_folder() ? S_IFDIR | 0755 : S_IFREG | 0644;
  out->st_size = inode->size();
  out->st_blksize = 4096;
  out->st_blocks = (inode->size() + 511) / 512;
  out->st_nlink = 1;
  out->st_ino = reinterpret_cast<ino_t>(inode.get());
  return 0;
}

template <typename Stat>
int StatSimulated(const char* path, Stat* out) {
  if (const int code = Disk::Get().Look()) return Fail(code);
  return FillStat(Disk::Get().Find(Normal(path)), out);
}

ssize_t ReadStream(void* cookie, char* data, size_t size) {
  return read(static_cast<int>(reinterpret_cast<intptr_t>(cookie)), data, size);
}
// A stream's write tells failure by 0.
ssize_t WriteStream(void* cookie, const char* data, size_t size) {
  const ssize_t written = write(static_cast<int>(reinterpret_cast<intptr_t>(cookie)), data, size);
  return written < 0 ? 0 : written;
}
int SeekStream(void* cookie, off64_t* offset, int whence) {
  const off_t at = lseek(static_cast<int>(reinterpret_cast<intptr_t>(cookie)), *offset, whence);
  if (at < 0) return -1;
  *offset = at;
  return 0;
}
int CloseStream(void* cookie) {
  const int fd = static_cast<int>(reinterpret_cast<intptr_t>(cookie));
  std::erase_if(Streams(), [fd](const auto& stream) { return stream.second == fd; });
  return close(fd);
}

FILE* OpenStream(const char* path, const char* mode) {
  const bool update = strchr(mode, '+') != nullptr;
  int flags = update ? O_RDWR : O_RDONLY;
  if (mode[0] != 'r') {
    flags = (update ? O_RDWR : O_WRONLY) | O_CREAT | (mode[0] == 'w' ? O_TRUNC : O_APPEND);
  }
  const int fd = OpenSimulated(path, flags);
  if (fd < 0) return nullptr;
  FILE* const stream = fopencookie(
      reinterpret_cast<void*>(static_cast<intptr_t>(fd)), mode,
      {.read = ReadStream, .write = WriteStream, .seek = SeekStream, .close = CloseStream});
  Streams()[stream] = fd;
  return stream;
}

DIR* OpenList(int fd, const std::string& path) {
  auto folder = std::make_unique<OpenFolder>();
  folder->fd = fd;
  folder->names = Disk::Get().List(path);
  void* const handle = folder.get();
  OpenFolders()[handle] = std::move(folder);
  return static_cast<DIR*>(handle);
}

OpenFolder* FindFolder(DIR* handle) {
  if (!any_open) return nullptr;
  const auto found = OpenFolders().find(handle);
  return found == OpenFolders().end() ? nullptr : found->second.get();
}

dirent* ReadList(OpenFolder& folder) {
  if (folder.next == folder.names.size()) return nullptr;
  const std::string& name = folder.names[folder.next++];
  const size_t size = std::min(name.size(), sizeof(folder.entry.d_name) - 1);
  memcpy(folder.entry.d_name, name.data(), size);
  folder.entry.d_name[size] = '\0';
  folder.entry.d_ino = 1;
  folder.entry.d_type = DT_UNKNOWN;
  return &folder.entry;
}

// A copy: files are not changed while they are mapped.
void* MapOpen(const OpenFile& file, size_t size, int64_t offset) {
  static const auto next = Next<void* (*)(void*, size_t, int, int, int, off64_t)>("mmap64");
  void* const memory =
      next(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED)
    file.inode->Read(offset, static_cast<char*>(memory), static_cast<int64_t>(size));
  return memory;
}

}  // namespace

extern "C" {

#define LAPSE_OPEN(name)                                                        \
  int name(const char* path, int flags, ...) {                                  \
    va_list arguments;                                                          \
    va_start(arguments, flags);                                                 \
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0; \
    va_end(arguments);                                                          \
    if (IsSimulated(path)) return OpenSimulated(path, flags);                   \
    static const auto next = Next<int (*)(const char*, int, ...)>(#name);       \
    return next(path, flags, mode);                                             \
  }
LAPSE_OPEN(open)
LAPSE_OPEN(open64)

#define LAPSE_OPENAT(name)                                                      \
  int name(int folder, const char* path, int flags, ...) {                      \
    va_list arguments;                                                          \
    va_start(arguments, flags);                                                 \
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0; \
    va_end(arguments);                                                          \
    if (IsSimulated(path)) return OpenSimulated(path, flags);                   \
    static const auto next = Next<int (*)(int, const char*, int, ...)>(#name);  \
    return next(folder, path, flags, mode);                                     \
  }
LAPSE_OPENAT(openat)
LAPSE_OPENAT(openat64)

// What the calls above and below become where the compiler checks their sizes.
int __open_2(const char* path, int flags) { return open(path, flags); }
int __open64_2(const char* path, int flags) { return open64(path, flags); }
ssize_t __read_chk(int fd, void* data, size_t size, size_t) { return read(fd, data, size); }
ssize_t __pread_chk(int fd, void* data, size_t size, off64_t offset, size_t) {
  return pread(fd, data, size, offset);
}
ssize_t __pread64_chk(int fd, void* data, size_t size, off64_t offset, size_t) {
  return pread64(fd, data, size, offset);
}

int close(int fd) {
  static const auto next = Next<int (*)(int)>("close");
  if (FindOpen(fd) != nullptr) OpenFiles().erase(fd);
  return next(fd);
}

ssize_t read(int fd, void* data, size_t size) {
  static const auto next = Next<ssize_t (*)(int, void*, size_t)>("read");
  OpenFile* const file = FindOpen(fd);
  if (file == nullptr) return next(fd, data, size);
  const ssize_t count = ReadAt(*file, data, size, file->offset);
  if (count > 0) file->offset += count;
  return count;
}

ssize_t write(int fd, const void* data, size_t size) {
  static const auto next = Next<ssize_t (*)(int, const void*, size_t)>("write");
  OpenFile* const file = FindOpen(fd);
  if (file == nullptr) return next(fd, data, size);
  if (file->append) file->offset = file->inode->size();
  const ssize_t count = WriteAt(*file, data, size, file->offset);
  if (count > 0) file->offset += count;
  return count;
}

ssize_t writev(int fd, const iovec* parts, int count) {
  static const auto next = Next<ssize_t (*)(int, const iovec*, int)>("writev");
  if (FindOpen(fd) == nullptr) return next(fd, parts, count);
  ssize_t total = 0;
  for (int i = 0; i < count; ++i) {
    const ssize_t written = write(fd, parts[i].iov_base, parts[i].iov_len);
    if (written < 0) return total > 0 ? total : written;
    total += written;
  }
  return total;
}

#define LAPSE_PREAD(name)                                                                      \
  ssize_t name(int fd, void* data, size_t size, off64_t offset) {                              \
    static const auto next = Next<ssize_t (*)(int, void*, size_t, off64_t)>(#name);            \
    OpenFile* const file = FindOpen(fd);                                                       \
    return file == nullptr ? next(fd, data, size, offset) : ReadAt(*file, data, size, offset); \
  }
LAPSE_PREAD(pread)
LAPSE_PREAD(pread64)

#define LAPSE_PWRITE(name)                                                                      \
  ssize_t name(int fd, const void* data, size_t size, off64_t offset) {                         \
    static const auto next = Next<ssize_t (*)(int, const void*, size_t, off64_t)>(#name);       \
    OpenFile* const file = FindOpen(fd);                                                        \
    return file == nullptr ? next(fd, data, size, offset) : WriteAt(*file, data, size, offset); \
  }
LAPSE_PWRITE(pwrite)
LAPSE_PWRITE(pwrite64)

#define LAPSE_LSEEK(name)                                                 \
  off64_t name(int fd, off64_t offset, int whence) {                      \
    static const auto next = Next<off64_t (*)(int, off64_t, int)>(#name); \
    OpenFile* const file = FindOpen(fd);                                  \
    if (file == nullptr) return next(fd, offset, whence);                 \
    if (whence == SEEK_CUR) offset += file->offset;                       \
    if (whence == SEEK_END) offset += file->inode->size();                \
    return file->offset = offset;                                         \
  }
LAPSE_LSEEK(lseek)
LAPSE_LSEEK(lseek64)

#define LAPSE_SYNC(name)                                 \
  int name(int fd) {                                     \
    static const auto next = Next<int (*)(int)>(#name);  \
    OpenFile* const file = FindOpen(fd);                 \
    return file == nullptr ? next(fd) : SyncOpen(*file); \
  }
LAPSE_SYNC(fsync)
LAPSE_SYNC(fdatasync)

#define LAPSE_TRUNCATE(name)                                                                   \
  int name(int fd, off64_t size) {                                                             \
    static const auto next = Next<int (*)(int, off64_t)>(#name);                               \
    OpenFile* const file = FindOpen(fd);                                                       \
    return file == nullptr ? next(fd, size) : Result(Disk::Get().Truncate(file->inode, size)); \
  }
LAPSE_TRUNCATE(ftruncate)
LAPSE_TRUNCATE(ftruncate64)

#define LAPSE_ALLOCATE(name)                                              \
  int name(int fd, off64_t offset, off64_t size) {                        \
    static const auto next = Next<int (*)(int, off64_t, off64_t)>(#name); \
    OpenFile* const file = FindOpen(fd);                                  \
    if (file == nullptr) return next(fd, offset, size);                   \
    if (offset + size <= file->inode->size()) return 0;                   \
    return Disk::Get().Truncate(file->inode, offset + size);              \
  }
LAPSE_ALLOCATE(posix_fallocate)
LAPSE_ALLOCATE(posix_fallocate64)

int sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags) {
  static const auto next = Next<int (*)(int, off64_t, off64_t, unsigned)>("sync_file_range");
  return FindOpen(fd) == nullptr ? next(fd, offset, size, flags) : 0;
}

int posix_fadvise(int fd, off64_t offset, off64_t size, int advice) {
  static const auto next = Next<int (*)(int, off64_t, off64_t, int)>("posix_fadvise");
  return FindOpen(fd) == nullptr ? next(fd, offset, size, advice) : 0;
}

int flock(int fd, int operation) {
  static const auto next = Next<int (*)(int, int)>("flock");
  return FindOpen(fd) == nullptr ? next(fd, operation) : 0;
}

#define LAPSE_STAT(name, type)                                                \
  int name(const char* path, struct type* out) {                              \
    static const auto next = Next<int (*)(const char*, struct type*)>(#name); \
    return IsSimulated(path) ? StatSimulated(path, out) : next(path, out);    \
  }
LAPSE_STAT(stat, stat)
LAPSE_STAT(stat64, stat64)
LAPSE_STAT(lstat, stat)
LAPSE_STAT(lstat64, stat64)

#define LAPSE_FSTAT(name, type)                                          \
  int name(int fd, struct type* out) {                                   \
    static const auto next = Next<int (*)(int, struct type*)>(#name);    \
    OpenFile* const file = FindOpen(fd);                                 \
    return file == nullptr ? next(fd, out) : FillStat(file->inode, out); \
  }
LAPSE_FSTAT(fstat, stat)
LAPSE_FSTAT(fstat64, stat64)

#define LAPSE_FSTATAT(name, type)                                                         \
  int name(int folder, const char* path, struct type* out, int flags) {                   \
    static const auto next = Next<int (*)(int, const char*, struct type*, int)>(#name);   \
    return IsSimulated(path) ? StatSimulated(path, out) : next(folder, path, out, flags); \
  }
LAPSE_FSTATAT(fstatat, stat)
LAPSE_FSTATAT(fstatat64, stat64)

int access(const char* path, int mode) {
  static const auto next = Next<int (*)(const char*, int)>("access");
  if (!IsSimulated(path)) return next(path, mode);
  if (const int code = Disk::Get().Look()) return Fail(code);
  return Disk::Get().Find(Normal(path)) == nullptr ? Fail(ENOENT) : 0;
}

int statvfs(const char* path, struct statvfs* out) {
  static const auto next = Next<int (*)(const char*, struct statvfs*)>("statvfs");
  if (!IsSimulated(path)) return next(path, out);
  memset(out, 0, sizeof(*out));
  out->f_bsize = out->f_frsize = 4096;
  out->f_blocks = 1 << 24;
  out->f_bfree = out->f_bavail = Disk::Get().full() ? 0 : 1 << 23;
  return 0;
}

int rename(const char* from, const char* to) {
  static const auto next = Next<int (*)(const char*, const char*)>("rename");
  if (!IsSimulated(from)) return next(from, to);
  return Result(Disk::Get().Rename(Normal(from), Normal(to)));
}

#define LAPSE_REMOVE(name)                                                            \
  int name(const char* path) {                                                        \
    static const auto next = Next<int (*)(const char*)>(#name);                       \
    return IsSimulated(path) ? Result(Disk::Get().Remove(Normal(path))) : next(path); \
  }
LAPSE_REMOVE(unlink)
LAPSE_REMOVE(remove)
LAPSE_REMOVE(rmdir)

// std::filesystem names a file by its folder's descriptor.
int unlinkat(int folder, const char* path, int flags) {
  static const auto next = Next<int (*)(int, const char*, int)>("unlinkat");
  const OpenFile* const file = FindOpen(folder);
  if (IsSimulated(path)) return Result(Disk::Get().Remove(Normal(path)));
  if (file == nullptr) return next(folder, path, flags);
  return Result(Disk::Get().Remove(file->path + "/" + path));
}

int mkdir(const char* path, mode_t mode) {
  static const auto next = Next<int (*)(const char*, mode_t)>("mkdir");
  if (!IsSimulated(path)) return next(path, mode);
  InodeRef made;
  return Result(Disk::Get().Create(Normal(path), true, &made));
}

DIR* opendir(const char* path) {
  static const auto next = Next<DIR* (*)(const char*)>("opendir");
  if (!IsSimulated(path)) return next(path);
  const int fd = OpenSimulated(path, O_RDONLY | O_DIRECTORY);
  return fd < 0 ? nullptr : OpenList(fd, Normal(path));
}

DIR* fdopendir(int fd) {
  static const auto next = Next<DIR* (*)(int)>("fdopendir");
  const OpenFile* const file = FindOpen(fd);
  return file == nullptr ? next(fd) : OpenList(fd, file->path);
}

struct dirent* readdir(DIR* handle) {
  static const auto next = Next<struct dirent* (*)(DIR*)>("readdir");
  OpenFolder* const folder = FindFolder(handle);
  return folder == nullptr ? next(handle) : ReadList(*folder);
}

struct dirent64* readdir64(DIR* handle) {
  static_assert(sizeof(struct dirent) == sizeof(struct dirent64));
  return reinterpret_cast<struct dirent64*>(readdir(handle));
}

int dirfd(DIR* handle) {
  static const auto next = Next<int (*)(DIR*)>("dirfd");
  const OpenFolder* const folder = FindFolder(handle);
  return folder == nullptr ? next(handle) : folder->fd;
}

int closedir(DIR* handle) {
  static const auto next = Next<int (*)(DIR*)>("closedir");
  const OpenFolder* const folder = FindFolder(handle);
  if (folder == nullptr) return next(handle);
  const int fd = folder->fd;
  OpenFolders().erase(handle);
  return close(fd);
}

#define LAPSE_FOPEN(name)                                                      \
  FILE* name(const char* path, const char* mode) {                             \
    static const auto next = Next<FILE* (*)(const char*, const char*)>(#name); \
    return IsSimulated(path) ? OpenStream(path, mode) : next(path, mode);      \
  }
LAPSE_FOPEN(fopen)
LAPSE_FOPEN(fopen64)

int fileno(FILE* stream) {
  static const auto next = Next<int (*)(FILE*)>("fileno");
  if (!any_open) return next(stream);
  const auto found = Streams().find(stream);
  return found == Streams().end() ? next(stream) : found->second;
}

// A number that is written to a file must not differ from life to life.
pid_t getpid() {
  static const auto next = Next<pid_t (*)()>("getpid");
  constexpr pid_t kPid = 1'000;
  return Scheduler::Get() == nullptr ? next() : kPid;
}

// The scheduler says who runs; a thread that had lowered its priority would only slow a life down.
int setpriority(__priority_which_t which, id_t who, int priority) {
  static const auto next = Next<int (*)(__priority_which_t, id_t, int)>("setpriority");
  return Scheduler::Get() == nullptr ? next(which, who, priority) : 0;
}

#define LAPSE_MMAP(name)                                                                      \
  void* name(void* address, size_t size, int protection, int flags, int fd, off64_t offset) { \
    static const auto next = Next<void* (*)(void*, size_t, int, int, int, off64_t)>(#name);   \
    const OpenFile* const file = FindOpen(fd);                                                \
    return file == nullptr ? next(address, size, protection, flags, fd, offset)               \
                           : MapOpen(*file, size, offset);                                    \
  }
LAPSE_MMAP(mmap)
LAPSE_MMAP(mmap64)

}  // extern "C"
