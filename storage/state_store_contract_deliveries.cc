#include <set>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "storage/state_store_contract.h"

namespace lapse::storage {
namespace {

using lapse::v1::Delivery;
using lapse::v1::DeliveryTry;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kMail[] = "notifiers/mail";
constexpr char kPager[] = "notifiers/pager";

std::string MailDelivery(int number) { return absl::StrCat("notifiers/mail/deliveries/", number); }

TEST_P(StateStoreContract, MakesADeliveryForEachNotifierThatExists) {
  CreateNotifier(kMail);
  CreateNotifier(kPager);
  Commit(Firing("alerts/a", 1, {kPager, "notifiers/gone", kMail, kMail}), 50, true);
  Reopen();
  const auto listed = store().ListDeliveries("", "", {}, INT64_MAX, 10).value();
  ASSERT_EQ(listed.size(), 2u);
  std::set<std::string> keys;
  for (const auto& [number, delivery] : listed) {
    EXPECT_EQ(delivery.alert(), "alerts/a");
    EXPECT_EQ(delivery.alert_version(), 1);
    EXPECT_EQ(delivery.state(), Delivery::STATE_PENDING);
    EXPECT_EQ(ToMicros(delivery.create_time()), 50);
    EXPECT_EQ(ToMicros(delivery.next_try_time()), 50);
    EXPECT_EQ(delivery.try_count(), 0);
    EXPECT_EQ(delivery.idempotency_key().size(), 32u);
    keys.insert(delivery.idempotency_key());
  }
  EXPECT_EQ(keys.size(), 2u);
  EXPECT_THAT(Due(kMail, 50), ElementsAre(MailDelivery(1)));
  EXPECT_THAT(Due(kPager, 50), ElementsAre("notifiers/pager/deliveries/2"));
}

TEST_P(StateStoreContract, MakesNoDeliveryUnlessToldTo) {
  CreateNotifier(kMail);
  Commit(Firing("alerts/a", 1, {kMail}), 50, false);
  EXPECT_THAT(store().ListDeliveries("", "", {}, INT64_MAX, 10).value(), IsEmpty());
}

TEST_P(StateStoreContract, MakesNoSecondDeliveryForAChangeThatWasStoredBefore) {
  CreateNotifier(kMail);
  Commit(Firing("alerts/a", 1, {kMail}), 50, true);
  ASSERT_TRUE(store().CommitAlerts({{Firing("alerts/a", 1, {kMail}), true}}, 60).ok());
  EXPECT_EQ(store().ListDeliveries("", "", {}, INT64_MAX, 10).value().size(), 1u);
}

TEST_P(StateStoreContract, GivesTheAlertAsOfTheChangeThatIsTold) {
  CreateNotifier(kMail);
  Commit(Firing("alerts/a", 1, {kMail}), 50, true);
  Commit(Resolved("alerts/a", 2, {kMail}), 60, true);
  Reopen();
  auto due = store().ListDueDeliveries(kMail, 100, 10).value();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].alert.state(), lapse::v1::Alert::STATE_FIRING);
  EXPECT_THAT(due[0].samples, IsEmpty());
  Try(due[0].delivery.name(), Delivery::STATE_SENT);
  due = store().ListDueDeliveries(kMail, 100, 10).value();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].delivery.alert_version(), 2);
  EXPECT_EQ(due[0].alert.state(), lapse::v1::Alert::STATE_RESOLVED);
}

TEST_P(StateStoreContract, GivesTheSameKeyToTheSameChangeAndNotifierOnly) {
  CreateNotifier(kMail);
  Commit(Firing("alerts/a", 1, {kMail}), 50, true);
  Commit(Resolved("alerts/a", 2, {kMail}), 60, true);
  Commit(Firing("alerts/b", 1, {kMail}), 60, true);
  std::set<std::string> keys;
  for (int i : {1, 2, 3}) keys.insert(DeliveryNamed(MailDelivery(i)).idempotency_key());
  EXPECT_EQ(keys.size(), 3u);

  const auto other = GetParam().make();
  lapse::v1::Notifier same;
  same.set_name("notifiers/renamed");
  same.set_uid("uid of notifiers/mail");
  ASSERT_TRUE(other->store().CreateNotifier(same, "", 1).ok());
  ASSERT_TRUE(other->store().CommitAlerts({{Firing("alerts/a", 1, {same.name()}), true}}, 99).ok());
  const auto again = other->store().ListDeliveries("", "", {}, INT64_MAX, 10).value();
  EXPECT_EQ(again[0].delivery.idempotency_key(), DeliveryNamed(MailDelivery(1)).idempotency_key());
}

