#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "base/proto_time.h"
#include "google/protobuf/util/message_differencer.h"
#include "server/monitor_catalog.h"
#include "server/monitor_catalog_fixture.h"

namespace lapse::server {
namespace {

using absl::StatusCode;
using google::protobuf::util::MessageDifferencer;
using lapse::v1::FollowUp;
using lapse::v1::Monitor;
using lapse::v1::UpdateMonitorRequest;

UpdateMonitorRequest Request(const std::string& name, const std::vector<std::string>& mask = {}) {
  UpdateMonitorRequest request;
  request.mutable_monitor()->set_name(name);
  for (const std::string& path : mask) request.mutable_update_mask()->add_paths(path);
  return request;
}

TEST_F(MonitorCatalogTest, AnUpdateWithoutMaskWipesNothing) {
  const Monitor before = Create("a");
  clock_.AdvanceBy(1'000'000);
  UpdateMonitorRequest request = Request("monitors/a");
  request.mutable_monitor()->set_description("new");
  const Monitor after = catalog_->Update(request).value();
  Monitor expected = before;
  expected.set_description("new");
  expected.set_etag(after.etag());
  *expected.mutable_update_time() = after.update_time();
  EXPECT_TRUE(MessageDifferencer::Equals(after, expected)) << after.DebugString();
  EXPECT_NE(after.etag(), before.etag());
  EXPECT_EQ(ToMicros(after.update_time()), clock_.NowUs());
  EXPECT_TRUE(MessageDifferencer::Equals(*catalog_->Get("monitors/a"), after));
}

TEST_F(MonitorCatalogTest, OnlyAChangeOfTheConditionMakesARevision) {
  struct Case {
    const char* what;
    std::function<void(Monitor*)> change;
    bool new_revision;
  };
  const std::vector<Case> cases = {
      {"description", [](Monitor* m) { m->set_description("x"); }, false},
      {"display name", [](Monitor* m) { m->set_display_name("x"); }, false},
      {"severity", [](Monitor* m) { m->set_severity(Monitor::SEVERITY_INFO); }, false},
      {"labels", [](Monitor* m) { (*m->mutable_labels())["k"] = "v"; }, false},
      {"within", [](Monitor* m) { m->mutable_follow_up()->mutable_within()->set_seconds(11); },
       true},
      {"grace", [](Monitor* m) { m->mutable_follow_up()->mutable_grace()->set_seconds(1); }, true},
      {"filter",
       [](Monitor* m) { m->mutable_follow_up()->mutable_primary()->set_filter("source = x"); },
       true},
      {"on_repeat",
       [](Monitor* m) { m->mutable_follow_up()->set_on_repeat(FollowUp::ON_REPEAT_STACK); }, true},
      {"cancel",
       [](Monitor* m) {
         m->mutable_follow_up()->mutable_cancel()->set_event_type("c");
         m->mutable_follow_up()->mutable_cancel()->set_key_attribute("k");
       },
       true},
  };
  int64_t revision = Create("a").revision();
  for (const Case& c : cases) {
    UpdateMonitorRequest request = Request("monitors/a");
    c.change(request.mutable_monitor());
    const absl::StatusOr<Monitor> after = catalog_->Update(request);
    ASSERT_TRUE(after.ok()) << c.what << ": " << after.status();
    if (c.new_revision) ++revision;
    EXPECT_EQ(after->revision(), revision) << c.what;
  }
}

TEST_F(MonitorCatalogTest, AnUpdateThatChangesNothingMakesNoChange) {
  const Monitor before = Create("a");
  clock_.AdvanceBy(1'000'000);
  UpdateMonitorRequest same = Request("monitors/a", {"*"});
  *same.mutable_monitor() = before;
  UpdateMonitorRequest to_default = Request("monitors/a", {"display_name", "severity"});
  for (const UpdateMonitorRequest& request : {Request("monitors/a"), same, to_default}) {
    EXPECT_TRUE(MessageDifferencer::Equals(*catalog_->Update(request), before));
  }
  EXPECT_EQ(RecordedChanges(), 1u);
}

TEST_F(MonitorCatalogTest, AStarReplacesEverything) {
  UpdateMonitorRequest request = Request("monitors/a");
  Create("a");
  request.mutable_monitor()->set_description("old");
  (*request.mutable_monitor()->mutable_labels())["k"] = "v";
  ASSERT_TRUE(catalog_->Update(request).ok());

  UpdateMonitorRequest replace = Request("monitors/a", {"*"});
  *replace.mutable_monitor()->mutable_follow_up() = CreateRequest("a").monitor().follow_up();
  const Monitor after = catalog_->Update(replace).value();
  EXPECT_EQ(after.description(), "");
  EXPECT_TRUE(after.labels().empty());
  EXPECT_EQ(after.display_name(), "a");
  EXPECT_EQ(after.revision(), 1);
}

TEST_F(MonitorCatalogTest, ABadUpdateIsRefusedWithoutEffect) {
  const Monitor before = Create("a");
  ExpectError(catalog_->Update(Request("monitors/b")), StatusCode::kNotFound, "MONITOR_NOT_FOUND");
  ExpectError(catalog_->Update(Request("b")), StatusCode::kInvalidArgument, "NAME_INVALID",
              "monitor.name");
  ExpectError(catalog_->Update(Request("monitors/a", {"descripton"})), StatusCode::kInvalidArgument,
              "MASK_PATH_UNKNOWN", "update_mask");
  ExpectError(catalog_->Update(Request("monitors/a", {"follow_up.within"})),
              StatusCode::kInvalidArgument, "WITHIN_MISSING", "monitor.follow_up.within");
  UpdateMonitorRequest request = Request("monitors/a");
  request.mutable_monitor()->add_notifiers("notifiers/none");
  ExpectError(catalog_->Update(request), StatusCode::kInvalidArgument, "NOTIFIER_UNKNOWN",
              "monitor.notifiers[0]");
  request = Request("monitors/a");
  request.mutable_monitor()->set_etag("stale");
  ExpectError(catalog_->Update(request), StatusCode::kAborted, "ETAG_STALE");
  EXPECT_TRUE(MessageDifferencer::Equals(*catalog_->Get("monitors/a"), before));
  EXPECT_EQ(RecordedChanges(), 1u);
}

TEST_F(MonitorCatalogTest, AnUpdateWithThePresentEtagIsMade) {
  UpdateMonitorRequest request = Request("monitors/a");
  request.mutable_monitor()->set_etag(Create("a").etag());
  request.mutable_monitor()->set_description("x");
  EXPECT_EQ(catalog_->Update(request)->description(), "x");
  request.mutable_monitor()->set_description("y");
  ExpectError(catalog_->Update(request), StatusCode::kAborted, "ETAG_STALE");
}

TEST_F(MonitorCatalogTest, AllowMissingCreates) {
  UpdateMonitorRequest request = Request("monitors/a", {"description"});
  *request.mutable_monitor()->mutable_follow_up() = CreateRequest("a").monitor().follow_up();
  request.set_allow_missing(true);
  const Monitor created = catalog_->Update(request).value();
  EXPECT_EQ(created.revision(), 1);
  EXPECT_TRUE(created.has_follow_up());

  request.mutable_monitor()->set_name("monitors/Bad");
  ExpectError(catalog_->Update(request), StatusCode::kInvalidArgument, "ID_INVALID",
              "monitor.name");
  request.mutable_monitor()->set_name("monitors/b");
  request.mutable_monitor()->set_etag("of-one-that-was");
  ExpectError(catalog_->Update(request), StatusCode::kAborted, "ETAG_STALE");
  EXPECT_EQ(Names(), std::vector<std::string>{"monitors/a"});
}

}  // namespace
}  // namespace lapse::server
