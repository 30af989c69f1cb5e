#include "server/monitor_catalog.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "google/protobuf/util/message_differencer.h"
#include "server/monitor_catalog_fixture.h"

namespace lapse::server {
namespace {

using absl::StatusCode;
using google::protobuf::util::MessageDifferencer;
using lapse::v1::CreateMonitorRequest;
using lapse::v1::Monitor;

TEST_F(MonitorCatalogTest, ACreatedMonitorHasWhatTheServerSets) {
  const Monitor monitor = Create("order-delivered");
  EXPECT_EQ(monitor.name(), "monitors/order-delivered");
  EXPECT_EQ(monitor.uid().size(), 36u);
  EXPECT_EQ(monitor.revision(), 1);
  EXPECT_FALSE(monitor.etag().empty());
  EXPECT_EQ(ToMicros(monitor.create_time()), clock_.NowUs());
  EXPECT_EQ(ToMicros(monitor.update_time()), clock_.NowUs());
  EXPECT_EQ(monitor.display_name(), "order-delivered");
  EXPECT_EQ(ToMicros(monitor.follow_up().clock_skew()), limits::kDefaultClockSkewUs);
  EXPECT_TRUE(MessageDifferencer::Equals(*catalog_->Get("monitors/order-delivered"), monitor));
  EXPECT_EQ(RecordedChanges(), 1u);
}

TEST_F(MonitorCatalogTest, WhatOnlyTheServerSetsIsIgnoredInACreate) {
  CreateMonitorRequest request = CreateRequest("a");
  request.mutable_monitor()->set_name("monitors/z");
  request.mutable_monitor()->set_uid("z");
  request.mutable_monitor()->set_revision(9);
  request.mutable_monitor()->set_etag("z");
  request.mutable_monitor()->set_disabled(true);
  const Monitor monitor = catalog_->Create(request).value();
  EXPECT_EQ(monitor.name(), "monitors/a");
  EXPECT_NE(monitor.uid(), "z");
  EXPECT_EQ(monitor.revision(), 1);
  EXPECT_NE(monitor.etag(), "z");
  EXPECT_FALSE(monitor.disabled());
}

TEST_F(MonitorCatalogTest, ABadCreateIsRefusedWithoutEffect) {
  ExpectError(catalog_->Create(CreateRequest("Bad")), StatusCode::kInvalidArgument, "ID_INVALID",
              "monitor_id");
  ExpectError(catalog_->Create(CreateRequest("a", std::string(65, 'r'))),
              StatusCode::kInvalidArgument, "REQUEST_ID_TOO_LONG", "request_id");
  CreateMonitorRequest request = CreateRequest("a");
  request.mutable_monitor()->mutable_follow_up()->mutable_within()->set_seconds(0);
  ExpectError(catalog_->Create(request), StatusCode::kInvalidArgument, "WITHIN_NOT_POSITIVE",
              "monitor.follow_up.within");
  request = CreateRequest("a");
  request.mutable_monitor()->add_notifiers("notifiers/none");
  ExpectError(catalog_->Create(request), StatusCode::kInvalidArgument, "NOTIFIER_UNKNOWN",
              "monitor.notifiers[0]");
  EXPECT_EQ(Names(), std::vector<std::string>());
  EXPECT_EQ(RecordedChanges(), 0u);
  EXPECT_EQ(follower_.count(), 0u);
}

TEST_F(MonitorCatalogTest, AnIdIsTakenOnce) {
  Create("a");
  ExpectError(catalog_->Create(CreateRequest("a")), StatusCode::kAlreadyExists, "MONITOR_EXISTS");
  ExpectError(catalog_->Create(CreateRequest("a", "r")), StatusCode::kAlreadyExists,
              "MONITOR_EXISTS");
}

TEST_F(MonitorCatalogTest, ARepeatedRequestIdGetsTheFirstResult) {
  const Monitor first = Create("a", "r-1");
  EXPECT_TRUE(MessageDifferencer::Equals(Create("a", "r-1"), first));
  EXPECT_EQ(RecordedChanges(), 1u);
  ExpectError(catalog_->Create(CreateRequest("b", "r-1")), StatusCode::kInvalidArgument,
              "REQUEST_ID_REUSED", "request_id");
  ExpectError(catalog_->Create(CreateRequest("a", "r-2")), StatusCode::kAlreadyExists,
              "MONITOR_EXISTS");
}

TEST_F(MonitorCatalogTest, ARequestIdIsRememberedForADay) {
  Create("a", "r-1");
  clock_.AdvanceBy(limits::kRequestIdRetentionUs);
  EXPECT_TRUE(catalog_->Create(CreateRequest("a", "r-1")).ok());
  clock_.AdvanceBy(1);
  ExpectError(catalog_->Create(CreateRequest("a", "r-1")), StatusCode::kAlreadyExists,
              "MONITOR_EXISTS");
}

TEST_F(MonitorCatalogTest, AMonitorThatIsNotThereIsNotFound) {
  ExpectError(catalog_->Get("monitors/a"), StatusCode::kNotFound, "MONITOR_NOT_FOUND");
  ExpectError(catalog_->Get("a"), StatusCode::kInvalidArgument, "NAME_INVALID", "name");
  lapse::v1::DisableMonitorRequest disable;
  disable.set_name("monitors/a");
  ExpectError(catalog_->Disable(disable), StatusCode::kNotFound, "MONITOR_NOT_FOUND");
}

TEST_F(MonitorCatalogTest, ListsByNameAndPage) {
  for (const char* id : {"c", "a", "b"}) Create(id);
  const std::vector<Monitor> first = catalog_->List("", 2);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].name(), "monitors/a");
  const std::vector<Monitor> rest = catalog_->List(first[1].name(), 2);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].name(), "monitors/c");
}

