#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "storage/state_store_contract.h"

namespace lapse::storage {
namespace {

using lapse::v1::Alert;
using lapse::v1::Delivery;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kMail[] = "notifiers/mail";

std::string MailDelivery(int number) { return absl::StrCat("notifiers/mail/deliveries/", number); }

std::vector<std::string> NamesAndVersions(const std::vector<Alert>& alerts) {
  std::vector<std::string> names;
  for (const Alert& alert : alerts) {
    names.push_back(absl::StrCat(alert.name(), "@", alert.version()));
  }
  return names;
}

TEST_P(StateStoreContract, PutsEverythingDueIntoOneDigest) {
  CreateNotifier(kMail);
  CreateNotifier("notifiers/pager");
  Commit(Firing("alerts/a", 1, {kMail, "notifiers/pager"}), 10, true);  // 1, 2
  Commit(Firing("alerts/b", 1, {kMail}), 10, true);                     // 3
  Commit(Firing("alerts/c", 1, {kMail}), 99, true);                     // 4
  const Delivery digest = store().MakeDigest(kMail, 50).value();
  EXPECT_EQ(digest.name(), MailDelivery(5));
  EXPECT_EQ(digest.digested_count(), 2);
  EXPECT_EQ(digest.state(), Delivery::STATE_PENDING);
  EXPECT_EQ(digest.alert(), "");
  EXPECT_EQ(digest.idempotency_key().size(), 32u);
  EXPECT_EQ(ToMicros(digest.create_time()), 50);
  EXPECT_EQ(ToMicros(digest.next_try_time()), 50);
  Reopen();
  for (int member : {1, 3}) {
    const Delivery delivery = DeliveryNamed(MailDelivery(member));
    EXPECT_EQ(delivery.state(), Delivery::STATE_DIGESTED);
    EXPECT_EQ(delivery.digest(), digest.name());
    EXPECT_FALSE(delivery.has_next_try_time());
  }
  EXPECT_THAT(Due(kMail, 50), ElementsAre(digest.name()));
  EXPECT_THAT(Due(kMail, 99), ElementsAre(digest.name(), MailDelivery(4)));
  EXPECT_EQ(DeliveryNamed("notifiers/pager/deliveries/2").state(), Delivery::STATE_PENDING);
}

TEST_P(StateStoreContract, SaysWhenThereIsNothingToDigest) {
  EXPECT_CODE_AND_REASON(store().MakeDigest(kMail, 50), kNotFound, "NOTHING_DUE");
  CreateNotifier(kMail);
  Commit(Firing("alerts/a", 1, {kMail}), 99, true);
  EXPECT_CODE_AND_REASON(store().MakeDigest(kMail, 50), kNotFound, "NOTHING_DUE");
}

TEST_P(StateStoreContract, ShowsTheNewestChangeOfEachAlertInADigest) {
  CreateNotifier(kMail);
  Commit(Firing("alerts/a", 1, {kMail}), 10, true);
  Commit(Firing("alerts/b", 1, {kMail}), 10, true);
  Commit(Resolved("alerts/a", 2, {kMail}), 20, true);
  const Delivery digest = store().MakeDigest(kMail, 50).value();
  EXPECT_EQ(digest.digested_count(), 3);
  Reopen();
  const auto due = store().ListDueDeliveries(kMail, 50, 10).value();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].delivery.name(), digest.name());
  EXPECT_EQ(due[0].alert.name(), "");
  EXPECT_THAT(NamesAndVersions(due[0].samples), ElementsAre("alerts/b@1", "alerts/a@2"));
}

TEST_P(StateStoreContract, ShowsTheNewestAlertsWhereThereAreMany) {
  CreateNotifier(kMail);
  const int extra = 7;
  for (int i = 1; i <= limits::kMaxDigestSamples + extra; ++i) {
    Commit(Firing(absl::StrCat("alerts/", i), 1, {kMail}), 10, true);
  }
  const Delivery digest = store().MakeDigest(kMail, 50).value();
  EXPECT_EQ(digest.digested_count(), limits::kMaxDigestSamples + extra);
  const auto due = store().ListDueDeliveries(kMail, 50, 10).value();
  ASSERT_EQ(due.size(), 1u);
  ASSERT_EQ(due[0].samples.size(), static_cast<size_t>(limits::kMaxDigestSamples));
  EXPECT_EQ(due[0].samples.front().name(), absl::StrCat("alerts/", extra + 1));
  EXPECT_EQ(due[0].samples.back().name(),
            absl::StrCat("alerts/", limits::kMaxDigestSamples + extra));
}

TEST_P(StateStoreContract, KeepsAResolveOutOfADigestWhoseAlertWaitsForItsNextTry) {
  CreateNotifier(kMail);
  Commit(Firing("alerts/a", 1, {kMail}), 10, true);    // 1
  Commit(Resolved("alerts/a", 2, {kMail}), 20, true);  // 2
  Commit(Firing("alerts/b", 1, {kMail}), 20, true);    // 3
  Try(MailDelivery(1), Delivery::STATE_PENDING, 500);
  EXPECT_EQ(store().MakeDigest(kMail, 50).value().digested_count(), 1);
  EXPECT_EQ(DeliveryNamed(MailDelivery(2)).state(), Delivery::STATE_PENDING);
  EXPECT_EQ(DeliveryNamed(MailDelivery(3)).state(), Delivery::STATE_DIGESTED);
}

