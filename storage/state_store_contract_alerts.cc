#include <map>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/state_store_contract.h"

namespace lapse::storage {
namespace {

using lapse::v1::Alert;
using testing::ElementsAre;
using testing::IsEmpty;

bool Any(const Alert&) { return true; }

std::vector<std::string> Describe(const std::vector<FeedChange>& changes) {
  std::vector<std::string> lines;
  for (const FeedChange& change : changes) {
    lines.push_back(absl::StrCat(change.position, " ", change.alert.name(), "@",
                                 change.alert.version(), " t", change.change_time_us));
  }
  return lines;
}

std::vector<std::string> Names(const AlertStore::AlertList& list) {
  std::vector<std::string> names;
  for (const auto& listed : list.alerts) names.push_back(listed.alert.name());
  return names;
}

TEST_P(StateStoreContract, NumbersChangesInOneFeedWithoutGaps) {
  const auto first = store().CommitAlerts(
      {{Firing("alerts/a")}, {Firing("alerts/b")}, {Resolved("alerts/a", 2)}}, 10);
  EXPECT_EQ(first.value().count, 3);
  EXPECT_EQ(first.value().last, 3);
  Reopen();
  const auto second = store().CommitAlerts({{Resolved("alerts/b", 2)}}, 20);
  EXPECT_EQ(second.value().count, 1);
  EXPECT_EQ(second.value().last, 4);
  EXPECT_THAT(
      Describe(store().ReadFeed(0, 100).value()),
      ElementsAre("1 alerts/a@1 t10", "2 alerts/b@1 t10", "3 alerts/a@2 t10", "4 alerts/b@2 t20"));
}

TEST_P(StateStoreContract, LeavesOutChangesThatWereStoredBefore) {
  ASSERT_TRUE(store().CommitAlerts({{Firing("alerts/a")}, {Resolved("alerts/a", 2)}}, 10).ok());
  const auto replayed = store().CommitAlerts({{Firing("alerts/a")},
                                              {Resolved("alerts/a", 2)},
                                              {Firing("alerts/a", 3)},
                                              {Firing("alerts/b")},
                                              {Firing("alerts/b")}},
                                             20);
  EXPECT_EQ(replayed.value().count, 2);
  EXPECT_EQ(replayed.value().last, 4);
  EXPECT_THAT(Describe(store().ReadFeed(2, 10).value()),
              ElementsAre("3 alerts/a@3 t20", "4 alerts/b@1 t20"));
  EXPECT_EQ(store().GetFeedInfo().value().last, 4);
  EXPECT_EQ(store().GetAlert("alerts/a").value().version(), 3);
  const auto nothing = store().CommitAlerts({{Firing("alerts/a")}}, 30);
  EXPECT_EQ(nothing.value().count, 0);
  EXPECT_EQ(nothing.value().last, 4);
  EXPECT_EQ(store().GetFeedInfo().value().last, 4);
}

TEST_P(StateStoreContract, GetsAnAlertAsOfItsLastChange) {
  Commit(Firing("alerts/a"));
  Commit(Resolved("alerts/a", 2));
  Reopen();
  EXPECT_EQ(store().GetAlert("alerts/a").value().state(), Alert::STATE_RESOLVED);
  EXPECT_CODE_AND_REASON(store().GetAlert("alerts/b"), kNotFound, "ALERT_NOT_FOUND");
}

TEST_P(StateStoreContract, ListsAlertsNewestFirstByTheirFirstChange) {
  for (const char* name : {"alerts/a", "alerts/b", "alerts/c"}) Commit(Firing(name));
  Commit(Resolved("alerts/a", 2));
  const auto first = store().ListAlerts(Any, INT64_MAX, 2, 100).value();
  EXPECT_THAT(Names(first), ElementsAre("alerts/c", "alerts/b"));
  ASSERT_TRUE(first.next_before.has_value());
  const auto second = store().ListAlerts(Any, *first.next_before, 2, 100).value();
  EXPECT_THAT(Names(second), ElementsAre("alerts/a"));
  EXPECT_EQ(second.alerts[0].first_position, 1);
  EXPECT_EQ(second.alerts[0].alert.version(), 2);
  EXPECT_FALSE(second.next_before.has_value());
}

TEST_P(StateStoreContract, EndsAListExactlyAtItsLastAlert) {
  for (const char* name : {"alerts/a", "alerts/b"}) Commit(Firing(name));
  EXPECT_FALSE(store().ListAlerts(Any, INT64_MAX, 2, 2).value().next_before.has_value());
  EXPECT_FALSE(store().ListAlerts(Any, 1, 2, 2).value().next_before.has_value());
}

TEST_P(StateStoreContract, ListsWithinAScanBudget) {
  for (int i = 0; i < 10; ++i) Commit(Firing(absl::StrCat("alerts/", i)));
  const auto matches = [](const Alert& alert) { return alert.name() == "alerts/2"; };
  std::vector<std::string> found;
  std::optional<FeedPosition> before = INT64_MAX;
  int pages = 0;
  for (; before; ++pages) {
    const auto page = store().ListAlerts(matches, *before, 5, 3).value();
    for (const std::string& name : Names(page)) found.push_back(name);
    before = page.next_before;
  }
  EXPECT_THAT(found, ElementsAre("alerts/2"));
  EXPECT_EQ(pages, 4);
}

TEST_P(StateStoreContract, ReadsTheFeedAfterAPosition) {
  for (int i = 1; i <= 5; ++i) Commit(Firing(absl::StrCat("alerts/", i)), i);
  EXPECT_THAT(Describe(store().ReadFeed(2, 2).value()),
              ElementsAre("3 alerts/3@1 t3", "4 alerts/4@1 t4"));
  EXPECT_THAT(store().ReadFeed(5, 10).value(), IsEmpty());
  EXPECT_THAT(store().ReadFeed(99, 10).value(), IsEmpty());
}

TEST_P(StateStoreContract, GivesEachChangeAsItWas) {
  Commit(Firing("alerts/a"));
  Commit(Resolved("alerts/a", 2));
  const auto changes = store().ReadFeed(0, 10).value();
  EXPECT_EQ(changes[0].alert.state(), Alert::STATE_FIRING);
  EXPECT_EQ(changes[1].alert.state(), Alert::STATE_RESOLVED);
}

TEST_P(StateStoreContract, KeepsTheFeedIdOverARestart) {
  const std::string id = store().GetFeedInfo().value().feed_id;
  EXPECT_EQ(id.size(), 32u);
  Reopen();
  EXPECT_EQ(store().GetFeedInfo().value().feed_id, id);
  EXPECT_NE(GetParam().make()->store().GetFeedInfo().value().feed_id, id);
}

TEST_P(StateStoreContract, TrimsOldChangesAndKeepsTheAlerts) {
  for (int i = 1; i <= 5; ++i) Commit(Firing(absl::StrCat("alerts/", i)), i * 10);
  EXPECT_EQ(store().TrimFeed(10, 100).value(), 0);
  EXPECT_EQ(store().TrimFeed(40, 2).value(), 2);
  EXPECT_EQ(store().TrimFeed(40, 2).value(), 1);
  EXPECT_EQ(store().TrimFeed(40, 2).value(), 0);
  Reopen();
  const FeedInfo info = store().GetFeedInfo().value();
  EXPECT_EQ(info.last, 5);
  EXPECT_EQ(info.resumable_after, 3);
  EXPECT_EQ(store().ReadFeed(2, 10).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(store().ReadFeed(0, 10).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(store().ReadFiringAt(2, 0, 10).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(Describe(store().ReadFeed(3, 10).value()),
              ElementsAre("4 alerts/4@1 t40", "5 alerts/5@1 t50"));
  EXPECT_TRUE(store().GetAlert("alerts/1").ok());
}

TEST_P(StateStoreContract, GoesOnNumberingAfterTheWholeFeedWasTrimmed) {
  Commit(Firing("alerts/a"), 10);
  Commit(Firing("alerts/b"), 10);
  EXPECT_EQ(store().TrimFeed(11, 100).value(), 2);
  Reopen();
  EXPECT_EQ(store().GetFeedInfo().value().last, 2);
  EXPECT_EQ(store().GetFeedInfo().value().resumable_after, 2);
  EXPECT_EQ(store().CommitAlerts({{Firing("alerts/c")}}, 20).value().last, 3);
}

TEST_P(StateStoreContract, IsNotKeptFromTrimmingByAClockThatWasAhead) {
  Commit(Firing("alerts/a"), 9'000);
  Commit(Firing("alerts/b"), 20);
  Commit(Firing("alerts/c"), 30);
  EXPECT_EQ(store().TrimFeed(25, 100).value(), 2);
  EXPECT_EQ(store().GetFeedInfo().value().resumable_after, 2);
}

TEST_P(StateStoreContract, TellsWhatWasFiringAtAPositionWhateverCameSince) {
  Commit(Firing("alerts/a"));       // 1
  Commit(Firing("alerts/b"));       // 2
  Commit(Resolved("alerts/a", 2));  // 3
  Commit(Firing("alerts/c"));       // 4
  Commit(Firing("alerts/a", 3));    // 5
  Commit(Resolved("alerts/b", 2));  // 6
  Commit(Resolved("alerts/a", 4));  // 7
  Reopen();
  EXPECT_THAT(FiringAt(0), IsEmpty());
  EXPECT_THAT(FiringAt(1), ElementsAre("alerts/a@1"));
  EXPECT_THAT(FiringAt(2), ElementsAre("alerts/a@1", "alerts/b@1"));
  EXPECT_THAT(FiringAt(3), ElementsAre("alerts/b@1"));
  EXPECT_THAT(FiringAt(4), ElementsAre("alerts/b@1", "alerts/c@1"));
  EXPECT_THAT(FiringAt(5), ElementsAre("alerts/a@3", "alerts/b@1", "alerts/c@1"));
  EXPECT_THAT(FiringAt(6), ElementsAre("alerts/a@3", "alerts/c@1"));
  EXPECT_THAT(FiringAt(7), ElementsAre("alerts/c@1"));
}

TEST_P(StateStoreContract, TellsWhatWasFiringThoughItsChangeWasTrimmed) {
  Commit(Firing("alerts/a"), 10);
  Commit(Firing("alerts/b"), 10);
  Commit(Firing("alerts/a", 2), 20);
  EXPECT_EQ(store().TrimFeed(20, 100).value(), 2);
  Commit(Resolved("alerts/b", 2), 30);
  Commit(Resolved("alerts/a", 3), 30);
  EXPECT_THAT(FiringAt(2), ElementsAre("alerts/a@1", "alerts/b@1"));
  EXPECT_THAT(FiringAt(3), ElementsAre("alerts/a@2", "alerts/b@1"));
  EXPECT_THAT(FiringAt(4), ElementsAre("alerts/a@2"));
  EXPECT_THAT(FiringAt(5), IsEmpty());
}

// A plain model: every change, in order.
TEST_P(StateStoreContract, TellsWhatWasFiringAsAModelDoes) {
  std::mt19937 random(20240601);
  std::map<std::string, int64_t> versions;
  std::vector<Alert> changes;
  for (int i = 0; i < 300; ++i) {
    const std::string name = absl::StrCat("alerts/", random() % 40);
    const int64_t version = ++versions[name];
    changes.push_back(random() % 2 == 0 ? Firing(name, version) : Resolved(name, version));
  }
  for (size_t i = 0; i < changes.size(); i += 10) {
    std::vector<AlertWrite> writes;
    for (size_t j = i; j < i + 10; ++j) writes.push_back({changes[j]});
    ASSERT_EQ(store().CommitAlerts(writes, static_cast<int64_t>(i)).value().count, 10);
  }
  ASSERT_EQ(store().TrimFeed(100, 1'000).value(), 100);
  for (size_t at = 100; at <= changes.size(); at += 20) {
    std::map<std::string, size_t> first;
    std::map<std::string, Alert> latest;
    for (size_t i = 0; i < at; ++i) {
      first.try_emplace(changes[i].name(), i);
      latest[changes[i].name()] = changes[i];
    }
    std::map<size_t, std::string> expected;
    for (const auto& [name, alert] : latest) {
      if (alert.state() != Alert::STATE_FIRING) continue;
      expected[first[name]] = absl::StrCat(name, "@", alert.version());
    }
    std::vector<std::string> in_order;
    for (const auto& [position, text] : expected) in_order.push_back(text);
    EXPECT_EQ(FiringAt(static_cast<FeedPosition>(at), 7), in_order) << "at " << at;
  }
}

}  // namespace
}  // namespace lapse::storage
