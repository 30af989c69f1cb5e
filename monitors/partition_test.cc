#include "monitors/partition.h"

#include <random>
#include <string>

#include "base/errors.h"
#include "gtest/gtest.h"
#include "monitors/partition_codec.h"
#include "monitors/test_monitors.h"

namespace lapse::monitors {
namespace {

constexpr uint64_t kSeed = 7;

class PartitionTest : public testing::Test {
 protected:
  PartitionTest() { Fill(partition_); }

  void Fill(Partition& partition) {
    for (const std::string key : {"A", "B", "C"}) {
      KeyEntry& entry = partition.Add(revision_->KeyFingerprint(kSeed, key), *revision_, key);
      const auto batch = storage::EventBatch::Of(MakeEvent("created", key, 1));
      Output out;
      entry.state->OnEvent(KeyEvent{Role::kPrimary, 1, At(1), At(1), &batch.events()[0]}, Now{At(0), At(1)},
                           out);
      entry.last_receive_us = At(1);
      for (const Transition& transition : out.transitions) {
        partition.BooksOf(revision_->uid()).Count(transition);
      }
    }
    partition.MarkDirty();
  }

  absl::StatusOr<Partition> Parse(absl::string_view bytes) {
    return Partition::Parse(bytes, kSeed, 42, [this](const std::string&, int64_t) {
      return absl::StatusOr<const CompiledMonitor*>(revision_.get());
    });
  }

  std::shared_ptr<const CompiledMonitor> revision_ = *CompiledMonitor::Compile(OrderMonitor());
  Partition partition_;
};

TEST_F(PartitionTest, SurvivesSerialization) {
  const std::string bytes = partition_.Serialize();
  absl::StatusOr<Partition> read = Parse(bytes);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->key_count(), 3u);
  EXPECT_EQ(read->restored_position(), 42);
  EXPECT_FALSE(read->dirty());
  EXPECT_EQ(read->FindBooks(revision_->uid())->pending, 3);
  const KeyEntry* entry = read->Find(revision_->KeyFingerprint(kSeed, "B"));
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->key, "B");
  EXPECT_EQ(entry->last_receive_us, At(1));
  EXPECT_EQ(read->Serialize(), bytes);
}

TEST_F(PartitionTest, EqualStatesHaveEqualBytes) {
  Partition other;
  Fill(other);
  EXPECT_EQ(other.Serialize(), partition_.Serialize());
}

TEST_F(PartitionTest, SerializingMakesItClean) {
  EXPECT_TRUE(partition_.dirty());
  partition_.Serialize();
  EXPECT_FALSE(partition_.dirty());
}

TEST_F(PartitionTest, ARevisionKnowsHowManyKeysUseIt) {
  EXPECT_EQ(revision_->KeyCount(), 3);
  partition_.Erase(revision_->KeyFingerprint(kSeed, "A"));
  partition_.Erase(revision_->KeyFingerprint(kSeed, "A"));
  EXPECT_EQ(revision_->KeyCount(), 2);
}

TEST_F(PartitionTest, DamagedBytesAreDataLossAndNeverCrash) {
  const std::string bytes = partition_.Serialize();
  std::mt19937_64 random(1);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    const auto read = Parse(absl::string_view(bytes).substr(0, cut));
    EXPECT_EQ(read.status().code(), absl::StatusCode::kDataLoss) << cut;
  }
  for (int i = 0; i < 2'000; ++i) {
    std::string damaged = bytes;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    Parse(damaged).IgnoreError();
  }
}

TEST_F(PartitionTest, AKeyThatNamesNoRevisionIsDataLoss) {
  lapse::internal::v1::PartitionState state;
  state.add_keys()->set_revision_index(0);
  const absl::Status status = Parse(EncodePartitionState(state)).status();
  EXPECT_EQ(DetailsOf(status).reason, "CHECKPOINT_DAMAGED");
}

TEST_F(PartitionTest, ImpossibleBooksAreDataLoss) {
  lapse::internal::v1::PartitionState state;
  state.add_books()->mutable_books()->set_opened(-1);
  const absl::Status status = Parse(EncodePartitionState(state)).status();
  EXPECT_EQ(DetailsOf(status).reason, "CHECKPOINT_DAMAGED");
}

TEST_F(PartitionTest, ANewerVersionIsNamed) {
  std::string bytes = partition_.Serialize();
  bytes[0] = 2;
  const absl::Status status = Parse(bytes).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(DetailsOf(status).reason, "DATA_FOLDER_NEWER");
}

}  // namespace
}  // namespace lapse::monitors