TEST_P(StateStoreContract, NeverLetsAResolveOvertakeADigestThatTellsItsAlert) {
  CreateNotifier(kMail);
  Commit(Firing("alerts/a", 1, {kMail}), 10, true);     // 1
  Commit(Resolved("alerts/a", 2, {kMail}), 100, true);  // 2: not due when the digest is made
  const std::string digest = store().MakeDigest(kMail, 50).value().name();
  Commit(Firing("alerts/a", 3, {kMail}), 60, true);  // 4
  EXPECT_THAT(Due(kMail, 100), ElementsAre(digest));
  Try(digest, Delivery::STATE_PENDING, 500);
  Reopen();
  EXPECT_THAT(Due(kMail, 400), IsEmpty());
  EXPECT_EQ(store().NextTryTimeUs().value(), 500);
  Try(digest, Delivery::STATE_SENT);
  EXPECT_THAT(Due(kMail, 500), ElementsAre(MailDelivery(2)));
  Try(MailDelivery(2), Delivery::STATE_SENT);
  EXPECT_THAT(Due(kMail, 500), ElementsAre(MailDelivery(4)));
}

TEST_P(StateStoreContract, LetsALaterChangeWaitForTheDigestThatTellsItsAlert) {
  CreateNotifier(kMail);
  Commit(Firing("alerts/a", 1, {kMail}), 10, true);
  const std::string digest = store().MakeDigest(kMail, 50).value().name();
  Commit(Resolved("alerts/a", 2, {kMail}), 60, true);
  EXPECT_THAT(Due(kMail, 100), ElementsAre(digest));
  Try(digest, Delivery::STATE_DEAD);
  EXPECT_THAT(Due(kMail, 100), ElementsAre(MailDelivery(3)));
}

TEST_P(StateStoreContract, CountsAndSamplesAnEarlierDigestAnew) {
  CreateNotifier(kMail);
  Commit(Firing("alerts/a", 1, {kMail}), 10, true);  // 1
  Commit(Firing("alerts/b", 1, {kMail}), 10, true);  // 2
  const std::string first = store().MakeDigest(kMail, 50).value().name();
  Try(first, Delivery::STATE_PENDING, 100);
  Commit(Firing("alerts/c", 1, {kMail}), 90, true);    // 4
  Commit(Resolved("alerts/a", 2, {kMail}), 90, true);  // 5: waits for the digest
  const Delivery second = store().MakeDigest(kMail, 100).value();
  EXPECT_EQ(second.digested_count(), 4);
  EXPECT_EQ(DeliveryNamed(first).state(), Delivery::STATE_DIGESTED);
  EXPECT_EQ(DeliveryNamed(first).digest(), second.name());
  EXPECT_EQ(DeliveryNamed(MailDelivery(1)).digest(), first);
  Commit(Resolved("alerts/b", 2, {kMail}), 110, true);  // 7
  Reopen();
  const auto due = store().ListDueDeliveries(kMail, 200, 10).value();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].delivery.name(), second.name());
  EXPECT_THAT(NamesAndVersions(due[0].samples),
              ElementsAre("alerts/b@1", "alerts/c@1", "alerts/a@2"));
  Try(second.name(), Delivery::STATE_SENT);
  EXPECT_THAT(Due(kMail, 200), ElementsAre(MailDelivery(7)));
}

TEST_P(StateStoreContract, ChangesNothingElseWhenADigestEnds) {
  CreateNotifier(kMail);
  Commit(Firing("alerts/a", 1, {kMail}), 10, true);
  const std::string digest = store().MakeDigest(kMail, 50).value().name();
  Try(digest, Delivery::STATE_DEAD);
  EXPECT_EQ(DeliveryNamed(digest).state(), Delivery::STATE_DEAD);
  EXPECT_EQ(DeliveryNamed(digest).digested_count(), 1);
  EXPECT_EQ(DeliveryNamed(MailDelivery(1)).state(), Delivery::STATE_DIGESTED);
  EXPECT_THAT(Due(kMail, 500), IsEmpty());
}

TEST_P(StateStoreContract, EndsADigestWithItsNotifier) {
  CreateNotifier(kMail);
  Commit(Firing("alerts/a", 1, {kMail}), 10, true);
  const std::string digest = store().MakeDigest(kMail, 50).value().name();
  ASSERT_TRUE(store().DeleteNotifier(kMail, "").ok());
  EXPECT_EQ(DeliveryNamed(digest).state(), Delivery::STATE_DEAD);
  EXPECT_EQ(DeliveryNamed(MailDelivery(1)).state(), Delivery::STATE_DIGESTED);
}

}  // namespace
}  // namespace lapse::storage
