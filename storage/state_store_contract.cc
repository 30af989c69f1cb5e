#include "storage/state_store_contract.h"

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/proto_time.h"

namespace lapse::storage {

using lapse::internal::v1::MonitorChange;
using lapse::v1::Alert;
using lapse::v1::AttributeType;
using lapse::v1::Delivery;
using lapse::v1::EventType;
using lapse::v1::Monitor;
using lapse::v1::Notifier;
using testing::ElementsAre;
using testing::IsEmpty;

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StateStoreContract);

void StateStoreContract::Commit(const Alert& alert, int64_t time_us, bool notify) {
  const auto changes = store().CommitAlerts({{alert, notify}}, time_us);
  ASSERT_TRUE(changes.ok()) << changes.status();
  ASSERT_EQ(changes->count, 1);
}

void StateStoreContract::CreateNotifier(const std::string& name) {
  Notifier notifier;
  notifier.set_name(name);
  notifier.set_uid("uid of " + name);
  notifier.set_etag("1");
  const absl::Status created = store().CreateNotifier(notifier, "", 1);
  ASSERT_TRUE(created.ok()) << created;
}

std::vector<std::string> StateStoreContract::FiringAt(FeedPosition at, int page_size) {
  std::vector<std::string> firing;
  FeedPosition after_first = 0;
  for (;;) {
    const auto page = store().ReadFiringAt(at, after_first, page_size);
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok() || page->empty()) return firing;
    EXPECT_LE(page->size(), static_cast<size_t>(page_size));
    for (const auto& listed : *page) {
      EXPECT_EQ(listed.alert.state(), Alert::STATE_FIRING);
      EXPECT_GT(listed.first_position, after_first);
      after_first = listed.first_position;
      firing.push_back(absl::StrCat(listed.alert.name(), "@", listed.alert.version()));
    }
  }
}

