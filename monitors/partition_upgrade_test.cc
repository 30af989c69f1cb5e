// A partition's checkpoint as the first version of the server wrote it.
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "monitors/partition.h"
#include "monitors/test_monitors.h"

namespace lapse::monitors {
namespace {

// Of the file, before the state: see storage/sqlite/checkpoint_file.
constexpr size_t kHeaderBytes = 40;

// What is told of each key: revision, text, and its expectations.
using Keys = std::map<std::string, std::vector<std::string>>;

class PartitionUpgradeTest : public testing::Test {
 protected:
  PartitionUpgradeTest() {
    using lapse::v1::FollowUp;
    Add("01a21655-aaad-7786-8160-e9339edc0e6a", 1'200, 0, 10, 1, FollowUp::ON_REPEAT_KEEP_FIRST);
    Add("01a21655-aae4-75fa-8cf5-34d538215ed6", 2'700, 5, 10, 0, FollowUp::ON_REPEAT_RESTART);
    Add("01a21655-aae8-762b-85be-9dbc2edfff19", 3'600, 30, 15, 3, FollowUp::ON_REPEAT_STACK);
    Add("01a21655-ab00-7058-84c0-e1443df5644a", 1'200, 0, 10, 1, FollowUp::ON_REPEAT_KEEP_FIRST);
  }

  void Add(const std::string& uid, int64_t within, int64_t grace, int64_t tolerance, int64_t skew,
           lapse::v1::FollowUp::OnRepeat on_repeat) {
    lapse::v1::Monitor monitor = OrderMonitor();
    monitor.set_uid(uid);
    lapse::v1::FollowUp& rules = *monitor.mutable_follow_up();
    SetDuration(within * kSecond, rules.mutable_within());
    SetDuration(grace * kSecond, rules.mutable_grace());
    SetDuration(tolerance * kSecond, rules.mutable_reorder_tolerance());
    SetDuration(skew * kSecond, rules.mutable_clock_skew());
    rules.set_on_repeat(on_repeat);
    revisions_[uid] = *CompiledMonitor::Compile(monitor);
  }

  Partition Parse(const std::string& bytes) {
    auto parsed = Partition::Parse(bytes, 0, 42, [this](const std::string& uid, int64_t) {
      return absl::StatusOr<const CompiledMonitor*>(revisions_.at(uid).get());
    });
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    return *std::move(parsed);
  }

  static Keys KeysOf(const Partition& partition) {
    Keys keys;
    partition.ForEachKey([&](Partition::Place place) {
      const Partition::KeyInfo info = partition.InfoAt(place);
      std::vector<std::string>& told = keys[info.revision->uid() + " " + info.text];
      partition.ForEachExpectation(place, [&](const ListedExpectation& listed) {
        told.push_back(
            std::to_string(listed.primary_sequence) + " " + std::to_string(listed.due_us) + " " +
            lapse::v1::Verdict_Name(listed.verdict) + " " + std::to_string(listed.ending_sequence));
      });
    });
    return keys;
  }

  std::map<std::string, std::shared_ptr<const CompiledMonitor>> revisions_;
};

TEST_F(PartitionUpgradeTest, AVersion1CheckpointIsReadAndSavedAsAVersion2OneOfTheSameKeys) {
  std::ifstream file("monitors/testdata/partition_v1.ckpt", std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  ASSERT_GT(bytes.str().size(), kHeaderBytes);
  const std::string version_1 = bytes.str().substr(kHeaderBytes);
  EXPECT_EQ(version_1[0], 1);
  Partition read = Parse(version_1);
  const Keys keys = KeysOf(read);
  EXPECT_GT(keys.size(), 40u);
  EXPECT_FALSE(read.dirty());

  Books sum;
  for (const auto& [uid, revision] : revisions_) {
    if (const Books* books = read.FindBooks(uid)) sum.AddAll(*books);
  }
  int64_t pending = 0;
  for (const auto& [key, told] : keys) {
    for (const std::string& text : told) pending += text.find("PENDING") != std::string::npos;
  }
  EXPECT_GT(sum.met, 0);
  EXPECT_GT(sum.missed, 0);
  EXPECT_EQ(sum.pending, pending);

  const std::string version_2 = read.Serialize();
  EXPECT_EQ(version_2[0], 2);
  EXPECT_EQ(KeysOf(Parse(version_2)), keys);
}

}  // namespace
}  // namespace lapse::monitors
