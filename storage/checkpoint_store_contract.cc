#include "storage/checkpoint_store_contract.h"

#include <thread>

#include "gmock/gmock.h"

namespace lapse::storage {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CheckpointStoreContract);

std::map<int, std::pair<LogPosition, std::string>> CheckpointStoreContract::LoadAll() {
  std::map<int, std::pair<LogPosition, std::string>> loaded;
  const absl::Status status = store().Load([&](PartitionCheckpoint checkpoint) {
    EXPECT_TRUE(
        loaded.try_emplace(checkpoint.partition, checkpoint.position, checkpoint.state).second)
        << "partition " << checkpoint.partition << " came twice";
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  return loaded;
}

namespace {

TEST_P(CheckpointStoreContract, IsEmptyAtFirst) {
  EXPECT_THAT(LoadAll(), IsEmpty());
  EXPECT_TRUE(store().Save({}).ok());
  EXPECT_THAT(LoadAll(), IsEmpty());
}

TEST_P(CheckpointStoreContract, GivesBackTheNewestOfEachPartition) {
  ASSERT_TRUE(store().Save({{0, 5, "zero"}, {1'023, 5, "last"}, {7, 6, "seven"}}).ok());
  ASSERT_TRUE(store().Save({{7, 9, "seven again"}}).ok());
  Reopen();
  EXPECT_THAT(LoadAll(), ElementsAre(Pair(0, Pair(5, "zero")), Pair(7, Pair(9, "seven again")),
                                     Pair(1'023, Pair(5, "last"))));
}

TEST_P(CheckpointStoreContract, GivesBackOnePartition) {
  ASSERT_TRUE(store().Save({{0, 5, "zero"}, {kManifestPartition, 6, "all"}}).ok());
  Reopen();
  EXPECT_EQ(store().LoadPartition(0).value()->state, "zero");
  EXPECT_EQ(store().LoadPartition(kManifestPartition).value()->position, 6);
  EXPECT_FALSE(store().LoadPartition(7).value().has_value());
}

TEST_P(CheckpointStoreContract, KeepsEmptyAndLargeAndBinaryStates) {
  const std::string large(3 << 20, '\x7f');
  const std::string binary("\0\xff\n\0", 4);
  ASSERT_TRUE(store().Save({{1, 1, ""}, {2, 2, large}, {3, 3, binary}}).ok());
  Reopen();
  const auto loaded = LoadAll();
  EXPECT_EQ(loaded.at(1).second, "");
  EXPECT_EQ(loaded.at(2).second, large);
  EXPECT_EQ(loaded.at(3).second, binary);
}

TEST_P(CheckpointStoreContract, RefusesAPartitionThatThereIsNot) {
  for (int partition : {-1, kManifestPartition + 1}) {
    EXPECT_EQ(store().Save({{0, 1, "x"}, {partition, 1, "x"}}).code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_THAT(LoadAll(), IsEmpty());
}

TEST_P(CheckpointStoreContract, ReturnsTheVisitorsError) {
  ASSERT_TRUE(store().Save({{1, 1, "x"}, {2, 1, "x"}}).ok());
  int visits = 0;
  const absl::Status status = store().Load([&](PartitionCheckpoint) {
    ++visits;
    return absl::AbortedError("enough");
  });
  EXPECT_EQ(status, absl::AbortedError("enough"));
  EXPECT_EQ(visits, 1);
}

TEST_P(CheckpointStoreContract, SavesFromSeveralThreads) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([this, thread] {
      for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(store().Save({{thread, i, "own"}, {9, i, "shared"}}).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto loaded = LoadAll();
  EXPECT_EQ(loaded.size(), 5u);
  EXPECT_EQ(loaded.at(3).first, 9);
}

}  // namespace
}  // namespace lapse::storage
