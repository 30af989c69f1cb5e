// A library for LD_PRELOAD: kills the process (SIGKILL) in the midst of its I/O, without a hook in the product.
//
//   KILL_ARM   a file: nothing happens until it exists
//   KILL_PATH  part of the path of the files that count
//   KILL_OP    write: in place of a write; sync: in place of an fsync or fdatasync; synced: after it
//
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int counts(const char* op, int fd) {
  const char* arm = getenv("KILL_ARM");
  const char* path = getenv("KILL_PATH");
  const char* wanted = getenv("KILL_OP");
  if (!arm || !path || !wanted || strcmp(op, wanted) != 0 || access(arm, F_OK) != 0) return 0;
  char link[64];
  char target[PATH_MAX];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, target, sizeof(target) - 1);
  if (length < 0) return 0;
  target[length] = 0;
  return strstr(target, path) != NULL;
}

static void die(void) { kill(getpid(), SIGKILL); }

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  if (counts("write", fd)) die();
  return REAL(pwrite64)(fd, data, size, offset);
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  if (counts("write", fd)) die();
  return REAL(pwrite)(fd, data, size, offset);
}

ssize_t write(int fd, const void* data, size_t size) {
  if (counts("write", fd)) die();
  return REAL(write)(fd, data, size);
}

int fsync(int fd) {
  if (counts("sync", fd)) die();
  const int result = REAL(fsync)(fd);
  if (counts("synced", fd)) die();
  return result;
}

int fdatasync(int fd) {
  if (counts("sync", fd)) die();
  const int result = REAL(fdatasync)(fd);
  if (counts("synced", fd)) die();
  return result;
}
