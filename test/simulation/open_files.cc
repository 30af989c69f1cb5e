#include "test/simulation/open_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>

namespace lapse::simulation {

namespace {

// All leaked at the process's end.
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

int FreeDescriptor() {
  static const auto next = Next<int (*)(const char*, int, ...)>("open");
  return next("/dev/null", O_RDWR | O_CLOEXEC);
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

}  // namespace

bool IsSimulated(const char* path) {
  return path != nullptr && strncmp(path, kDiskRoot, strlen(kDiskRoot)) == 0;
}

std::string NormalPath(const char* path) {
  std::string name = path;
  for (size_t at; (at = name.find("//")) != std::string::npos;) name.erase(at, 1);
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  return name;
}

int FailWith(int code) {
  errno = code;
  return -1;
}

int ResultOf(int code) { return code == 0 ? 0 : FailWith(code); }

OpenFile* FindOpenFile(int fd) {
  if (!any_open) return nullptr;
  const auto found = OpenFiles().find(fd);
  return found == OpenFiles().end() ? nullptr : &found->second;
}

int OpenSimulated(const char* path, int flags) {
  Disk& disk = Disk::Get();
  const std::string name = NormalPath(path);
  if (const int code = disk.Look()) return FailWith(code);
  InodeRef inode = disk.Find(name);
  if (inode == nullptr) {
    if ((flags & O_CREAT) == 0) return FailWith(ENOENT);
    if (const int code = disk.Create(name, false, &inode)) return FailWith(code);
  } else if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
    return FailWith(EEXIST);
  }
  if ((flags & O_DIRECTORY) != 0 && !inode->is_folder()) return FailWith(ENOTDIR);
  if (inode->is_folder() && (flags & O_ACCMODE) != O_RDONLY) return FailWith(EISDIR);
  if ((flags & O_TRUNC) != 0 && inode->size() > 0) {
    if (const int code = disk.Truncate(inode, 0)) return FailWith(code);
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
  return code == 0 ? read : FailWith(code);
}

ssize_t WriteAt(OpenFile& file, const void* data, size_t size, int64_t offset) {
  const int code = Disk::Get().Write(file.inode, offset, static_cast<const char*>(data),
                                     static_cast<int64_t>(size));
  return code == 0 ? static_cast<ssize_t>(size) : FailWith(code);
}

int SyncOpen(OpenFile& file) {
  Disk& disk = Disk::Get();
  return ResultOf(file.inode->is_folder() ? disk.SyncFolder(file.path) : disk.Sync(file.inode));
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

int DescriptorOf(FILE* stream, int fd) {
  const auto found = Streams().find(stream);
  return found == Streams().end() ? fd : found->second;
}

void ForgetOpenFile(int fd) { OpenFiles().erase(fd); }

void ForgetList(DIR* handle) { OpenFolders().erase(handle); }

OpenFolder* FindOpenFolder(DIR* handle) {
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

void* MapOpen(const OpenFile& file, size_t size, int64_t offset) {
  static const auto next = Next<void* (*)(void*, size_t, int, int, int, off64_t)>("mmap64");
  void* const memory =
      next(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED)
    file.inode->Read(offset, static_cast<char*>(memory), static_cast<int64_t>(size));
  return memory;
}

}  // namespace lapse::simulation