TEST_P(StateStoreContract, ListsDueDeliveriesByNextTryThenNumber) {
  CreateNotifier(kMail);
  for (int i = 1; i <= 4; ++i) {
    Commit(Firing(absl::StrCat("alerts/", i), 1, {kMail}), i < 3 ? 10 : 5, true);
  }
  EXPECT_THAT(Due(kMail, 4), IsEmpty());
  EXPECT_THAT(Due(kMail, 5), ElementsAre(MailDelivery(3), MailDelivery(4)));
  EXPECT_THAT(Due(kMail, 10),
              ElementsAre(MailDelivery(3), MailDelivery(4), MailDelivery(1), MailDelivery(2)));
  EXPECT_EQ(store().ListDueDeliveries(kMail, 10, 3).value().size(), 3u);
}

TEST_P(StateStoreContract, NeverLetsAResolveOvertakeItsAlert) {
  CreateNotifier(kMail);
  CreateNotifier(kPager);
  Commit(Firing("alerts/a", 1, {kMail, kPager}), 10, true);
  Commit(Resolved("alerts/a", 2, {kMail, kPager}), 20, true);
  Commit(Firing("alerts/a", 3, {kMail, kPager}), 30, true);
  EXPECT_THAT(Due(kMail, 100), ElementsAre(MailDelivery(1)));
  Try(MailDelivery(1), Delivery::STATE_PENDING, 500);
  Reopen();
  EXPECT_THAT(Due(kMail, 100), IsEmpty());
  EXPECT_THAT(Due(kMail, 500), ElementsAre(MailDelivery(1)));
  Try(MailDelivery(1), Delivery::STATE_SENT);
  EXPECT_THAT(Due(kMail, 500), ElementsAre(MailDelivery(3)));
  Try(MailDelivery(3), Delivery::STATE_DEAD);
  EXPECT_THAT(Due(kMail, 500), ElementsAre(MailDelivery(5)));
  EXPECT_THAT(Due(kPager, 500), ElementsAre("notifiers/pager/deliveries/2"));
}

TEST_P(StateStoreContract, AsksToBeWokenForDeliveriesThatWaitForNoOther) {
  EXPECT_EQ(store().NextTryTimeUs().value(), INT64_MAX);
  EXPECT_THAT(store().ListNotifiersWithDue(INT64_MAX).value(), IsEmpty());
  CreateNotifier(kMail);
  CreateNotifier(kPager);
  Commit(Firing("alerts/a", 1, {kMail}), 10, true);
  Commit(Resolved("alerts/a", 2, {kMail}), 20, true);
  Commit(Firing("alerts/b", 1, {kPager}), 700, true);
  EXPECT_EQ(store().NextTryTimeUs().value(), 10);
  EXPECT_THAT(store().ListNotifiersWithDue(699).value(), ElementsAre(kMail));
  EXPECT_THAT(store().ListNotifiersWithDue(700).value(), ElementsAre(kMail, kPager));
  Try(MailDelivery(1), Delivery::STATE_PENDING, 500);
  EXPECT_EQ(store().NextTryTimeUs().value(), 500);
  EXPECT_THAT(store().ListNotifiersWithDue(499).value(), IsEmpty());
  Try(MailDelivery(1), Delivery::STATE_SENT);
  EXPECT_EQ(store().NextTryTimeUs().value(), 20);
  Try(MailDelivery(2), Delivery::STATE_SENT);
  EXPECT_EQ(store().NextTryTimeUs().value(), 700);
}