TEST_F(MonitorCatalogTest, DeletesWithEtagAndAllowMissing) {
  const Monitor monitor = Create("a");
  lapse::v1::DeleteMonitorRequest request;
  request.set_name("monitors/a");
  request.set_etag("stale");
  ExpectError(catalog_->Delete(request), StatusCode::kAborted, "ETAG_STALE");
  request.set_etag(monitor.etag());
  EXPECT_EQ(catalog_->Delete(request), absl::OkStatus());
  EXPECT_EQ(Names(), std::vector<std::string>());
  ExpectError(catalog_->Delete(request), StatusCode::kNotFound, "MONITOR_NOT_FOUND");
  request.set_allow_missing(true);
  EXPECT_EQ(catalog_->Delete(request), absl::OkStatus());
  EXPECT_EQ(RecordedChanges(), 2u);
}

TEST_F(MonitorCatalogTest, OneCreatedAgainHasAnotherUid) {
  const Monitor first = Create("a");
  lapse::v1::DeleteMonitorRequest request;
  request.set_name("monitors/a");
  ASSERT_TRUE(catalog_->Delete(request).ok());
  const Monitor second = Create("a");
  EXPECT_NE(first.uid(), second.uid());
  EXPECT_NE(first.etag(), second.etag());
  EXPECT_EQ(second.revision(), 1);
}

TEST_F(MonitorCatalogTest, DisablesAndEnablesOnceEach) {
  const Monitor created = Create("a");
  lapse::v1::DisableMonitorRequest disable;
  disable.set_name("monitors/a");
  disable.set_etag(created.etag());
  const Monitor disabled = catalog_->Disable(disable).value();
  EXPECT_TRUE(disabled.disabled());
  EXPECT_EQ(disabled.revision(), 1);
  EXPECT_NE(disabled.etag(), created.etag());
  ExpectError(catalog_->Disable(disable), StatusCode::kAborted, "ETAG_STALE");
  disable.clear_etag();
  EXPECT_TRUE(MessageDifferencer::Equals(*catalog_->Disable(disable), disabled));
  lapse::v1::EnableMonitorRequest enable;
  enable.set_name("monitors/a");
  EXPECT_FALSE(catalog_->Enable(enable)->disabled());
  EXPECT_EQ(RecordedChanges(), 3u);
}

TEST_F(MonitorCatalogTest, ANotifierThatAMonitorNamesStays) {
  CreateNotifier("notifiers/mail");
  CreateMonitorRequest request = CreateRequest("a");
  request.mutable_monitor()->add_notifiers("notifiers/mail");
  ASSERT_TRUE(catalog_->Create(request).ok());
  EXPECT_TRUE(catalog_->NotifierInUse("notifiers/mail"));
  bool removed = false;
  const auto remove = [&removed] {
    removed = true;
    return absl::OkStatus();
  };
  ExpectError(catalog_->RemoveNotifier("notifiers/mail", remove), StatusCode::kFailedPrecondition,
              "NOTIFIER_IN_USE");
  EXPECT_FALSE(removed);
  lapse::v1::DeleteMonitorRequest gone;
  gone.set_name("monitors/a");
  ASSERT_TRUE(catalog_->Delete(gone).ok());
  EXPECT_FALSE(catalog_->NotifierInUse("notifiers/mail"));
  EXPECT_EQ(catalog_->RemoveNotifier("notifiers/mail", remove), absl::OkStatus());
  EXPECT_TRUE(removed);
}

TEST_F(MonitorCatalogTest, ThereAreAtMostAsManyAsTheLimit) {
  for (size_t i = 0; i < limits::kMaxMonitors; ++i) Create(absl::StrCat("m", i));
  ExpectError(catalog_->Create(CreateRequest("one-more")), StatusCode::kResourceExhausted,
              "TOO_MANY_MONITORS");
}

TEST_F(MonitorCatalogTest, OfManyCreatesAtOnceOneTakesTheId) {
  std::vector<absl::StatusCode> codes(8);
  std::vector<std::thread> threads;
  for (absl::StatusCode& code : codes) {
    threads.emplace_back([&] { code = catalog_->Create(CreateRequest("a")).status().code(); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::count(codes.begin(), codes.end(), StatusCode::kOk), 1);
  EXPECT_EQ(std::count(codes.begin(), codes.end(), StatusCode::kAlreadyExists), 7);
  EXPECT_EQ(RecordedChanges(), 1u);
}

}  // namespace
}  // namespace lapse::server