std::vector<std::string> StateStoreContract::Due(const std::string& notifier, int64_t now_us) {
  const auto due = store().ListDueDeliveries(notifier, now_us, 1'000);
  EXPECT_TRUE(due.ok()) << due.status();
  std::vector<std::string> names;
  for (const DueDelivery& delivery : *due) names.push_back(delivery.delivery.name());
  const auto count = store().CountDueDeliveries(notifier, now_us);
  EXPECT_EQ(count.value(), static_cast<int64_t>(names.size()));
  return names;
}

Delivery StateStoreContract::DeliveryNamed(const std::string& name) {
  const auto listed = store().ListDeliveries("", "", {}, INT64_MAX, 1'000);
  EXPECT_TRUE(listed.ok()) << listed.status();
  for (const auto& delivery : *listed) {
    if (delivery.delivery.name() == name) return delivery.delivery;
  }
  ADD_FAILURE() << "no delivery " << name;
  return {};
}

void StateStoreContract::Try(const std::string& delivery, Delivery::State state,
                             int64_t next_try_time_us) {
  const absl::Status recorded = store().RecordTry(delivery, {}, state, next_try_time_us);
  ASSERT_TRUE(recorded.ok()) << recorded;
}

Alert Firing(const std::string& name, int64_t version, const std::vector<std::string>& notifiers) {
  Alert alert;
  alert.set_name(name);
  alert.set_version(version);
  alert.set_state(Alert::STATE_FIRING);
  for (const std::string& notifier : notifiers) alert.add_notifiers(notifier);
  return alert;
}

Alert Resolved(const std::string& name, int64_t version,
               const std::vector<std::string>& notifiers) {
  Alert alert = Firing(name, version, notifiers);
  alert.set_state(Alert::STATE_RESOLVED);
  return alert;
}

std::string ReasonOf(const absl::Status& status) { return DetailsOf(status).reason; }

namespace {

RecordedMonitorChange Change(LogPosition position, int index, MonitorChange::Action action,
                             const std::string& name, int64_t revision) {
  RecordedMonitorChange recorded{position, index, {}};
  recorded.change.set_action(action);
  recorded.change.mutable_monitor()->set_name(name);
  recorded.change.mutable_monitor()->set_revision(revision);
  return recorded;
}

std::vector<std::string> NamesAndRevisions(const std::vector<Monitor>& monitors) {
  std::vector<std::string> names;
  for (const Monitor& monitor : monitors) {
    names.push_back(absl::StrCat(monitor.name(), " r", monitor.revision()));
  }
  return names;
}

Notifier MakeNotifier(const std::string& name, const std::string& etag) {
  Notifier notifier;
  notifier.set_name(name);
  notifier.set_etag(etag);
  notifier.mutable_email()->set_host(name + ".example");
  return notifier;
}

TEST_P(StateStoreContract, KeepsMonitorsAsTheirLastChangeLeftThem) {
  const RecordedMonitorChange changes[] = {
      Change(1, 0, MonitorChange::ACTION_CREATE, "monitors/b", 1),
      Change(1, 1, MonitorChange::ACTION_CREATE, "monitors/a", 1),
      Change(2, 0, MonitorChange::ACTION_CREATE, "monitors/c", 1),
      Change(3, 0, MonitorChange::ACTION_UPDATE, "monitors/a", 2),
      Change(4, 0, MonitorChange::ACTION_DISABLE, "monitors/b", 1),
      Change(5, 0, MonitorChange::ACTION_DELETE, "monitors/c", 1)};
  for (const auto& change : changes) ASSERT_TRUE(store().RecordMonitorChange(change, 7).ok());
  Reopen();
  EXPECT_THAT(NamesAndRevisions(store().LoadMonitors().value()),
              ElementsAre("monitors/a r2", "monitors/b r1"));
}

TEST_P(StateStoreContract, KeepsTheHistoryOfDeletedMonitorsInLogOrder) {
  ASSERT_TRUE(
      store()
          .RecordMonitorChange(Change(2, 1, MonitorChange::ACTION_CREATE, "monitors/a", 1), 7)
          .ok());
  ASSERT_TRUE(
      store()
          .RecordMonitorChange(Change(10, 0, MonitorChange::ACTION_DELETE, "monitors/a", 1), 8)
          .ok());
  Reopen();
  const auto history = store().LoadMonitorHistory().value();
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[0].position, 2);
  EXPECT_EQ(history[0].index, 1);
  EXPECT_EQ(history[0].change.action(), MonitorChange::ACTION_CREATE);
  EXPECT_EQ(history[1].position, 10);
  EXPECT_EQ(history[1].change.action(), MonitorChange::ACTION_DELETE);
  EXPECT_THAT(store().LoadMonitors().value(), IsEmpty());
}

TEST_P(StateStoreContract, RecordsAMonitorChangeOnceByItsPlaceInTheLog) {
  const auto create = Change(1, 0, MonitorChange::ACTION_CREATE, "monitors/a", 1);
  const auto update = Change(2, 0, MonitorChange::ACTION_UPDATE, "monitors/a", 2);
  for (const auto& change : {create, update, create, update, create}) {
    ASSERT_TRUE(store().RecordMonitorChange(change, 7).ok());
  }
  EXPECT_EQ(store().LoadMonitorHistory().value().size(), 2u);
  EXPECT_THAT(NamesAndRevisions(store().LoadMonitors().value()), ElementsAre("monitors/a r2"));
}

TEST_P(StateStoreContract, FindsAMonitorAsTheCreateWithTheRequestIdMadeIt) {
  auto create = Change(1, 0, MonitorChange::ACTION_CREATE, "monitors/a", 1);
  create.change.set_request_id("r1");
  auto update = Change(2, 0, MonitorChange::ACTION_UPDATE, "monitors/a", 2);
  update.change.set_request_id("r2");
  ASSERT_TRUE(store().RecordMonitorChange(create, 100).ok());
  ASSERT_TRUE(store().RecordMonitorChange(update, 200).ok());
  Reopen();
  EXPECT_EQ(store().FindMonitorByRequestId("r1", 100).value().revision(), 1);
  EXPECT_CODE_AND_REASON(store().FindMonitorByRequestId("r1", 101), kNotFound, "REQUEST_NOT_FOUND");
  EXPECT_CODE_AND_REASON(store().FindMonitorByRequestId("r2", 0), kNotFound, "REQUEST_NOT_FOUND");
  EXPECT_CODE_AND_REASON(store().FindMonitorByRequestId("", 0), kNotFound, "REQUEST_NOT_FOUND");
}

TEST_P(StateStoreContract, FindsTheNewestMonitorOfARepeatedRequestId) {
  for (int64_t i : {1, 2}) {
    auto create = Change(i, 0, MonitorChange::ACTION_CREATE, absl::StrCat("monitors/m", i), 1);
    create.change.set_request_id("r");
    ASSERT_TRUE(store().RecordMonitorChange(create, i).ok());
  }
  EXPECT_EQ(store().FindMonitorByRequestId("r", 0).value().name(), "monitors/m2");
}

TEST_P(StateStoreContract, CreatesGetsAndListsNotifiers) {
  for (const char* name : {"notifiers/c", "notifiers/a", "notifiers/b"}) {
    ASSERT_TRUE(store().CreateNotifier(MakeNotifier(name, "e"), "", 1).ok());
  }
  Reopen();
  EXPECT_EQ(store().GetNotifier("notifiers/a").value().email().host(), "notifiers/a.example");
  const auto first = store().ListNotifiers("", 2).value();
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].name(), "notifiers/a");
  EXPECT_EQ(first[1].name(), "notifiers/b");
  const auto second = store().ListNotifiers("notifiers/b", 2).value();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].name(), "notifiers/c");
}

