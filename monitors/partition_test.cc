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

  Fingerprint Of(const std::string& key) const { return revision_->KeyFingerprint(kSeed, key); }

  void Primary(Partition& partition, const std::string& key) {
    const auto batch = storage::EventBatch::Of(MakeEvent("created", key, 1));
    Output out;
    const Fingerprint fingerprint = Of(key);
    partition.OnEvent({}, Partition::KeyName(partition, fingerprint, *revision_, key),
                      KeyEvent{Role::kPrimary, 1, At(1), At(1), &batch.events()[0]},
                      Now{At(0), At(1)}, out);
    for (const Transition& transition : out.transitions) {
      partition.BooksOf(revision_->uid()).Count(transition);
    }
  }

  void Fill(Partition& partition) {
    for (const char* key : {"A", "B", "C"}) Primary(partition, key);
  }

  absl::StatusOr<Partition> Parse(absl::string_view bytes) {
    return Partition::Parse(bytes, kSeed, 42, [this](const std::string&, int64_t) {
      return absl::StatusOr<const CompiledMonitor*>(revision_.get());
    });
  }

  std::shared_ptr<const CompiledMonitor> revision_ = *CompiledMonitor::Compile(OrderMonitor());
  Partition partition_{kSeed};
};

TEST_F(PartitionTest, SurvivesSerialization) {
  const std::string bytes = partition_.Serialize();
  absl::StatusOr<Partition> read = Parse(bytes);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->key_count(), 3u);
  EXPECT_EQ(read->restored_position(), 42);
  EXPECT_FALSE(read->dirty());
  EXPECT_EQ(read->FindBooks(revision_->uid())->pending, 3);
  const Fingerprint fingerprint = Of("B");
  const Partition::Place place = read->Find(fingerprint);
  ASSERT_NE(place, Partition::kNowhere);
  EXPECT_EQ(read->Find(Partition::KeyName(*read, fingerprint, *revision_, "B")), place);
  EXPECT_EQ(read->InfoAt(place).text, "B");
  EXPECT_EQ(read->Look(place).last_receive_time_us, At(1));
  EXPECT_TRUE(read->Look(place).live);
  EXPECT_EQ(read->Serialize(), bytes);
}

TEST_F(PartitionTest, RecordsOfTheLargestSizesSurviveSerialization) {
  lapse::v1::Monitor monitor = OrderMonitor();
  monitor.mutable_follow_up()->set_on_repeat(lapse::v1::FollowUp::ON_REPEAT_STACK);
  revision_ = *CompiledMonitor::Compile(monitor);
  std::mt19937_64 random(1);
  std::string noise;
  while (noise.size() < 4'000) noise += static_cast<char>('!' + random() % 90);
  const Fingerprint fingerprint = Of("A");
  for (size_t size = 1; size <= 900; ++size) {
    Partition partition(kSeed);
    Partition::Placed placed;
    Output out;
    for (int i = 0; i < 5; ++i) {
      lapse::v1::Event event = MakeEvent("created", "A", 1 + i);
      const std::string note = noise.substr(i * 800, i == 0 ? size : 800);
      (*event.mutable_attributes())["note"] = StringValue(note);
      const auto batch = storage::EventBatch::Of(event);
      placed =
          partition.OnEvent(placed, Partition::KeyName(partition, fingerprint, *revision_, "A"),
                            KeyEvent{Role::kPrimary, 1 + i, At(1 + i), At(5), &batch.events()[0]},
                            Now{At(0), At(5)}, out);
    }
    absl::StatusOr<Partition> read = Parse(partition.Serialize());
    ASSERT_TRUE(read.ok()) << size << " " << read.status();
    ASSERT_NE(read->Find(fingerprint), Partition::kNowhere);
    EXPECT_EQ(read->Look(read->Find(fingerprint)).last_receive_time_us, At(5));
    EXPECT_TRUE(Parse(read->Serialize()).ok()) << size;
  }
}

TEST_F(PartitionTest, EqualStatesHaveEqualBytes) {
  Partition other(kSeed);
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
  partition_.Erase(partition_.Find(Of("A")), Of("A"));
  EXPECT_EQ(revision_->KeyCount(), 2);
}

TEST_F(PartitionTest, KnowsWhetherItHasKeysOfAMonitor) {
  EXPECT_TRUE(partition_.HasKeysOf(revision_->uid()));
  EXPECT_FALSE(partition_.HasKeysOf("another"));
  EXPECT_TRUE(Parse(partition_.Serialize())->HasKeysOf(revision_->uid()));
  for (const char* key : {"A", "B", "C"}) partition_.Erase(partition_.Find(Of(key)), Of(key));
  EXPECT_FALSE(partition_.HasKeysOf(revision_->uid()));
}

TEST_F(PartitionTest, AskingForAKeyKeepsNoHoldOnItsRevision) {
  PartitionRevisions revisions;
  revisions.NumberOf(*revision_);
  EXPECT_EQ(revisions.At(0), nullptr) << "no key uses it";
  revisions.AddKey(*revision_);
  EXPECT_EQ(revisions.At(0), revision_.get());
  revisions.DropKey(*revision_);
  EXPECT_EQ(revisions.At(0), nullptr);
  EXPECT_FALSE(revisions.FindNumber(*revision_).has_value());

  // The last key of a revision goes, a stray event asks for it, and the revision is dropped.
  Partition partition(kSeed);
  auto old_revision = *CompiledMonitor::Compile(OrderMonitor());
  std::swap(old_revision, revision_);
  Primary(partition, "old");
  partition.Erase(partition.Find(Of("old")), Of("old"));
  const Fingerprint fingerprint = Of("old");
  EXPECT_EQ(partition.Find(Partition::KeyName(partition, fingerprint, *revision_, "old")),
            Partition::kNowhere);
  std::swap(old_revision, revision_);
  old_revision.reset();
  Fill(partition);
  // Timers may point anywhere after the records were moved.
  size_t keys = 0;
  for (Partition::Place place = 0; place < 4'000; ++place) {
    keys += partition.ResolveKey(place).has_value() ? 1 : 0;
    partition.LookIfKey(place);
  }
  EXPECT_EQ(keys, 3u);
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
    damaged[random() % damaged.size()] ^= static_cast<char>(1 + random() % 255);
    EXPECT_FALSE(Parse(damaged).ok());
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
  bytes[0] = 3;
  const absl::Status status = Parse(bytes).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(DetailsOf(status).reason, "DATA_FOLDER_NEWER");
}

}  // namespace
}  // namespace lapse::monitors