TEST_P(StateStoreContract, RecordsEachTry) {
  CreateNotifier(kMail);
  Commit(Firing("alerts/a", 1, {kMail}), 10, true);
  DeliveryTry attempt;
  attempt.set_error("451 greylisted");
  attempt.set_status_code(451);
  SetTimestamp(11, attempt.mutable_start_time());
  SetTimestamp(12, attempt.mutable_end_time());
  const std::string name = MailDelivery(1);
  ASSERT_TRUE(store().RecordTry(name, attempt, Delivery::STATE_PENDING, 99).ok());
  Reopen();
  const Delivery pending = DeliveryNamed(name);
  ASSERT_EQ(pending.tries_size(), 1);
  EXPECT_EQ(pending.tries(0).error(), "451 greylisted");
  EXPECT_EQ(pending.tries(0).status_code(), 451);
  EXPECT_EQ(ToMicros(pending.tries(0).end_time()), 12);
  EXPECT_EQ(ToMicros(pending.next_try_time()), 99);
  EXPECT_EQ(pending.state(), Delivery::STATE_PENDING);
  ASSERT_TRUE(store().RecordTry(name, {}, Delivery::STATE_SENT, 0).ok());
  const Delivery sent = DeliveryNamed(name);
  EXPECT_EQ(sent.try_count(), 2);
  EXPECT_EQ(sent.state(), Delivery::STATE_SENT);
  EXPECT_FALSE(sent.has_next_try_time());
  EXPECT_EQ(sent.idempotency_key(), pending.idempotency_key());
}

TEST_P(StateStoreContract, KeepsTheLastTriesAndCountsAll) {
  CreateNotifier(kMail);
  Commit(Firing("alerts/a", 1, {kMail}), 10, true);
  for (int i = 1; i <= limits::kMaxKeptTries + 5; ++i) {
    DeliveryTry attempt;
    attempt.set_status_code(i);
    ASSERT_TRUE(store().RecordTry(MailDelivery(1), attempt, Delivery::STATE_PENDING, i).ok());
  }
  const Delivery delivery = DeliveryNamed(MailDelivery(1));
  ASSERT_EQ(delivery.tries_size(), limits::kMaxKeptTries);
  EXPECT_EQ(delivery.tries(0).status_code(), 6);
  EXPECT_EQ(delivery.try_count(), limits::kMaxKeptTries + 5);
}

TEST_P(StateStoreContract, SaysWhichDeliveryThereIsNot) {
  CreateNotifier(kMail);
  Commit(Firing("alerts/a", 1, {kMail}), 10, true);
  for (const char* name : {"notifiers/mail/deliveries/2", "notifiers/pager/deliveries/1",
                           "notifiers/mail/deliveries/01", "notifiers/mail", ""}) {
    EXPECT_CODE_AND_REASON(store().RecordTry(name, {}, Delivery::STATE_SENT, 0), kNotFound,
                           "DELIVERY_NOT_FOUND");
  }
}

TEST_P(StateStoreContract, EndsTheDeliveriesOfADeletedNotifier) {
  CreateNotifier(kMail);
  CreateNotifier(kPager);
  Commit(Firing("alerts/a", 1, {kMail, kPager}), 10, true);
  Commit(Resolved("alerts/a", 2, {kMail, kPager}), 20, true);
  Try(MailDelivery(1), Delivery::STATE_SENT);
  ASSERT_TRUE(store().DeleteNotifier(kMail, "").ok());
  EXPECT_EQ(DeliveryNamed(MailDelivery(1)).state(), Delivery::STATE_SENT);
  EXPECT_EQ(DeliveryNamed(MailDelivery(3)).state(), Delivery::STATE_DEAD);
  EXPECT_FALSE(DeliveryNamed(MailDelivery(3)).has_next_try_time());
  EXPECT_THAT(Due(kMail, 100), IsEmpty());
  EXPECT_THAT(store().ListNotifiersWithDue(100).value(), ElementsAre(kPager));
  Commit(Firing("alerts/b", 1, {kMail}), 30, true);
  EXPECT_EQ(store().ListDeliveries(kMail, "", {}, INT64_MAX, 10).value().size(), 2u);
}

TEST_P(StateStoreContract, NeverWakesADeliveryThatHasEnded) {
  CreateNotifier(kMail);
  Commit(Firing("alerts/a", 1, {kMail}), 10, true);
  Commit(Firing("alerts/b", 1, {kMail}), 10, true);
  ASSERT_TRUE(store().DeleteNotifier(kMail, "").ok());
  Try(MailDelivery(1), Delivery::STATE_PENDING, 20);
  Try(MailDelivery(2), Delivery::STATE_SENT);
  EXPECT_EQ(DeliveryNamed(MailDelivery(1)).state(), Delivery::STATE_DEAD);
  EXPECT_EQ(DeliveryNamed(MailDelivery(1)).try_count(), 1);
  EXPECT_EQ(DeliveryNamed(MailDelivery(2)).state(), Delivery::STATE_SENT);
  EXPECT_EQ(store().NextTryTimeUs().value(), INT64_MAX);
}

