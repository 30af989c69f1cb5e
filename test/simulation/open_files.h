// What a simulated life has open: files, folders being listed and streams, by what the library gave
// out for them. A crash takes none of it: it goes with the process. For the functions that stand
// before the library's (posix_interpose.cc); one thread at a time, as the scheduler has it.
#ifndef LAPSE_TEST_SIMULATION_OPEN_FILES_H_
#define LAPSE_TEST_SIMULATION_OPEN_FILES_H_

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "test/simulation/disk.h"

namespace lapse::simulation {

// The library's own function, behind the one of this executable.
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

// Whether the path is on the simulated disk; false for null.
bool IsSimulated(const char* path);
// Without doubled or trailing slashes.
std::string NormalPath(const char* path);

// Null where the descriptor, folder or stream is not of the simulated disk.
OpenFile* FindOpenFile(int fd);
OpenFolder* FindOpenFolder(DIR* handle);
// `fd` where the stream is not of the simulated disk.
int DescriptorOf(FILE* stream, int fd);

// As open(2): a descriptor, or -1 with errno set.
int OpenSimulated(const char* path, int flags);
void ForgetOpenFile(int fd);
// As fopen(3).
FILE* OpenStream(const char* path, const char* mode);
// As fdopendir(3); the names are those of this moment.
DIR* OpenList(int fd, const std::string& path);
// As readdir(3).
dirent* ReadList(OpenFolder& folder);
void ForgetList(DIR* handle);

// As pread(2), pwrite(2) and fsync(2).
ssize_t ReadAt(OpenFile& file, void* data, size_t size, int64_t offset);
ssize_t WriteAt(OpenFile& file, const void* data, size_t size, int64_t offset);
int SyncOpen(OpenFile& file);
// A copy in memory: files are not changed while they are mapped.
void* MapOpen(const OpenFile& file, size_t size, int64_t offset);

// -1 with errno set to `code`.
int FailWith(int code);
// 0, or -1 with errno set where `code` is one of errno.
int ResultOf(int code);

}  // namespace lapse::simulation

#endif  // LAPSE_TEST_SIMULATION_OPEN_FILES_H_
