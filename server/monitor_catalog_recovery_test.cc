#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/errors.h"
#include "google/protobuf/util/message_differencer.h"
#include "server/monitor_catalog.h"
#include "server/monitor_catalog_fixture.h"

namespace lapse::server {
namespace {

using absl::StatusCode;
using google::protobuf::util::MessageDifferencer;
using lapse::v1::Monitor;

TEST_F(MonitorCatalogTest, MonitorsAreInForceAfterAStart) {
  const Monitor a = Create("a");
  Create("b");
  lapse::v1::DeleteMonitorRequest remove;
  remove.set_name("monitors/b");
  ASSERT_TRUE(catalog_->Delete(remove).ok());
  Start();
  EXPECT_EQ(Names(), std::vector<std::string>{"monitors/a"});
  EXPECT_TRUE(MessageDifferencer::Equals(*catalog_->Get("monitors/a"), a));
  EXPECT_EQ(RecordedChanges(), 3u);
}

TEST_F(MonitorCatalogTest, AChangeThatTheLogRefusesHasNoEffect) {
  chunks_.FailNextAppends(
      MakeError(StatusCode::kResourceExhausted, "DISK_FULL", "no space left on device"), 1);
  EXPECT_FALSE(catalog_->Create(CreateRequest("a")).ok());
  EXPECT_EQ(Names(), std::vector<std::string>());
  EXPECT_EQ(RecordedChanges(), 0u);
  Create("a");
}

TEST_F(MonitorCatalogTest, AChangeThatACrashKeptFromTheStoreIsRecordedAtTheStart) {
  Create("a", "r-1");
  store_.failures = 1;
  const Monitor b = Create("b", "r-2");
  EXPECT_EQ(RecordedChanges(), 1u);
  Start();
  EXPECT_EQ(RecordedChanges(), 2u);
  EXPECT_TRUE(MessageDifferencer::Equals(*catalog_->Get("monitors/b"), b));
  EXPECT_TRUE(MessageDifferencer::Equals(Create("b", "r-2"), b));
}

TEST_F(MonitorCatalogTest, AChangeThatTheStoreCouldNotTakeIsInForceAndRecordedBeforeTheNext) {
  store_.failures = 1;
  Create("a");
  EXPECT_TRUE(catalog_->Get("monitors/a").ok());
  EXPECT_EQ(RecordedChanges(), 0u);
  Create("b");
  EXPECT_EQ(RecordedChanges(), 2u);
}

TEST_F(MonitorCatalogTest, NoChangeIsMadeWhileTheStoreLacksOne) {
  store_.failures = 2;
  Create("a");
  const absl::Status refused = catalog_->Create(CreateRequest("b")).status();
  EXPECT_EQ(refused.code(), StatusCode::kUnavailable) << refused;
  EXPECT_EQ(DetailsOf(refused).reason, "STATE_STORE_FAILED");
  EXPECT_TRUE(DetailsOf(refused).retry_after_us.has_value());
  EXPECT_EQ(Names(), std::vector<std::string>{"monitors/a"});
  Create("b");
  EXPECT_EQ(RecordedChanges(), 2u);
}

}  // namespace
}  // namespace lapse::server