TEST_P(StateStoreContract, DoesNotTellANewNotifierWhatWasMeantForADeletedOne) {
  CreateNotifier(kMail);
  Commit(Firing("alerts/a", 1, {kMail}), 10, true);
  ASSERT_TRUE(store().DeleteNotifier(kMail, "").ok());
  CreateNotifier(kMail);
  EXPECT_THAT(Due(kMail, 100), IsEmpty());
  Commit(Resolved("alerts/a", 2, {kMail}), 20, true);
  EXPECT_THAT(Due(kMail, 100), ElementsAre(MailDelivery(2)));
}

struct ListCase {
  const char* what;
  std::string notifier;
  std::string alert;
  std::vector<Delivery::State> states;
  std::vector<int64_t> numbers;
};

TEST_P(StateStoreContract, ListsDeliveriesNewestFirstByAnyFilter) {
  CreateNotifier(kMail);
  CreateNotifier(kPager);
  Commit(Firing("alerts/a", 1, {kMail, kPager}), 10, true);    // 1, 2
  Commit(Firing("alerts/b", 1, {kMail}), 10, true);            // 3
  Commit(Resolved("alerts/a", 2, {kMail, kPager}), 20, true);  // 4, 5
  Try(MailDelivery(1), Delivery::STATE_SENT);
  Try(MailDelivery(3), Delivery::STATE_DEAD);
  const ListCase cases[] = {
      {"everything", "", "", {}, {5, 4, 3, 2, 1}},
      {"a notifier", kMail, "", {}, {4, 3, 1}},
      {"an alert", "", "alerts/a", {}, {5, 4, 2, 1}},
      {"an alert and a notifier", kPager, "alerts/a", {}, {5, 2}},
      {"a state", "", "", {Delivery::STATE_PENDING}, {5, 4, 2}},
      {"two states", "", "", {Delivery::STATE_DEAD, Delivery::STATE_SENT}, {3, 1}},
      {"a state twice", "", "", {Delivery::STATE_DEAD, Delivery::STATE_DEAD}, {3}},
      {"a notifier and a state", kMail, "", {Delivery::STATE_PENDING}, {4}},
      {"all three", kMail, "alerts/a", {Delivery::STATE_SENT}, {1}},
      {"nothing", "notifiers/none", "", {}, {}}};
  for (const ListCase& c : cases) {
    std::vector<int64_t> numbers;
    int64_t before = INT64_MAX;
    for (;;) {
      const auto page = store().ListDeliveries(c.notifier, c.alert, c.states, before, 2).value();
      if (page.empty()) break;
      EXPECT_LE(page.size(), 2u);
      for (const auto& listed : page) numbers.push_back(before = listed.number);
    }
    EXPECT_EQ(numbers, c.numbers) << c.what;
  }
}

TEST_P(StateStoreContract, TrimsEndedDeliveriesOnly) {
  CreateNotifier(kMail);
  for (int i = 1; i <= 5; ++i) {
    Commit(Firing(absl::StrCat("alerts/", i), 1, {kMail}), i * 10, true);
  }
  for (int i : {1, 3, 5}) Try(MailDelivery(i), Delivery::STATE_SENT);
  Try(MailDelivery(4), Delivery::STATE_DEAD);
  EXPECT_EQ(store().TrimDeliveries(10, 100).value(), 0);
  EXPECT_EQ(store().TrimDeliveries(50, 2).value(), 2);
  EXPECT_EQ(store().TrimDeliveries(50, 2).value(), 1);
  EXPECT_EQ(store().TrimDeliveries(50, 2).value(), 0);
  Reopen();
  const auto left = store().ListDeliveries("", "", {}, INT64_MAX, 10).value();
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].number, 5);
  EXPECT_EQ(left[1].number, 2);
  Commit(Firing("alerts/6", 1, {kMail}), 60, true);
  EXPECT_EQ(store().ListDeliveries("", "", {}, INT64_MAX, 1).value()[0].number, 6);
}

}  // namespace
}  // namespace lapse::storage