TEST_P(StateStoreContract, RefusesANotifierWhoseNameIsTaken) {
  ASSERT_TRUE(store().CreateNotifier(MakeNotifier("notifiers/a", "1"), "r1", 1).ok());
  EXPECT_CODE_AND_REASON(store().CreateNotifier(MakeNotifier("notifiers/a", "2"), "r2", 1),
                         kAlreadyExists, "ALREADY_EXISTS");
  EXPECT_EQ(store().GetNotifier("notifiers/a").value().etag(), "1");
  EXPECT_CODE_AND_REASON(store().FindNotifierByRequestId("r2", 0), kNotFound, "REQUEST_NOT_FOUND");
}

TEST_P(StateStoreContract, UpdatesANotifierOnlyWithItsPresentEtag) {
  ASSERT_TRUE(store().CreateNotifier(MakeNotifier("notifiers/a", "1"), "", 1).ok());
  EXPECT_CODE_AND_REASON(store().UpdateNotifier(MakeNotifier("notifiers/a", "2"), "0"), kAborted,
                         "ETAG_STALE");
  EXPECT_EQ(store().GetNotifier("notifiers/a").value().etag(), "1");
  EXPECT_TRUE(store().UpdateNotifier(MakeNotifier("notifiers/a", "2"), "1").ok());
  EXPECT_TRUE(store().UpdateNotifier(MakeNotifier("notifiers/a", "3"), "").ok());
  EXPECT_EQ(store().GetNotifier("notifiers/a").value().etag(), "3");
}

TEST_P(StateStoreContract, DeletesANotifierOnlyWithItsPresentEtag) {
  ASSERT_TRUE(store().CreateNotifier(MakeNotifier("notifiers/a", "1"), "", 1).ok());
  EXPECT_CODE_AND_REASON(store().DeleteNotifier("notifiers/a", "0"), kAborted, "ETAG_STALE");
  EXPECT_TRUE(store().GetNotifier("notifiers/a").ok());
  EXPECT_TRUE(store().DeleteNotifier("notifiers/a", "1").ok());
  EXPECT_THAT(store().ListNotifiers("", 10).value(), IsEmpty());
}

TEST_P(StateStoreContract, SaysWhichNotifierThereIsNot) {
  const std::string name = "notifiers/none";
  EXPECT_CODE_AND_REASON(store().GetNotifier(name), kNotFound, "NOTIFIER_NOT_FOUND");
  EXPECT_CODE_AND_REASON(store().UpdateNotifier(MakeNotifier(name, "1"), ""), kNotFound,
                         "NOTIFIER_NOT_FOUND");
  EXPECT_CODE_AND_REASON(store().DeleteNotifier(name, ""), kNotFound, "NOTIFIER_NOT_FOUND");
  EXPECT_THAT(std::string(store().GetNotifier(name).status().message()), testing::HasSubstr(name));
}

TEST_P(StateStoreContract, FindsANotifierAsTheCreateWithTheRequestIdMadeIt) {
  ASSERT_TRUE(store().CreateNotifier(MakeNotifier("notifiers/a", "1"), "r", 100).ok());
  ASSERT_TRUE(store().UpdateNotifier(MakeNotifier("notifiers/a", "2"), "").ok());
  Reopen();
  EXPECT_EQ(store().FindNotifierByRequestId("r", 100).value().etag(), "1");
  EXPECT_CODE_AND_REASON(store().FindNotifierByRequestId("r", 101), kNotFound, "REQUEST_NOT_FOUND");
  EXPECT_CODE_AND_REASON(store().FindNotifierByRequestId("", 0), kNotFound, "REQUEST_NOT_FOUND");
}

TEST_P(StateStoreContract, KeepsEventTypesWithThePositionReached) {
  LogPosition position = -1;
  EXPECT_THAT(store().LoadEventTypes(&position).value(), IsEmpty());
  EXPECT_EQ(position, 0);

  EventType created, paid;
  created.set_type("order_created");
  created.set_event_count(1);
  paid.set_type("order_paid");
  paid.add_attributes()->add_kinds(AttributeType::KIND_DOUBLE);
  ASSERT_TRUE(store().SaveEventTypes({paid, created}, 5).ok());
  created.set_event_count(9);
  ASSERT_TRUE(store().SaveEventTypes({created}, 8).ok());
  Reopen();

  const auto types = store().LoadEventTypes(&position).value();
  EXPECT_EQ(position, 8);
  ASSERT_EQ(types.size(), 2u);
  EXPECT_EQ(types[0].event_count(), 9);
  EXPECT_EQ(types[1].attributes(0).kinds(0), AttributeType::KIND_DOUBLE);
}

}  // namespace
}  // namespace lapse::storage
