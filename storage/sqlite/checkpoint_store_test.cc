#include "storage/sqlite/checkpoint_store.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "storage/checkpoint_store_contract.h"
#include "storage/sqlite/checkpoint_file.h"

namespace lapse::storage {
namespace {

using testing::HasSubstr;

std::string NewFolder() {
  static std::atomic<int> count = 0;
  const std::string path = absl::StrCat(testing::TempDir(), "/ckpt_", getpid(), "_", ++count);
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path;
}

class FileHolder : public CheckpointStoreHolder {
 public:
  FileHolder() : above_(NewFolder()) { Reopen(); }
  ~FileHolder() override { std::filesystem::remove_all(above_); }

  CheckpointStore& store() override { return *store_; }
  void Reopen() override { store_ = FileCheckpointStore::Open(above_ + "/checkpoints").value(); }

 private:
  const std::string above_;
  std::unique_ptr<FileCheckpointStore> store_;
};

INSTANTIATE_TEST_SUITE_P(File, CheckpointStoreContract,
                         testing::Values(CheckpointStoreMaker{
                             "file", [] { return std::make_unique<FileHolder>(); }}),
                         [](const auto& info) { return info.param.name; });

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

void Write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

absl::Status LoadNothing(PartitionCheckpoint) { return absl::OkStatus(); }

TEST(CheckpointFile, ComesBackAsItWas) {
  const PartitionCheckpoint checkpoint{12, 1ll << 40, "state"};
  const auto decoded = DecodeCheckpoint("x", EncodeCheckpoint(checkpoint)).value();
  EXPECT_EQ(decoded.partition, 12);
  EXPECT_EQ(decoded.position, 1ll << 40);
  EXPECT_EQ(decoded.state, "state");
}

TEST(CheckpointFile, NoticesEveryFlippedBitAndEveryCut) {
  const std::string good = EncodeCheckpoint({12, 345, "the state"});
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(DecodeCheckpoint("x", bad).ok()) << "bit " << bit;
  }
  for (size_t size = 0; size < good.size(); ++size) {
    const absl::Status status = DecodeCheckpoint("x", good.substr(0, size)).status();
    EXPECT_EQ(DetailsOf(status).reason, "DATA_FOLDER_DAMAGED") << "size " << size;
  }
  EXPECT_FALSE(DecodeCheckpoint("x", good + "y").ok());
}

TEST(CheckpointFile, RefusesALaterVersion) {
  std::string later = EncodeCheckpoint({12, 345, "the state"});
  later[8] = 2;
  const absl::Status status = DecodeCheckpoint("x", later).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(DetailsOf(status).reason, "DATA_FOLDER_NEWER");
}

TEST(FileCheckpointStore, OpeningRemovesWhatACrashLeftHalfWritten) {
  const std::string folder = NewFolder();
  auto store = FileCheckpointStore::Open(folder).value();
  ASSERT_TRUE(store->Save({{7, 5, "seven"}}).ok());
  Write(folder + "/0007.ckpt.tmp", "half");
  Write(folder + "/0008.ckpt.tmp", EncodeCheckpoint({8, 9, "whole, and not renamed"}));
  Write(folder + "/README", "not ours");
  store = FileCheckpointStore::Open(folder).value();
  std::vector<int> partitions;
  ASSERT_TRUE(store
                  ->Load([&](PartitionCheckpoint checkpoint) {
                    partitions.push_back(checkpoint.partition);
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_THAT(partitions, testing::ElementsAre(7));
  EXPECT_FALSE(std::filesystem::exists(folder + "/0007.ckpt.tmp"));
  EXPECT_FALSE(std::filesystem::exists(folder + "/0008.ckpt.tmp"));
  EXPECT_TRUE(std::filesystem::exists(folder + "/README"));
}

TEST(FileCheckpointStore, NamesADamagedFile) {
  const std::string folder = NewFolder();
  auto store = FileCheckpointStore::Open(folder).value();
  const std::string path = folder + "/0007.ckpt";
  const char* states[] = {"", "short", nullptr};
  for (const char* state : states) {
    ASSERT_TRUE(store->Save({{7, 5, "seven"}}).ok());
    std::string bytes = Read(path);
    bytes.back() = '!';
    Write(path, state == nullptr ? bytes : state);
    const absl::Status status = store->Load(LoadNothing);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(DetailsOf(status).reason, "DATA_FOLDER_DAMAGED");
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  }
}

TEST(FileCheckpointStore, NoticesAFileUnderTheNameOfAnotherPartition) {
  const std::string folder = NewFolder();
  auto store = FileCheckpointStore::Open(folder + "/").value();
  ASSERT_TRUE(store->Save({{7, 5, "seven"}}).ok());
  ASSERT_TRUE(store->Load(LoadNothing).ok());
  std::filesystem::rename(folder + "/0007.ckpt", folder + "/0008.ckpt");
  EXPECT_EQ(DetailsOf(store->Load(LoadNothing)).reason, "DATA_FOLDER_DAMAGED");
}

TEST(FileCheckpointStore, KeepsTheOldOnesWhereTheNewCannotBeWritten) {
  const std::string folder = NewFolder();
  auto store = FileCheckpointStore::Open(folder).value();
  ASSERT_TRUE(store->Save({{7, 5, "seven"}}).ok());
  // A folder in the place of the temporary file cannot be opened for writing, by root neither.
  std::filesystem::create_directories(folder + "/0009.ckpt.tmp/x");
  const absl::Status status = store->Save({{7, 6, "new"}, {9, 6, "new"}});
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(DetailsOf(status).reason, "FILE_ERROR");
  EXPECT_FALSE(std::filesystem::exists(folder + "/0007.ckpt.tmp"));
  std::filesystem::remove_all(folder + "/0009.ckpt.tmp");
  LogPosition position = 0;
  ASSERT_TRUE(store
                  ->Load([&](PartitionCheckpoint checkpoint) {
                    position = checkpoint.position;
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(position, 5);
}

TEST(FileCheckpointStore, SaysThatTheFolderCannotBeWritten) {
  const std::string folder = NewFolder();
  auto store = FileCheckpointStore::Open(folder).value();
  ASSERT_EQ(chmod(folder.c_str(), 0555), 0);
  // Permissions do not bind root: check as another user.
  const pid_t child = fork();
  if (child == 0) {
    if (getuid() == 0 && setuid(65534) != 0) _exit(2);
    const absl::Status status = store->Save({{7, 5, "seven"}});
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_EQ(DetailsOf(status).reason, "DATA_FOLDER_READ_ONLY") << status;
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(FileCheckpointStore, SaysThatTheDiskIsFull) {
  const std::string folder = NewFolder();
  if (mount("none", folder.c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "may not mount a small disk";
  }
  auto store = FileCheckpointStore::Open(folder).value();
  EXPECT_TRUE(store->Save({{1, 1, "small"}}).ok());
  const absl::Status status = store->Save({{1, 2, std::string(100'000, 'x')}});
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(DetailsOf(status).reason, "DISK_FULL");
  EXPECT_TRUE(store->Save({{1, 3, "small again"}}).ok()) << "what was written was not removed";
  EXPECT_EQ(umount2(folder.c_str(), MNT_DETACH), 0);
}

}  // namespace
}  // namespace lapse::storage
