#include "storage/state_store_rules.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lapse::storage {
namespace {

using lapse::v1::Alert;
using lapse::v1::Delivery;

TEST(DeliveryNames, ComeBackAsTheirParts) {
  const std::string name = DeliveryName("notifiers/mail", 42);
  EXPECT_EQ(name, "notifiers/mail/deliveries/42");
  const DeliveryId id = ParseDeliveryName(name).value();
  EXPECT_EQ(id.notifier, "notifiers/mail");
  EXPECT_EQ(id.number, 42);
}

TEST(DeliveryNames, OfNoDeliveryAreNotFound) {
  for (const char* name :
       {"", "notifiers/mail", "notifiers/mail/deliveries/", "notifiers/mail/deliveries/x",
        "notifiers/mail/deliveries/07", "notifiers/mail/deliveries/ 7",
        "notifiers/mail/deliveries/99999999999999999999"}) {
    const absl::Status status = ParseDeliveryName(name).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << name;
    EXPECT_EQ(DetailsOf(status).reason, "DELIVERY_NOT_FOUND") << name;
  }
}

// Receivers recognise repeats by these, over restarts and upgrades.
TEST(DeliveryKeys, NeverChange) {
  EXPECT_EQ(AlertDeliveryKey("alerts/a1", 1, "uid-mail"), "f85aa342e40dd9f1a93e1d469b92cddc");
  EXPECT_NE(AlertDeliveryKey("alerts/a1", 1, "uid-mail"),
            AlertDeliveryKey("alerts/a11", 1, "uid-mail"));
  EXPECT_NE(AlertDeliveryKey("alerts/a1", 1, "x"), AlertDeliveryKey("alerts/a1", 2, "x"));
  EXPECT_NE(DigestDeliveryKey(1, "x"), DigestDeliveryKey(2, "x"));
  EXPECT_NE(DigestDeliveryKey(1, "x"), DigestDeliveryKey(1, "y"));
}

TEST(NotifierIdentity, IsTheUidOrElseTheName) {
  lapse::v1::Notifier notifier;
  notifier.set_name("notifiers/a");
  EXPECT_EQ(NotifierIdentity(notifier), "notifiers/a");
  notifier.set_uid("u");
  EXPECT_EQ(NotifierIdentity(notifier), "u");
}

TEST(AppendTry, KeepsTheLastOnes) {
  Delivery delivery;
  for (int i = 1; i <= limits::kMaxKeptTries + 2; ++i) {
    lapse::v1::DeliveryTry attempt;
    attempt.set_status_code(i);
    AppendTry(attempt, &delivery);
  }
  EXPECT_EQ(delivery.tries_size(), limits::kMaxKeptTries);
  EXPECT_EQ(delivery.tries(0).status_code(), 3);
  EXPECT_EQ(delivery.try_count(), limits::kMaxKeptTries + 2);
}

TEST(StateAfterTry, NeverWakesWhatHasEnded) {
  struct Case {
    Delivery::State stored, reported, after;
  };
  const Case cases[] = {
      {Delivery::STATE_PENDING, Delivery::STATE_PENDING, Delivery::STATE_PENDING},
      {Delivery::STATE_PENDING, Delivery::STATE_SENT, Delivery::STATE_SENT},
      {Delivery::STATE_PENDING, Delivery::STATE_DEAD, Delivery::STATE_DEAD},
      {Delivery::STATE_DEAD, Delivery::STATE_PENDING, Delivery::STATE_DEAD},
      {Delivery::STATE_DEAD, Delivery::STATE_SENT, Delivery::STATE_SENT},
      {Delivery::STATE_DIGESTED, Delivery::STATE_PENDING, Delivery::STATE_DIGESTED},
      {Delivery::STATE_DIGESTED, Delivery::STATE_DEAD, Delivery::STATE_DIGESTED},
      {Delivery::STATE_SENT, Delivery::STATE_DEAD, Delivery::STATE_SENT}};
  for (const Case& c : cases) {
    EXPECT_EQ(StateAfterTry(c.stored, c.reported), c.after)
        << Delivery::State_Name(c.stored) << " " << Delivery::State_Name(c.reported);
  }
}

TEST(DigestSamples, AreTheNewestChangeOfEachAlertOldestFirst) {
  DigestSamples samples;
  for (const auto& [name, version] :
       {std::pair<const char*, int>{"c", 1}, {"a", 2}, {"b", 1}, {"a", 1}}) {
    Alert alert;
    alert.set_name(name);
    alert.set_version(version);
    samples.Add(alert);
  }
  std::vector<std::string> seen;
  for (const Alert& alert : std::move(samples).Take()) {
    seen.push_back(absl::StrCat(alert.name(), alert.version()));
  }
  EXPECT_THAT(seen, testing::ElementsAre("b1", "a2", "c1"));
}

TEST(FeedIds, Differ) {
  EXPECT_EQ(NewFeedId().size(), 32u);
  EXPECT_NE(NewFeedId(), NewFeedId());
}

}  // namespace
}  // namespace lapse::storage
