#include "storage/sqlite/data_folder.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lapse::storage {
namespace {

using testing::HasSubstr;

class DataFolderTest : public testing::Test {
 protected:
  DataFolderTest() : above_(absl::StrCat(testing::TempDir(), "/folder_", getpid())) {
    std::filesystem::remove_all(above_);
    std::filesystem::create_directories(above_);
  }
  ~DataFolderTest() override { std::filesystem::remove_all(above_); }

  std::string PathOf(const std::string& name) const { return absl::StrCat(above_, "/", name); }

  static void ExpectRefused(const std::string& path, const std::string& reason,
                            const std::string& text) {
    const absl::Status status = DataFolder::Open(path).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_EQ(DetailsOf(status).reason, reason) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
    EXPECT_THAT(std::string(status.message()), HasSubstr(text));
  }

 private:
  const std::string above_;
};

TEST_F(DataFolderTest, MakesTheFolderAndThoseAboveIt) {
  const auto folder = DataFolder::Open(PathOf("a/b/c")).value();
  EXPECT_EQ(folder->path(), PathOf("a/b/c"));
  EXPECT_TRUE(std::filesystem::is_directory(PathOf("a/b/c")));
}

TEST_F(DataFolderTest, RefusesAFolderThatAnotherServerHas) {
  const auto folder = DataFolder::Open(PathOf("a")).value();
  ExpectRefused(PathOf("a"), "DATA_FOLDER_IN_USE", absl::StrCat("process ", getpid()));
}

TEST_F(DataFolderTest, NamesTheOtherProcess) {
  int ready[2], end[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(end), 0);
  const pid_t other = fork();
  if (other == 0) {
    const bool opened = DataFolder::Open(PathOf("a")).ok();
    char byte = opened ? 'y' : 'n';
    // Holds the folder until this test lets go of the pipe, or ends in any way.
    const auto folder = DataFolder::Open(PathOf("b"));
    close(end[1]);
    if (write(ready[1], &byte, 1) != 1 || read(end[0], &byte, 1) != 0) _exit(1);
    _exit(0);
  }
  char byte = 'n';
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  ExpectRefused(PathOf("b"), "DATA_FOLDER_IN_USE", absl::StrCat("process ", other));
  close(end[1]);
  int status = 0;
  ASSERT_EQ(waitpid(other, &status, 0), other);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(DataFolder::Open(PathOf("b")).ok()) << "a dead process has no lock";
}

TEST_F(DataFolderTest, LetsGoWhenItEnds) {
  ASSERT_TRUE(DataFolder::Open(PathOf("a")).ok());
  EXPECT_TRUE(DataFolder::Open(PathOf("a")).ok());
}

TEST_F(DataFolderTest, RefusesWhatIsNoFolder) {
  std::ofstream(PathOf("file")) << "x";
  ExpectRefused(PathOf("file"), "DATA_FOLDER_NOT_A_FOLDER", "is not a folder");
  ExpectRefused(PathOf("file/below"), "DATA_FOLDER_NOT_A_FOLDER", "is not a folder");
}

TEST_F(DataFolderTest, SaysThatTheFolderCannotBeWritten) {
  std::filesystem::create_directories(PathOf("a"));
  ASSERT_EQ(chmod(PathOf("a").c_str(), 0555), 0);
  // Permissions do not bind root: check as another user, whose real id access() goes by.
  const pid_t child = fork();
  if (child == 0) {
    if (getuid() == 0 && setuid(65534) != 0) _exit(2);
    ExpectRefused(PathOf("a"), "DATA_FOLDER_READ_ONLY", "cannot be written");
    ExpectRefused(PathOf("a/b"), "DATA_FOLDER_READ_ONLY", "cannot be written");
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace lapse::storage
