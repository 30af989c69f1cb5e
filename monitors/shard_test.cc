#include "monitors/shard.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "monitors/shard_router.h"
#include "monitors/test_monitors.h"

namespace lapse::monitors {
namespace {

using lapse::v1::Alert;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr uint64_t kSeed = 7;
constexpr char kUid[] = "uid-order-delivered";

// One shard that owns everything, fed through a router.
class ShardTest : public testing::Test, public ShardSink {
 protected:
  ShardTest() { Apply(0, {}, {ServerStart(0, 3'600), Create(OrderMonitor())}); }

  void OnAlert(storage::AlertWrite write) override {
    alerts_.push_back(write.alert.Parse().value());
  }

  static ControlRecord Create(const lapse::v1::Monitor& monitor) {
    return Change(MonitorChange::ACTION_CREATE, monitor);
  }

  void Apply(double now, std::vector<lapse::v1::Event> events,
             std::vector<ControlRecord> controls = {}) {
    ApplyEntry(*maker_.Make(now, std::move(events), std::move(controls)));
  }

  void ApplyEntry(const storage::LogEntry& entry) {
    auto routed = router_.Route(entry, nullptr);
    ASSERT_TRUE(routed.ok()) << routed.status();
    shard_.Apply((*routed)[0]);
  }

  // Fires nothing that is not needed.
  void Take(const storage::LogEntry& entry) {
    auto routed = router_.Route(entry, nullptr);
    ASSERT_TRUE(routed.ok()) << routed.status();
    shard_.Take((*routed)[0]);
  }

  Books BooksNow() const { return shard_.SumBooks(kUid); }

  // "FIRING A" and so on, in order.
  std::vector<std::string> Alerts() const {
    std::vector<std::string> texts;
    for (const Alert& alert : alerts_) {
      texts.push_back((alert.state() == Alert::STATE_FIRING ? "FIRING " : "RESOLVED ") +
                      alert.key());
    }
    return texts;
  }

  EntryMaker maker_;
  MonitorSet monitors_;
  ShardRouter router_{kSeed, 1, monitors_};
  Shard shard_{kSeed, 0, 1, *this};
  std::vector<Alert> alerts_;
};

TEST_F(ShardTest, ADeadlineFiresAtTheFirstMarkAfterDueAndNotBefore) {
  Apply(1, {MakeEvent("created", "A", 1)});
  EXPECT_EQ(shard_.NextFireUs(), At(11) + 1);
  Apply(11, {});
  EXPECT_THAT(Alerts(), IsEmpty());
  Apply(11.5, {});
  EXPECT_THAT(Alerts(), ElementsAre("FIRING A"));
  EXPECT_EQ(BooksNow().missed, 1);
}

TEST_F(ShardTest, WhatIsDueBeforeAMonitorChangesHasTheFactsOfBefore) {
  Apply(1, {MakeEvent("created", "A", 1), MakeEvent("created", "B", 1)});
  Apply(12, {MakeEvent("created", "C", 12)});
  alerts_.clear();
  Apply(12, {MakeEvent("created", "D", 12), MakeEvent("created", "E", 12)});
  const auto change = [this](double now, const std::string& name) {
    lapse::v1::Monitor renamed = OrderMonitor();
    renamed.set_display_name(name);
    Take(*maker_.Make(now, {MakeEvent("created", name, now)},
                      {Change(MonitorChange::ACTION_UPDATE, renamed)}));
  };
  Take(*maker_.Make(30, {}));
  change(31, "First");
  Take(*maker_.Make(42, {}));
  change(45, "Second");
  EXPECT_THAT(Alerts(), IsEmpty()) << "the change waits for nothing that is due";
  // E fires before its turn.
  Take(*maker_.Make(60, {MakeEvent("delivered", "E", 60)}));
  EXPECT_FALSE(shard_.FireDue(SIZE_MAX));
  std::map<std::string, std::string> names;
  for (const Alert& alert : alerts_) {
    if (alert.version() == 1) names[alert.key()] = alert.monitor_display_name();
  }
  EXPECT_THAT(names, ElementsAre(Pair("C", "Order delivered"), Pair("D", "Order delivered"),
                                 Pair("E", "Order delivered"), Pair("First", "First"),
                                 Pair("Second", "Second")));
}

TEST_F(ShardTest, AwaitedBooksAreThoseOfTheirPlaceWithAllThatWasDueThere) {
  Apply(1, {MakeEvent("created", "A", 1), MakeEvent("created", "B", 1)});
  Apply(5, {MakeEvent("created", "C", 5)});
  Take(*maker_.Make(12, {}));
  const auto books = shard_.AwaitBooks(kUid);
  EXPECT_EQ(books->books.missed, 0);
  EXPECT_TRUE(shard_.HasDueAt(books->mark_time_us));
  // B fires before its turn, D and the deadline of C come after the place.
  Take(*maker_.Make(13, {MakeEvent("created", "D", 13), MakeEvent("delivered", "B", 13)}));
  Take(*maker_.Make(30, {}));
  EXPECT_TRUE(shard_.FireDue(1));
  EXPECT_FALSE(shard_.HasDueAt(books->mark_time_us));
  EXPECT_FALSE(shard_.FireDue(SIZE_MAX));
  EXPECT_EQ(books->position, 4);
  EXPECT_EQ(books->books.opened, 3);
  EXPECT_EQ(books->books.missed, 2);
  EXPECT_EQ(books->books.pending, 1);
  EXPECT_EQ(books->books.late, 0);
  EXPECT_EQ(BooksNow().missed, 3);
  EXPECT_EQ(BooksNow().late, 1);
}

TEST_F(ShardTest, AFollowUpInTheSameEntryAsTheMarkIsSeenFirst) {
  Apply(1, {MakeEvent("created", "A", 1)});
  Apply(20, {MakeEvent("delivered", "A", 5)});
  EXPECT_THAT(Alerts(), IsEmpty());
  EXPECT_EQ(BooksNow().met, 1);
}

TEST_F(ShardTest, DeadlinesFireOldestFirst) {
  Apply(5,
        {MakeEvent("created", "C", 3), MakeEvent("created", "A", 1), MakeEvent("created", "B", 2)});
  Apply(60, {});
  EXPECT_THAT(Alerts(), ElementsAre("FIRING A", "FIRING B", "FIRING C"));
}

TEST_F(ShardTest, AFollowUpThatMakesTheDeadlineVoidTakesItsTimerAway) {
  Apply(1, {MakeEvent("created", "A", 1)});
  Apply(2, {MakeEvent("delivered", "A", 2)});
  EXPECT_EQ(shard_.NextFireUs(), kNever);
}

TEST_F(ShardTest, ALateFollowUpResolvesTheAlert) {
  Apply(1, {MakeEvent("created", "A", 1)});
  Apply(12, {});
  Apply(14, {MakeEvent("delivered", "A", 14)});
  EXPECT_THAT(Alerts(), ElementsAre("FIRING A", "RESOLVED A"));
  EXPECT_EQ(alerts_[0].name(), alerts_[1].name());
  EXPECT_EQ(ToMicros(alerts_[1].lateness()), 3 * kSecond);
  EXPECT_EQ(BooksNow().late, 1);
}

TEST_F(ShardTest, AMonitorNeverJudgesEventsBeforeIt) {
  lapse::v1::Monitor later = OrderMonitor("later");
  Apply(1, {MakeEvent("created", "A", 1)});
  Apply(2, {MakeEvent("created", "B", 2)}, {Create(later)});
  EXPECT_EQ(shard_.SumBooks("uid-later").opened, 1);
  EXPECT_EQ(BooksNow().opened, 2);
}

TEST_F(ShardTest, AnOldRevisionTakesNoPrimariesButSeesFollowUpsAndCancelsOfItsKeys) {
  Apply(1, {MakeEvent("created", "A", 1), MakeEvent("created", "B", 1)});
  lapse::v1::Monitor revised = OrderMonitor();
  revised.set_revision(2);
  Apply(2, {MakeEvent("created", "C", 2)}, {Change(MonitorChange::ACTION_UPDATE, revised)});
  EXPECT_EQ(BooksNow().opened, 3);
  Apply(3, {MakeEvent("delivered", "A", 3), MakeEvent("cancelled", "B", 3)});
  EXPECT_EQ(BooksNow().met, 1);
  EXPECT_EQ(BooksNow().cancelled, 1);
  Apply(4, {MakeEvent("created", "A", 4)});
  EXPECT_EQ(BooksNow().opened, 4) << "once, by the revision in force";
}

TEST_F(ShardTest, AnOldRevisionSeesNothingForAKeyWhoseExpectationsEnded) {
  Apply(1, {MakeEvent("created", "A", 1)});
  Apply(2, {MakeEvent("delivered", "A", 2)});
  lapse::v1::Monitor revised = OrderMonitor();
  revised.set_revision(2);
  Apply(3, {}, {Change(MonitorChange::ACTION_UPDATE, revised)});
  const size_t keys = shard_.key_count();
  Apply(4, {MakeEvent("delivered", "Z", 4)});
  EXPECT_EQ(shard_.key_count(), keys + 1) << "only the revision in force makes a key";
}

TEST_F(ShardTest, DisablingCancelsWhatIsPendingAndFiringAlertsStay) {
  Apply(1, {MakeEvent("created", "A", 1)});
  Apply(12, {MakeEvent("created", "B", 12)});
  Apply(13, {MakeEvent("created", "C", 13)}, {Change(MonitorChange::ACTION_DISABLE, [] {
          lapse::v1::Monitor disabled = OrderMonitor();
          disabled.set_disabled(true);
          return disabled;
        }())});
  EXPECT_EQ(BooksNow().opened, 2) << "a disabled monitor sees no events";
  EXPECT_EQ(BooksNow().cancelled, 1);
  EXPECT_EQ(BooksNow().missed, 1);
  Apply(60, {});
  EXPECT_THAT(Alerts(), ElementsAre("FIRING A"));
  Apply(61, {MakeEvent("created", "D", 61)},
        {Change(MonitorChange::ACTION_ENABLE, OrderMonitor())});
  EXPECT_EQ(BooksNow().opened, 3);
}

TEST_F(ShardTest, DeletingCancelsWhatIsPendingOfEveryRevision) {
  Apply(1, {MakeEvent("created", "A", 1)});
  lapse::v1::Monitor revised = OrderMonitor();
  revised.set_revision(2);
  Apply(2, {MakeEvent("created", "B", 2)}, {Change(MonitorChange::ACTION_UPDATE, revised)});
  Apply(3, {}, {Change(MonitorChange::ACTION_DELETE, revised)});
  EXPECT_EQ(BooksNow().cancelled, 2);
  EXPECT_EQ(BooksNow().pending, 0);
  Apply(60, {});
  EXPECT_THAT(Alerts(), IsEmpty());
}

TEST_F(ShardTest, AnAlertHasTheFactsOfTheMonitorWhenItIsMade) {
  Apply(1, {MakeEvent("created", "A", 1)});
  lapse::v1::Monitor renamed = OrderMonitor();
  renamed.set_display_name("Renamed");
  Apply(5, {}, {Change(MonitorChange::ACTION_UPDATE, renamed)});
  Apply(12, {});
  ASSERT_EQ(alerts_.size(), 1u);
  EXPECT_EQ(alerts_[0].monitor_display_name(), "Renamed");
}

TEST_F(ShardTest, ClosingByHandResolvesTheAlertAndNothingAmendsIt) {
  Apply(1, {MakeEvent("created", "A", 1)});
  Apply(12, {});
  ControlRecord close;
  close.mutable_alert_close()->set_monitor_uid(kUid);
  close.mutable_alert_close()->set_revision(1);
  close.mutable_alert_close()->set_key("A");
  close.mutable_alert_close()->set_primary_sequence(1);
  close.mutable_alert_close()->set_note("known");
  Apply(13, {}, {close});
  Apply(14, {MakeEvent("delivered", "A", 14)});
  EXPECT_THAT(Alerts(), ElementsAre("FIRING A", "RESOLVED A"));
  EXPECT_EQ(alerts_[1].reason(), Alert::REASON_CLOSED_BY_HAND);
  EXPECT_EQ(alerts_[1].close_note(), "known");
  EXPECT_EQ(BooksNow().missed, 1);
}

TEST_F(ShardTest, EventsWithoutKeyAndConflictingCopiesAreCounted) {
  Apply(1, {MakeEvent("created", "", 1), MakeEvent("delivered", "", 1), MakeEvent("x", "", 1)});
  EXPECT_EQ(BooksNow().no_key, 2);
  auto entry = maker_.Make(2, {});
  entry->conflicts = {{"created"}, {"x"}};
  ApplyEntry(*entry);
  EXPECT_EQ(BooksNow().conflicts, 1);
}

TEST_F(ShardTest, IdleKeysAreForgottenAfterTheRetention) {
  Apply(1, {MakeEvent("created", "A", 1)});
  Apply(2, {MakeEvent("delivered", "A", 2)});
  Apply(3'600, {});
  EXPECT_EQ(shard_.key_count(), 1u);
  Apply(3'604, {});
  EXPECT_EQ(shard_.key_count(), 0u);
  EXPECT_EQ(BooksNow().met, 1) << "the books stay";
}

TEST_F(ShardTest, AShorterRetentionHoldsForTheKeysThatAreThere) {
  Apply(1, {MakeEvent("created", "A", 1)});
  Apply(2, {MakeEvent("delivered", "A", 2)});
  Apply(3, {}, {ServerStart(0, 10)});
  Apply(14, {});
  EXPECT_EQ(shard_.key_count(), 0u);
}

TEST_F(ShardTest, KeysWithAmendableAlertsStayUntilTheirAge) {
  Apply(1, {MakeEvent("created", "A", 1)});
  Apply(12, {});
  Apply(20'000, {});
  EXPECT_EQ(shard_.key_count(), 1u);
  Apply(12.0 + limits::kAlertMaxAgeUs / kSecond, {});
  EXPECT_THAT(Alerts(), ElementsAre("FIRING A", "RESOLVED A"));
  EXPECT_EQ(alerts_[1].reason(), Alert::REASON_CLOSED_BY_AGE);
  EXPECT_EQ(shard_.key_count(), 0u);
}

TEST_F(ShardTest, AGoneMonitorTakesItsBooksAlong) {
  Apply(1, {MakeEvent("created", "", 1)});
  Apply(2, {}, {Change(MonitorChange::ACTION_DELETE, OrderMonitor())});
  EXPECT_EQ(BooksNow().no_key, 1);
  router_.TellGone(monitors_.DropUnused(shard_.position(), shard_.position()));
  Apply(3, {});
  EXPECT_EQ(BooksNow().no_key, 0);
}

TEST_F(ShardTest, ARestoredPartitionPassesOverWhatItHasSeen) {
  Apply(1, {MakeEvent("created", "A", 1)});
  const int slot = PartitionOf(FingerprintOf(kSeed, {kUid, "1", "A"}));
  const std::string bytes = shard_.partition_at(slot).Serialize();
  const auto find = [this](const std::string&, int64_t) {
    return absl::StatusOr<const CompiledMonitor*>(monitors_.WatchersOf("created")[0].revision);
  };
  auto ahead = Partition::Parse(bytes, kSeed, maker_.position() + 2, find);
  ASSERT_TRUE(ahead.ok());
  shard_.RestorePartition(slot, *std::move(ahead));
  Apply(2, {MakeEvent("delivered", "A", 2)});
  EXPECT_EQ(BooksNow().pending, 1);
  lapse::v1::Monitor disabled = OrderMonitor();
  disabled.set_disabled(true);
  Apply(3, {}, {Change(MonitorChange::ACTION_DISABLE, disabled)});
  EXPECT_EQ(BooksNow().pending, 1);
  Apply(4, {MakeEvent("delivered", "A", 4)},
        {Change(MonitorChange::ACTION_ENABLE, OrderMonitor())});
  EXPECT_EQ(BooksNow().met, 1);
}

class ShardListingTest : public ShardTest {
 protected:
  ShardListingTest() {
    Apply(1, {MakeEvent("created", "B", 0.5), MakeEvent("created", "A", 1)});
    Apply(2, {MakeEvent("created", "C", 2)}, {Create(OrderMonitor("other"))});
    Apply(3, {MakeEvent("delivered", "A", 3)});
  }

  std::vector<std::string> List(ExpectationQuery query, ExpectationPage* page = nullptr) {
    query.monitor_uid = kUid;
    ExpectationCollector collector(query);
    if (query.key.empty()) {
      for (int slot = 0; slot < shard_.partition_count(); ++slot) shard_.ListSlot(slot, collector);
    } else {
      shard_.ListKey(collector);
    }
    ExpectationPage taken = collector.TakePage();
    std::vector<std::string> keys;
    for (const auto& expectation : taken.expectations) keys.push_back(expectation.key());
    if (page != nullptr) *page = std::move(taken);
    return keys;
  }
};

TEST_F(ShardListingTest, ListsByDueThenPrimarySequence) {
  ExpectationPage page;
  EXPECT_THAT(List({}, &page), ElementsAre("B", "A", "C"));
  EXPECT_FALSE(page.next_after.has_value());
  const lapse::v1::Expectation& met = page.expectations[1];
  EXPECT_EQ(met.monitor(), "monitors/order-delivered");
  EXPECT_EQ(met.monitor_uid(), kUid);
  EXPECT_EQ(met.revision(), 1);
  EXPECT_EQ(met.verdict(), lapse::v1::VERDICT_MET);
  EXPECT_EQ(met.reason(), lapse::v1::VERDICT_REASON_FOLLOWED);
  EXPECT_EQ(ToMicros(met.due_time()), At(11));
  EXPECT_EQ(ToMicros(met.elapsed()), 2 * kSecond);
  EXPECT_EQ(met.alert(), "");
}

TEST_F(ShardListingTest, FiltersByKeyAndVerdict) {
  ExpectationQuery query;
  query.key = "A";
  EXPECT_THAT(List(query), ElementsAre("A"));
  query.verdicts = {lapse::v1::VERDICT_PENDING};
  EXPECT_THAT(List(query), IsEmpty());
  query.key = "";
  EXPECT_THAT(List(query), ElementsAre("B", "C"));
}

TEST_F(ShardListingTest, PagesGoOnAfterTheLastOne) {
  ExpectationQuery query;
  query.page_size = 2;
  ExpectationPage page;
  EXPECT_THAT(List(query, &page), ElementsAre("B", "A"));
  ASSERT_TRUE(page.next_after.has_value());
  query.after = page.next_after;
  EXPECT_THAT(List(query, &page), ElementsAre("C"));
  EXPECT_FALSE(page.next_after.has_value());
}

}  // namespace
}  // namespace lapse::monitors
