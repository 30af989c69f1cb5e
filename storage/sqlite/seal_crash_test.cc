// A process is killed at each of the steps by which a file is sealed: one version of it is whole
// then, and nothing is lost.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/sqlite/chunk_store.h"
#include "storage/test_entries.h"

namespace {

// Counts down to the step in place of which the process is killed; 0 for none.
std::atomic<int> steps_left = 0;

void Step() {
  if (steps_left > 0 && --steps_left == 0) ::kill(::getpid(), SIGKILL);
}

}  // namespace

// These come before the C library's, for the code under test too.
extern "C" {
ssize_t __real_pwrite(int fd, const void* bytes, size_t size, off_t offset);
int __real_fsync(int fd);
int __real_rename(const char* from, const char* to);
int __real_remove(const char* path);

ssize_t __wrap_pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  Step();
  return __real_pwrite(fd, bytes, size, offset);
}
int __wrap_fsync(int fd) {
  Step();
  return __real_fsync(fd);
}
int __wrap_rename(const char* from, const char* to) {
  Step();
  return __real_rename(from, to);
}
int __wrap_remove(const char* path) {
  Step();
  return __real_remove(path);
}
}

namespace lapse::storage {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxSteps = 500;

class SealCrashTest : public testing::Test {
 protected:
  SealCrashTest() {
    fs::remove_all(root_);
    fs::create_directories(full_);
    auto store =
        SqliteChunkStore::Open({.folder = full_, .file_bytes = 150'000, .seal_files = false});
    EXPECT_TRUE(store.ok()) << store.status();
    // Two full files and a live one.
    while (!fs::exists(full_ + "/log/000004.db")) {
      const LogPosition position = (*store)->LastPosition() + 1;
      EXPECT_TRUE((*store)
                      ->Append(TestEntry(position, position, kTestTimeUs + position,
                                         {TestEvent(absl::StrCat(position), "k")}))
                      .ok());
      (*store)->AwaitMaintenance();
    }
    last_ = (*store)->LastPosition();
  }
  ~SealCrashTest() override { fs::remove_all(root_); }

  // In a process of its own; true where it came to its end.
  bool SealAndDie(const std::string& folder, int step) {
    const pid_t child = ::fork();
    if (child == 0) {
      // The store opens its files and their followers, too; those steps are tried as well.
      steps_left = step;
      {
        auto store = SqliteChunkStore::Open({.folder = folder});
        if (!store.ok()) ::_exit(2);
        (*store)->AwaitMaintenance();
        if ((*store)->UnsealedFiles() > 0) ::_exit(3);
      }
      ::_exit(0);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << WEXITSTATUS(status);
    return WIFEXITED(status);
  }

  void ExpectWhole(const std::string& folder, int step) {
    auto store = SqliteChunkStore::Open({.folder = folder, .seal_files = false});
    ASSERT_TRUE(store.ok()) << "step " << step << ": " << store.status();
    EXPECT_EQ((*store)->LastPosition(), last_);
    LogPosition expected = 0;
    const absl::Status status = (*store)->Read(1, [&](const LogEntry& entry) {
      EXPECT_EQ(entry.position, ++expected);
      EXPECT_EQ(entry.events[0].event->id(), absl::StrCat(expected));
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << "step " << step << ": " << status;
    EXPECT_EQ(expected, last_);
    for (int number = 1; number <= 2; ++number) {
      const std::string name = absl::StrCat(folder, "/log/00000", number);
      EXPECT_NE(fs::exists(name + ".db"), fs::exists(name + ".sealed")) << "step " << step;
      EXPECT_FALSE(fs::exists(name + ".sealed.tmp")) << "step " << step;
    }
  }

  const std::string root_ = absl::StrCat(testing::TempDir(), "/seal_crash_", ::getpid());
  const std::string full_ = root_ + "/full";
  LogPosition last_ = 0;
};

TEST_F(SealCrashTest, OneVersionIsWholeWhereverTheProcessDies) {
  int step = 1;
  for (bool ended = false; !ended; ++step) {
    ASSERT_LT(step, kMaxSteps);
    const std::string folder = absl::StrCat(root_, "/", step);
    fs::copy(full_, folder, fs::copy_options::recursive);
    ended = SealAndDie(folder, step);
    ExpectWhole(folder, step);
    EXPECT_EQ(fs::exists(folder + "/log/000002.sealed") || !ended, true) << step;
    fs::remove_all(folder);
  }
  EXPECT_GT(step, 15) << "writes, syncs, renames and removals of two files";
}

}  // namespace
}  // namespace lapse::storage
