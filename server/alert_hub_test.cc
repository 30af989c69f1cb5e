#include "server/alert_hub.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/memory/state_store.h"

namespace lapse::server {
namespace {

using storage::FeedPosition;
using testing::ElementsAre;

// The store in memory, which also counts how often its feed is read.
class CountingStore : public storage::MemoryStateStore {
 public:
  absl::StatusOr<std::vector<storage::FeedChange>> ReadFeed(FeedPosition after,
                                                            int limit) override {
    ++reads;
    return MemoryStateStore::ReadFeed(after, limit);
  }

  int reads = 0;
};

class AlertHubTest : public testing::Test {
 protected:
  AlertHubTest() { EXPECT_TRUE(hub_.Load().ok()); }

  // Commits and publishes so many alerts.
  void Fire(int count) {
    std::vector<storage::AlertWrite> writes;
    for (int i = 0; i < count; ++i) {
      lapse::v1::Alert alert;
      alert.set_name(absl::StrCat("alerts/", ++fired_));
      alert.set_version(1);
      writes.push_back({alert});
    }
    hub_.Publish(store_.CommitAlerts(writes, 1).value().last);
  }

  std::vector<FeedPosition> Read(FeedPosition after) {
    const auto changes = hub_.Read(after, 100);
    EXPECT_TRUE(changes.ok()) << changes.status();
    std::vector<FeedPosition> positions;
    for (const AlertHub::SharedChange& change : *changes) positions.push_back(change->position);
    return positions;
  }

  SimulatedClock clock_{1};
  CountingStore store_;
  AlertHub hub_{store_, clock_};
  int fired_ = 0;
};

TEST_F(AlertHubTest, ReadsOnceForAllWhoListen) {
  int told = 0;
  hub_.Listen([&] { ++told; });
  hub_.Listen([&] { ++told; });
  Fire(3);
  EXPECT_EQ(told, 2);
  EXPECT_EQ(store_.reads, 1);
  EXPECT_THAT(Read(0), ElementsAre(1, 2, 3));
  EXPECT_THAT(Read(2), ElementsAre(3));
  EXPECT_EQ(store_.reads, 1);
}

TEST_F(AlertHubTest, ReadsNothingWhileNobodyListens) {
  Fire(3);
  EXPECT_EQ(hub_.Last(), 3);
  EXPECT_EQ(store_.reads, 0);
}

TEST_F(AlertHubTest, WhoeverComesLaterMissesNothing) {
  const int64_t first = hub_.Listen([] {});
  Fire(2);
  hub_.Unlisten(first);
  Fire(2);
  EXPECT_THAT(Read(0), ElementsAre(1, 2, 3, 4));
  hub_.Listen([] {});
  EXPECT_THAT(Read(3), ElementsAre(4));
  Fire(1);
  EXPECT_THAT(Read(3), ElementsAre(4, 5));
  EXPECT_THAT(Read(4), ElementsAre(5));
}

}  // namespace
}  // namespace lapse::server
