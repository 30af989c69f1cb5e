#include "notifiers/dispatcher.h"

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "notifiers/email_channel.h"
#include "notifiers/test_messages.h"
#include "storage/memory/state_store.h"
#include "test/mail/smtp_sink.h"

namespace lapse::notifiers {
namespace {

using lapse::test::ReceivedMail;
using lapse::test::SmtpSink;
using lapse::test::SmtpSinkOptions;
using lapse::v1::Alert;
using lapse::v1::Delivery;
using lapse::v1::DeliveryTry;
using lapse::v1::EmailNotifier;
using lapse::v1::Notifier;
using limits::kMicrosPerMinute;
using limits::kMicrosPerSecond;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int64_t kPatienceUs = 30 * kMicrosPerSecond;

std::unique_ptr<SmtpSink> StartSink(const SmtpSinkOptions& options) {
  absl::StatusOr<std::unique_ptr<SmtpSink>> sink = SmtpSink::Start(options);
  EXPECT_TRUE(sink.ok()) << sink.status();
  return sink.ok() ? *std::move(sink) : nullptr;
}

std::vector<std::string> MessageIds(const std::vector<ReceivedMail>& mails) {
  std::vector<std::string> ids;
  ids.reserve(mails.size());
  for (const ReceivedMail& mail : mails) ids.push_back(mail.headers.at("Message-ID"));
  return ids;
}

// Real servers and a real store, on a clock that the test moves.
class DispatcherTest : public ::testing::Test {
 protected:
  void TearDown() override { dispatcher_.reset(); }

  void AddNotifier(
      const std::string& id, int port,
      const std::function<void(EmailNotifier&)>& change = [](EmailNotifier&) {}) {
    Notifier notifier = MailNotifier(port);
    notifier.set_name("notifiers/" + id);
    notifier.set_uid("uid-" + id);
    change(*notifier.mutable_email());
    ASSERT_TRUE(store_.CreateNotifier(notifier, "", clock_.NowUs()).ok());
  }

  void Start(DispatcherOptions options = {}) {
    Channels channels;
    channels[Notifier::kEmail] = std::make_unique<EmailChannel>();
    dispatcher_ =
        std::make_unique<Dispatcher>(store_, store_, std::move(channels), clock_, options);
    dispatcher_->Start();
  }

  void Commit(std::vector<Alert> alerts, const std::vector<std::string>& notifier_ids = {"ops"}) {
    std::vector<storage::AlertWrite> writes;
    for (Alert& alert : alerts) {
      for (const std::string& id : notifier_ids) alert.add_notifiers("notifiers/" + id);
      writes.push_back({std::move(alert), true});
    }
    ASSERT_TRUE(store_.CommitAlerts(writes, clock_.NowUs()).ok());
    if (dispatcher_ != nullptr) dispatcher_->Wake();
  }

