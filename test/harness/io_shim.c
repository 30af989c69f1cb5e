// A library for LD_PRELOAD: slows, holds or fails a process's I/O as a file says, and tells of it, without a hook in the
// product.
//
//   IO_COMMAND     a file: while it is there, its one line "ACTION OP PATH" is obeyed. OP is write or sync; PATH is part of
//                  the path of the files that count. ACTION is
//                    fail   EIO in place of the operation
//                    full   ENOSPC in place of the operation
//                    slow   the operation waits first: "slow OP PATH MILLISECONDS"
//                    hold   the operation waits until the line is another; IO_COMMAND.held exists from the first one on
//   IO_TRACE       a file to which what happens is appended, a line each
//                    write FD      before a write to a file whose path has IO_TRACE_PATH in it
//                    synced FD     after a sync of such a file
//                    sent HEX      before a sendmsg to a socket
//   IO_TRACE_PATH  see there
//
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int has_path(int fd, const char* part) {
  char link[64];
  char target[PATH_MAX];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, target, sizeof(target) - 1);
  if (length < 0) return 0;
  target[length] = 0;
  return strstr(target, part) != NULL;
}

// What the command says of `op` on `fd`: "" where nothing.
static void read_action(const char* op, int fd, char action[16], int* milliseconds) {
  action[0] = 0;
  const char* path = getenv("IO_COMMAND");
  const int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  char line[PATH_MAX] = "";
  const ssize_t size = read(file, line, sizeof(line) - 1);
  close(file);
  char said[16], wanted[16], part[1024];
  if (size <= 0 || sscanf(line, "%15s %15s %1023s %d", said, wanted, part, milliseconds) < 3) return;
  if (strcmp(wanted, op) == 0 && has_path(fd, part)) strcpy(action, said);
}

static void tell_held(void) {
  char path[PATH_MAX];
  snprintf(path, sizeof(path), "%s.held", getenv("IO_COMMAND"));
  close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

// Returns the errno to fail with, or 0 to go on.
static int obey(const char* op, int fd) {
  const struct timespec moment = {0, 1000000};
  char action[16];
  int milliseconds = 0;
  for (;;) {
    read_action(op, fd, action, &milliseconds);
    if (strcmp(action, "slow") == 0) {
      const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
      nanosleep(&time, NULL);
      return 0;
    }
    if (strcmp(action, "fail") == 0) return EIO;
    if (strcmp(action, "full") == 0) return ENOSPC;
    if (strcmp(action, "hold") != 0) return 0;
    tell_held();
    nanosleep(&moment, NULL);
  }
}

// One system call a line, so that lines of threads do not mix and their order is that of the events.
static void trace(const char* line, size_t size) {
  static int file = -1;
  const char* path = getenv("IO_TRACE");
  if (path == NULL) return;
  if (file < 0) file = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  syscall(SYS_write, file, line, size);
}

static void trace_file(const char* what, int fd) {
  const char* part = getenv("IO_TRACE_PATH");
  if (part == NULL || !has_path(fd, part)) return;
  char line[64];
  trace(line, (size_t)snprintf(line, sizeof(line), "%s %d\n", what, fd));
}

static void trace_sent(const struct msghdr* message) {
  if (getenv("IO_TRACE") == NULL) return;
  size_t size = 0;
  for (size_t i = 0; i < message->msg_iovlen; ++i) size += message->msg_iov[i].iov_len;
  char* const line = malloc(2 * size + 8);
  size_t end = (size_t)sprintf(line, "sent ");
  for (size_t i = 0; i < message->msg_iovlen; ++i) {
    const unsigned char* const bytes = message->msg_iov[i].iov_base;
    for (size_t j = 0; j < message->msg_iov[i].iov_len; ++j) end += (size_t)sprintf(line + end, "%02x", bytes[j]);
  }
  line[end++] = '\n';
  trace(line, end);
  free(line);
}

#define FAIL_OR_GO_ON(op, fd)             \
  do {                                    \
    const int failure = obey(op, fd);     \
    if (failure != 0) {                   \
      errno = failure;                    \
      return -1;                          \
    }                                     \
  } while (0)

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  FAIL_OR_GO_ON("write", fd);
  trace_file("write", fd);
  return REAL(pwrite64)(fd, data, size, offset);
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  FAIL_OR_GO_ON("write", fd);
  trace_file("write", fd);
  return REAL(pwrite)(fd, data, size, offset);
}

int fsync(int fd) {
  FAIL_OR_GO_ON("sync", fd);
  const int result = REAL(fsync)(fd);
  if (result == 0) trace_file("synced", fd);
  return result;
}

int fdatasync(int fd) {
  FAIL_OR_GO_ON("sync", fd);
  const int result = REAL(fdatasync)(fd);
  if (result == 0) trace_file("synced", fd);
  return result;
}

ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  trace_sent(message);
  return REAL(sendmsg)(fd, message, flags);
}
