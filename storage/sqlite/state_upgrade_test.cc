// A database stored by every earlier schema version is upgraded with nothing lost.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "base/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/sqlite/sqlite_db.h"
#include "storage/sqlite/state_store.h"

namespace lapse::storage {
namespace {

using lapse::v1::Alert;
using lapse::v1::Delivery;
using testing::ElementsAre;

constexpr int64_t kStoredUs = 1'717'200'000'000'000;
constexpr char kMail[] = "notifiers/mail";

class StateUpgrade : public testing::Test {
 protected:
  StateUpgrade() : folder_(absl::StrCat(testing::TempDir(), "/upgrade_", getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }

  std::string PathOf(const std::string& name) const { return folder_ + "/" + name; }

  // The database that `dump` in testdata describes.
  std::string Restore(const std::string& dump) const {
    std::ifstream file("storage/testdata/" + dump);
    std::stringstream sql;
    sql << file.rdbuf();
    EXPECT_FALSE(sql.str().empty());
    const std::string path = PathOf("state.db");
    const absl::Status restored = SqliteDb::Open(path, {}).value()->Execute(sql.str().c_str());
    EXPECT_TRUE(restored.ok()) << restored;
    return path;
  }

  static std::vector<std::string> SchemaOf(const std::string& path) {
    auto db = SqliteDb::Open(path, {}).value();
    auto select =
        db->Prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
            .value();
    std::vector<std::string> schema{absl::StrCat("version ", db->UserVersion().value())};
    while (select.Step().value()) {
      schema.push_back(absl::StrCat(select.Text(0), ": ", select.Text(1)));
    }
    return schema;
  }

 private:
  const std::string folder_;
};

TEST_F(StateUpgrade, GivesVersion1TheSchemaOfANewDatabase) {
  const std::string upgraded = Restore("state_v1.sql");
  ASSERT_EQ(SchemaOf(upgraded)[0], "version 1");
  ASSERT_TRUE(SqliteStateStore::Open(upgraded).ok());
  ASSERT_TRUE(SqliteStateStore::Open(PathOf("new.db")).ok());
  EXPECT_EQ(SchemaOf(upgraded), SchemaOf(PathOf("new.db")));
}

TEST_F(StateUpgrade, KeepsTheMonitorsOfVersion1) {
  auto store = SqliteStateStore::Open(Restore("state_v1.sql")).value();
  const auto monitors = store->LoadMonitors().value();
  ASSERT_EQ(monitors.size(), 1u);
  EXPECT_EQ(monitors[0].name(), "monitors/order-delivered");
  EXPECT_EQ(monitors[0].revision(), 2);
  EXPECT_EQ(ToMicros(monitors[0].follow_up().within()), 2'700'000'000);
  EXPECT_EQ(store->LoadMonitorHistory().value().size(), 4u);
  EXPECT_EQ(store->FindMonitorByRequestId("req-1", 0).value().revision(), 1);
}

TEST_F(StateUpgrade, KeepsTheNotifiersAndEventTypesOfVersion1) {
  auto store = SqliteStateStore::Open(Restore("state_v1.sql")).value();
  EXPECT_EQ(store->ListNotifiers("", 10).value().size(), 2u);
  EXPECT_EQ(store->GetNotifier(kMail).value().email().to(0), "oncall@example.com");
  EXPECT_EQ(store->FindNotifierByRequestId("req-pager", 0).value().uid(), "uid-pager");
  LogPosition position = 0;
  const auto types = store->LoadEventTypes(&position).value();
  EXPECT_EQ(position, 9);
  ASSERT_EQ(types.size(), 1u);
  EXPECT_EQ(types[0].event_count(), 17);
}

TEST_F(StateUpgrade, KeepsTheAlertsAndTheFeedOfVersion1) {
  auto store = SqliteStateStore::Open(Restore("state_v1.sql")).value();
  const FeedInfo info = store->GetFeedInfo().value();
  EXPECT_EQ(info.feed_id, "00112233445566778899aabbccddeeff");
  EXPECT_EQ(info.last, 5);
  EXPECT_EQ(store->ReadFeed(0, 10).value().size(), 5u);
  EXPECT_EQ(store->GetAlert("alerts/a1").value().version(), 3);
  const auto firing = store->ReadFiringAt(3, 0, 10).value();
  ASSERT_EQ(firing.size(), 1u);
  EXPECT_EQ(firing[0].alert.name(), "alerts/b2");
  Alert next = store->GetAlert("alerts/b2").value();
  next.set_version(2);
  EXPECT_EQ(store->CommitAlerts({{next}}, kStoredUs).value().last, 6);
}

TEST_F(StateUpgrade, KeepsAlertsWhoseChangesVersion1HasTrimmed) {
  const std::string path = Restore("state_v1.sql");
  ASSERT_TRUE(SqliteDb::Open(path, {})
                  .value()
                  ->Execute("DELETE FROM feed WHERE position <= 2;"
                            "UPDATE meta SET feed_trimmed_through = 2")
                  .ok());
  auto store = SqliteStateStore::Open(path).value();
  EXPECT_EQ(store->GetFeedInfo().value().resumable_after, 2);
  EXPECT_EQ(store->ReadFeed(2, 10).value().size(), 3u);
  EXPECT_EQ(store->GetAlert("alerts/b2").value().key(), "A-b2");
  const auto firing = store->ReadFiringAt(2, 0, 10).value();
  ASSERT_EQ(firing.size(), 2u);
  EXPECT_EQ(firing[0].alert.name(), "alerts/a1");
  EXPECT_EQ(firing[0].alert.version(), 1);
  EXPECT_EQ(firing[1].alert.name(), "alerts/b2");
  EXPECT_EQ(store->TrimFeed(INT64_MAX, 10).value(), 3);
  EXPECT_EQ(store->ReadFiringAt(5, 0, 10).value().size(), 2u);
}

TEST_F(StateUpgrade, OrdersNamesAfterThePrimariesOfVersion1) {
  const std::string path = Restore("state_v1.sql");
  EXPECT_EQ(SqliteStateStore::Open(path).value()->names_ordered_from(), 18);
  {
    auto store = SqliteStateStore::Open(path).value();
    Alert later;
    later.set_name("alerts/later");
    later.set_version(1);
    later.mutable_primary_event()->set_sequence(99);
    ASSERT_TRUE(store->CommitAlerts({{later}}, kStoredUs).ok());
  }
  EXPECT_EQ(SqliteStateStore::Open(path).value()->names_ordered_from(), 18);
  EXPECT_EQ(SqliteStateStore::Open(PathOf("new.db")).value()->names_ordered_from(), 0);
}

TEST_F(StateUpgrade, GoesOnWithTheDeliveriesOfVersion1) {
  auto store = SqliteStateStore::Open(Restore("state_v1.sql")).value();
  EXPECT_EQ(store->NextTryTimeUs().value(), kStoredUs + 2'000);
  const auto due = store->ListDueDeliveries(kMail, kStoredUs + 9'000, 10).value();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].delivery.tries(0).error(), "451 try later");
  EXPECT_EQ(due[0].delivery.idempotency_key(), "f85aa342e40dd9f1a93e1d469b92cddc");
  EXPECT_EQ(due[0].alert.key(), "A-a1");

  const Delivery digest = store->MakeDigest(kMail, kStoredUs + 9'000).value();
  EXPECT_EQ(digest.name(), "notifiers/mail/deliveries/8");
  EXPECT_EQ(digest.digested_count(), 3);
  const auto digested =
      store->ListDeliveries(kMail, "", {Delivery::STATE_DIGESTED}, INT64_MAX, 10).value();
  std::vector<int64_t> numbers;
  for (const auto& listed : digested) {
    numbers.push_back(listed.number);
    EXPECT_EQ(listed.delivery.digest(), digest.name());
  }
  EXPECT_THAT(numbers, ElementsAre(6, 4, 1));
}

}  // namespace
}  // namespace lapse::storage
