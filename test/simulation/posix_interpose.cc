// Stands before the library's calls on files: names below kDiskRoot, and what was opened by them,
// are on the simulated disk; all else goes to the library. The dynamic linker prefers the
// executable's definitions, also for calls out of libstdc++ (std::filesystem).
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <string>

#include "test/simulation/disk.h"
#include "test/simulation/open_files.h"
#include "test/simulation/scheduler.h"

namespace {

using lapse::simulation::DescriptorOf;
using lapse::simulation::Disk;
using lapse::simulation::FailWith;
using lapse::simulation::FindOpenFile;
using lapse::simulation::FindOpenFolder;
using lapse::simulation::ForgetList;
using lapse::simulation::ForgetOpenFile;
using lapse::simulation::InodeRef;
using lapse::simulation::IsSimulated;
using lapse::simulation::MapOpen;
using lapse::simulation::Next;
using lapse::simulation::NormalPath;
using lapse::simulation::OpenFile;
using lapse::simulation::OpenFolder;
using lapse::simulation::OpenList;
using lapse::simulation::OpenSimulated;
using lapse::simulation::OpenStream;
using lapse::simulation::ReadAt;
using lapse::simulation::ReadList;
using lapse::simulation::ResultOf;
using lapse::simulation::Scheduler;
using lapse::simulation::SyncOpen;
using lapse::simulation::WriteAt;

template <typename Stat>
int FillStat(const InodeRef& inode, Stat* out) {
  if (inode == nullptr) return FailWith(ENOENT);
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
  if (const int code = Disk::Get().Look()) return FailWith(code);
  return FillStat(Disk::Get().Find(NormalPath(path)), out);
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
  if (FindOpenFile(fd) != nullptr) ForgetOpenFile(fd);
  return next(fd);
}

ssize_t read(int fd, void* data, size_t size) {
  static const auto next = Next<ssize_t (*)(int, void*, size_t)>("read");
  OpenFile* const file = FindOpenFile(fd);
  if (file == nullptr) return next(fd, data, size);
  const ssize_t count = ReadAt(*file, data, size, file->offset);
  if (count > 0) file->offset += count;
  return count;
}

ssize_t write(int fd, const void* data, size_t size) {
  static const auto next = Next<ssize_t (*)(int, const void*, size_t)>("write");
  OpenFile* const file = FindOpenFile(fd);
  if (file == nullptr) return next(fd, data, size);
  if (file->append) file->offset = file->inode->size();
  const ssize_t count = WriteAt(*file, data, size, file->offset);
  if (count > 0) file->offset += count;
  return count;
}

ssize_t writev(int fd, const iovec* parts, int count) {
  static const auto next = Next<ssize_t (*)(int, const iovec*, int)>("writev");
  if (FindOpenFile(fd) == nullptr) return next(fd, parts, count);
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
    OpenFile* const file = FindOpenFile(fd);                                                   \
    return file == nullptr ? next(fd, data, size, offset) : ReadAt(*file, data, size, offset); \
  }
LAPSE_PREAD(pread)
LAPSE_PREAD(pread64)

#define LAPSE_PWRITE(name)                                                                      \
  ssize_t name(int fd, const void* data, size_t size, off64_t offset) {                         \
    static const auto next = Next<ssize_t (*)(int, const void*, size_t, off64_t)>(#name);       \
    OpenFile* const file = FindOpenFile(fd);                                                    \
    return file == nullptr ? next(fd, data, size, offset) : WriteAt(*file, data, size, offset); \
  }
LAPSE_PWRITE(pwrite)
LAPSE_PWRITE(pwrite64)

#define LAPSE_LSEEK(name)                                                 \
  off64_t name(int fd, off64_t offset, int whence) {                      \
    static const auto next = Next<off64_t (*)(int, off64_t, int)>(#name); \
    OpenFile* const file = FindOpenFile(fd);                              \
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
    OpenFile* const file = FindOpenFile(fd);             \
    return file == nullptr ? next(fd) : SyncOpen(*file); \
  }
LAPSE_SYNC(fsync)
LAPSE_SYNC(fdatasync)

#define LAPSE_TRUNCATE(name)                                                                     \
  int name(int fd, off64_t size) {                                                               \
    static const auto next = Next<int (*)(int, off64_t)>(#name);                                 \
    OpenFile* const file = FindOpenFile(fd);                                                     \
    return file == nullptr ? next(fd, size) : ResultOf(Disk::Get().Truncate(file->inode, size)); \
  }
LAPSE_TRUNCATE(ftruncate)
LAPSE_TRUNCATE(ftruncate64)

#define LAPSE_ALLOCATE(name)                                              \
  int name(int fd, off64_t offset, off64_t size) {                        \
    static const auto next = Next<int (*)(int, off64_t, off64_t)>(#name); \
    OpenFile* const file = FindOpenFile(fd);                              \
    if (file == nullptr) return next(fd, offset, size);                   \
    if (offset + size <= file->inode->size()) return 0;                   \
    return Disk::Get().Truncate(file->inode, offset + size);              \
  }
LAPSE_ALLOCATE(posix_fallocate)
LAPSE_ALLOCATE(posix_fallocate64)

int sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags) {
  static const auto next = Next<int (*)(int, off64_t, off64_t, unsigned)>("sync_file_range");
  return FindOpenFile(fd) == nullptr ? next(fd, offset, size, flags) : 0;
}

int posix_fadvise(int fd, off64_t offset, off64_t size, int advice) {
  static const auto next = Next<int (*)(int, off64_t, off64_t, int)>("posix_fadvise");
  return FindOpenFile(fd) == nullptr ? next(fd, offset, size, advice) : 0;
}

int flock(int fd, int operation) {
  static const auto next = Next<int (*)(int, int)>("flock");
  return FindOpenFile(fd) == nullptr ? next(fd, operation) : 0;
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
    OpenFile* const file = FindOpenFile(fd);                             \
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
  if (const int code = Disk::Get().Look()) return FailWith(code);
  return Disk::Get().Find(NormalPath(path)) == nullptr ? FailWith(ENOENT) : 0;
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
  return ResultOf(Disk::Get().Rename(NormalPath(from), NormalPath(to)));
}

#define LAPSE_REMOVE(name)                                                                  \
  int name(const char* path) {                                                              \
    static const auto next = Next<int (*)(const char*)>(#name);                             \
    return IsSimulated(path) ? ResultOf(Disk::Get().Remove(NormalPath(path))) : next(path); \
  }
LAPSE_REMOVE(unlink)
LAPSE_REMOVE(remove)
LAPSE_REMOVE(rmdir)

// std::filesystem names a file by its folder's descriptor.
int unlinkat(int folder, const char* path, int flags) {
  static const auto next = Next<int (*)(int, const char*, int)>("unlinkat");
  const OpenFile* const file = FindOpenFile(folder);
  if (IsSimulated(path)) return ResultOf(Disk::Get().Remove(NormalPath(path)));
  if (file == nullptr) return next(folder, path, flags);
  return ResultOf(Disk::Get().Remove(file->path + "/" + path));
}

int mkdir(const char* path, mode_t mode) {
  static const auto next = Next<int (*)(const char*, mode_t)>("mkdir");
  if (!IsSimulated(path)) return next(path, mode);
  InodeRef made;
  return ResultOf(Disk::Get().Create(NormalPath(path), true, &made));
}

DIR* opendir(const char* path) {
  static const auto next = Next<DIR* (*)(const char*)>("opendir");
  if (!IsSimulated(path)) return next(path);
  const int fd = OpenSimulated(path, O_RDONLY | O_DIRECTORY);
  return fd < 0 ? nullptr : OpenList(fd, NormalPath(path));
}

DIR* fdopendir(int fd) {
  static const auto next = Next<DIR* (*)(int)>("fdopendir");
  const OpenFile* const file = FindOpenFile(fd);
  return file == nullptr ? next(fd) : OpenList(fd, file->path);
}

struct dirent* readdir(DIR* handle) {
  static const auto next = Next<struct dirent* (*)(DIR*)>("readdir");
  OpenFolder* const folder = FindOpenFolder(handle);
  return folder == nullptr ? next(handle) : ReadList(*folder);
}

struct dirent64* readdir64(DIR* handle) {
  static_assert(sizeof(struct dirent) == sizeof(struct dirent64));
  return reinterpret_cast<struct dirent64*>(readdir(handle));
}

int dirfd(DIR* handle) {
  static const auto next = Next<int (*)(DIR*)>("dirfd");
  const OpenFolder* const folder = FindOpenFolder(handle);
  return folder == nullptr ? next(handle) : folder->fd;
}

int closedir(DIR* handle) {
  static const auto next = Next<int (*)(DIR*)>("closedir");
  const OpenFolder* const folder = FindOpenFolder(handle);
  if (folder == nullptr) return next(handle);
  const int fd = folder->fd;
  ForgetList(handle);
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
  return DescriptorOf(stream, next(stream));
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
    const OpenFile* const file = FindOpenFile(fd);                                            \
    return file == nullptr ? next(address, size, protection, flags, fd, offset)               \
                           : MapOpen(*file, size, offset);                                    \
  }
LAPSE_MMAP(mmap)
LAPSE_MMAP(mmap64)

}  // extern "C"