  // Newest first.
  std::vector<Delivery> Deliveries(const std::string& notifier_id = "ops",
                                   const std::vector<Delivery::State>& states = {}) {
    const auto listed =
        store_.ListDeliveries("notifiers/" + notifier_id, "", states, INT64_MAX, 1'000);
    EXPECT_TRUE(listed.ok());
    std::vector<Delivery> deliveries;
    for (const auto& one : *listed) deliveries.push_back(one.delivery);
    return deliveries;
  }

  bool Await(const std::function<bool()>& condition) {
    Mutex mutex;
    CondVar never;
    MutexLock lock(mutex);
    const int64_t give_up_us = RealClock().SteadyUs() + kPatienceUs;
    while (!condition()) {
      if (RealClock().SteadyUs() > give_up_us) return false;
      RealClock().WaitUntil(lock, never, RealClock().NowUs() + 2 * limits::kMicrosPerMilli);
    }
    return true;
  }

  bool AwaitState(Delivery::State state, size_t count = 1, const std::string& notifier_id = "ops") {
    return Await([&] { return Deliveries(notifier_id, {state}).size() >= count; });
  }

  bool AwaitTries(int count) {
    return Await(
        [&] { return !Deliveries().empty() && Deliveries().front().try_count() >= count; });
  }

  SimulatedClock clock_{kDueTimeUs};
  storage::MemoryStateStore store_;
  std::unique_ptr<Dispatcher> dispatcher_;
};

TEST_F(DispatcherTest, AnAlertAndItsResolutionAreOneThreadOfTwoMails) {
  const auto sink = StartSink({});
  AddNotifier("ops", sink->port());
  Start();
  Commit({FiringAlert("A-17")});
  ASSERT_EQ(sink->WaitForMails(1).size(), 1u);
  Commit({ResolvedAlert("A-17")});
  ASSERT_TRUE(AwaitState(Delivery::STATE_SENT, 2));
  const auto mails = sink->Mails();
  ASSERT_EQ(mails.size(), 2u);
  EXPECT_THAT(mails[0].headers.at("Subject"), HasSubstr("FIRING order delivered: A-17"));
  EXPECT_THAT(mails[1].headers.at("Subject"), HasSubstr("RESOLVED order delivered: A-17"));
  EXPECT_EQ(mails[1].headers.at("In-Reply-To"), mails[0].headers.at("Message-ID"));
  EXPECT_EQ(mails[1].headers.at("References"), mails[0].headers.at("Message-ID"));
  const Delivery sent = Deliveries().back();
  ASSERT_EQ(sent.tries_size(), 1);
  EXPECT_EQ(sent.tries(0).status_code(), 250);
  EXPECT_EQ(sent.tries(0).error(), "");
  EXPECT_EQ(ToMicros(sent.tries(0).start_time()), kDueTimeUs);
  EXPECT_EQ(mails[0].headers.at("X-Lapse-Idempotency-Key"), sent.idempotency_key());
  EXPECT_TRUE(Await([&] { return dispatcher_->Metrics().sent == 2; }));
}

TEST_F(DispatcherTest, APutOffMailIsTriedAgainAndEachTryIsKept) {
  const auto sink = StartSink({.fail_first = 2});
  AddNotifier("ops", sink->port());
  Start();
  Commit({FiringAlert("A-17")});
  ASSERT_TRUE(AwaitTries(1));
  EXPECT_GT(ToMicros(Deliveries()[0].next_try_time()), clock_.NowUs());
  clock_.AdvanceBy(kMicrosPerSecond);
  ASSERT_TRUE(AwaitTries(2));
  clock_.AdvanceBy(2 * kMicrosPerSecond);
  ASSERT_TRUE(AwaitState(Delivery::STATE_SENT));
  const Delivery delivery = Deliveries()[0];
  ASSERT_EQ(delivery.tries_size(), 3);
  EXPECT_EQ(delivery.tries(0).error(), "451 4.3.0 try again later");
  EXPECT_EQ(delivery.tries(0).status_code(), 451);
  EXPECT_EQ(delivery.tries(1).status_code(), 451);
  EXPECT_EQ(delivery.tries(2).status_code(), 250);
  EXPECT_EQ(sink->Mails().size(), 1u);
  EXPECT_TRUE(Await([&] { return dispatcher_->Metrics().failed_tries == 2; }));
}

TEST_F(DispatcherTest, ARefusedMailIsDead) {
  const auto sink = StartSink({.refused_recipients = {"ops@example.com"}});
  AddNotifier("ops", sink->port());
  Start();
  Commit({FiringAlert("A-17")});
  ASSERT_TRUE(AwaitState(Delivery::STATE_DEAD));
  const Delivery delivery = Deliveries()[0];
  EXPECT_EQ(delivery.tries(0).status_code(), 550);
  EXPECT_FALSE(delivery.has_next_try_time());
  EXPECT_TRUE(Await([&] { return dispatcher_->Metrics().dead == 1; }));
}

TEST_F(DispatcherTest, AMailWhoseAnswerWasLostIsSentAgainWithTheSameMessageId) {
  const auto sink = StartSink({.drop_after_data = 1});
  AddNotifier("ops", sink->port());
  Start();
  Commit({FiringAlert("A-17")});
  ASSERT_TRUE(AwaitTries(1));
  clock_.AdvanceBy(kMicrosPerSecond);
  ASSERT_TRUE(AwaitState(Delivery::STATE_SENT));
  const std::vector<std::string> ids = MessageIds(sink->Mails());
  EXPECT_THAT(ids, ElementsAre("<a-A-17.1.ops@example.com>", "<a-A-17.1.ops@example.com>"));
}

TEST_F(DispatcherTest, AServerWithoutStartTlsIsAFailedTry) {
  const auto sink = StartSink({});
  AddNotifier("ops", sink->port(), [](EmailNotifier& email) {
    email.set_security(EmailNotifier::SECURITY_UNSPECIFIED);
  });
  Start();
  Commit({FiringAlert("A-17")});
  ASSERT_TRUE(AwaitTries(1));
  EXPECT_THAT(Deliveries()[0].tries(0).error(), HasSubstr("STARTTLS"));
  EXPECT_EQ(Deliveries()[0].state(), Delivery::STATE_PENDING);
  EXPECT_THAT(sink->Mails(), IsEmpty());
}

TEST_F(DispatcherTest, AWrongPasswordIsTriedAgainSlowlyAndOncePerNotifier) {
  const auto sink = StartSink({.tls = "starttls", .user = "lapse", .password = "right"});
  setenv("LAPSE_TEST_PASSWORD", "wrong", 1);
  AddNotifier("ops", sink->port(), [&](EmailNotifier& email) {
    email.set_security(EmailNotifier::SECURITY_STARTTLS);
    email.set_ca_file(sink->ca_file());
    email.set_username("lapse");
    email.set_password_ref("env:LAPSE_TEST_PASSWORD");
  });
  Start();
  Commit({FiringAlert("A-1"), FiringAlert("A-2")});
  ASSERT_TRUE(Await([&] { return dispatcher_->Metrics().failed_tries == 1; }));
  const Delivery first = Deliveries().back();
  EXPECT_EQ(first.tries(0).status_code(), 535);
  EXPECT_GE(ToMicros(first.next_try_time()) - clock_.NowUs(), 45 * kMicrosPerSecond);
  // An operator mends it.
  setenv("LAPSE_TEST_PASSWORD", "right", 1);
  clock_.AdvanceBy(10 * kMicrosPerSecond);
  EXPECT_EQ(dispatcher_->Metrics().failed_tries, 1);
  clock_.AdvanceBy(kMicrosPerMinute);
  ASSERT_TRUE(AwaitState(Delivery::STATE_SENT, 2));
}

TEST_F(DispatcherTest, ABurstEndsInADigest) {
  const auto sink = StartSink({});
  AddNotifier("ops", sink->port());
  Start();
  std::vector<Alert> alerts;
  alerts.reserve(40);
  for (int i = 0; i < 40; ++i) alerts.push_back(FiringAlert(absl::StrCat("A-", 100 + i)));
  Commit(alerts);
  // What a minute allows goes first, however long that takes: the clock stands still.
  ASSERT_TRUE(Await([&] { return sink->Mails().size() == size_t{limits::kMaxMailsPerMinute}; }));
  ASSERT_TRUE(Await([&] {
    clock_.AdvanceBy(kMicrosPerSecond);
    return Deliveries("ops", {Delivery::STATE_PENDING}).empty();
  }));
  EXPECT_THAT(Deliveries("ops", {Delivery::STATE_DIGESTED}), Not(IsEmpty()));
  const auto mails = sink->Mails();
  EXPECT_LT(mails.size(), 40u);
  EXPECT_THAT(mails.back().headers.at("Subject"), HasSubstr("more changes of alerts"));
}

TEST_F(DispatcherTest, ARestartSendsWhatWasNotSentAndNothingTwice) {
  auto sink = StartSink({});
  AddNotifier("ops", sink->port());
  Start();
  Commit({FiringAlert("A-1")});
  ASSERT_TRUE(AwaitState(Delivery::STATE_SENT));
  dispatcher_.reset();
  Commit({FiringAlert("A-2")});
  Start();
  ASSERT_TRUE(AwaitState(Delivery::STATE_SENT, 2));
  EXPECT_THAT(MessageIds(sink->Mails()),
              ElementsAre("<a-A-1.1.ops@example.com>", "<a-A-2.1.ops@example.com>"));
}

TEST_F(DispatcherTest, AfterAnOutageMailsArriveInOrder) {
  auto sink = StartSink({});
  const int port = sink->port();
  const std::string folder = sink->folder();
  sink->Kill();
  AddNotifier("ops", port);
  Start();
  Commit({FiringAlert("A-1")});
  ASSERT_TRUE(AwaitTries(1));
  Commit({ResolvedAlert("A-1")});
  sink = StartSink({.port = port, .folder = folder});
  clock_.AdvanceBy(kMicrosPerMinute);
  ASSERT_TRUE(AwaitState(Delivery::STATE_SENT, 2));
  EXPECT_THAT(MessageIds(sink->Mails()),
              ElementsAre("<a-A-1.1.ops@example.com>", "<a-A-1.2.ops@example.com>"));
}

TEST_F(DispatcherTest, AServerThatHangsDoesNotHoldUpAnotherNotifier) {
  const auto hanging = StartSink({.hang = "greeting"});
  const auto sink = StartSink({});
  AddNotifier("ops", hanging->port(), [](EmailNotifier& e) { e.set_timeout_seconds(300); });
  AddNotifier("night", sink->port());
  Start({.workers = 2, .stop_grace_us = 0});
  Commit({FiringAlert("A-1"), FiringAlert("A-2"), FiringAlert("A-3")}, {"ops", "night"});
  ASSERT_TRUE(AwaitState(Delivery::STATE_SENT, 3, "night"));
  EXPECT_EQ(Deliveries("ops", {Delivery::STATE_PENDING}).size(), 3u);
}

TEST_F(DispatcherTest, StopCutsASendThatHangsAndLeavesItForTheNextStart) {
  auto hanging = StartSink({.hang = "data"});
  const int port = hanging->port();
  AddNotifier("ops", port, [](EmailNotifier& e) { e.set_timeout_seconds(300); });
  Start({.workers = 1, .stop_grace_us = 100 * limits::kMicrosPerMilli});
  Commit({FiringAlert("A-1")});
  dispatcher_->Stop();
  EXPECT_EQ(Deliveries()[0].state(), Delivery::STATE_PENDING);
  hanging.reset();
  const auto sink = StartSink({.port = port});
  clock_.AdvanceBy(kMicrosPerMinute);
  Start();
  ASSERT_TRUE(AwaitState(Delivery::STATE_SENT));
  EXPECT_THAT(MessageIds(sink->Mails()), ElementsAre("<a-A-1.1.ops@example.com>"));
}

TEST_F(DispatcherTest, ADeletedNotifierIsSentNothing) {
  const auto sink = StartSink({});
  AddNotifier("ops", sink->port());
  Commit({FiringAlert("A-1")});
  ASSERT_TRUE(store_.DeleteNotifier("notifiers/ops", "").ok());
  AddNotifier("night", sink->port());
  Start();
  Commit({FiringAlert("A-2")}, {"night"});
  ASSERT_TRUE(AwaitState(Delivery::STATE_SENT, 1, "night"));
  EXPECT_EQ(sink->Mails().size(), 1u);
}

TEST_F(DispatcherTest, ATestIsSentAtOnceAndItsFailureIsAResult) {
  const auto sink = StartSink({});
  Start();
  const Notifier notifier = MailNotifier(sink->port());
  const DeliveryTry sent = dispatcher_->SendTest(notifier);
  EXPECT_EQ(sent.error(), "");
  EXPECT_EQ(sent.status_code(), 250);
  EXPECT_EQ(ToMicros(sent.start_time()), kDueTimeUs);
  const auto mails = sink->Mails();
  ASSERT_EQ(mails.size(), 1u);
  EXPECT_EQ(mails[0].headers.at("Subject"), "[Lapse] Test of notifiers/ops-mail");
  EXPECT_THAT(mails[0].defects, IsEmpty());
  sink->Kill();
  const DeliveryTry failed = dispatcher_->SendTest(notifier);
  EXPECT_THAT(failed.error(), HasSubstr("connect"));
  EXPECT_EQ(failed.status_code(), 0);
}

TEST_F(DispatcherTest, AKindThatCannotBeSentToIsAFailedTry) {
  Start();
  EXPECT_THAT(dispatcher_->SendTest(Notifier()).error(), HasSubstr("kind"));
}

}  // namespace
}  // namespace lapse::notifiers
