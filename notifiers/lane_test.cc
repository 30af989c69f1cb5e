#include "notifiers/lane.h"

#include <algorithm>
#include <atomic>
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
using lapse::v1::Notifier;
using limits::kMicrosPerMinute;
using limits::kMicrosPerSecond;
using ::testing::AllOf;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

constexpr char kNotifier[] = "notifiers/ops-mail";

// A lane runs on the test's thread: what it returns and what it did are exact.
class LaneTest : public ::testing::Test {
 protected:
  LaneTest() { channels_[Notifier::kEmail] = std::make_unique<EmailChannel>(); }

  void StartSink(const SmtpSinkOptions& options = {}) {
    absl::StatusOr<std::unique_ptr<SmtpSink>> sink = SmtpSink::Start(options);
    ASSERT_TRUE(sink.ok()) << sink.status();
    sink_ = *std::move(sink);
    ASSERT_TRUE(store_.CreateNotifier(MailNotifier(sink_->port()), "", clock_.NowUs()).ok());
    NewLane();
  }

  // As after a restart.
  void NewLane() { lane_ = std::make_unique<Lane>(kNotifier, context_); }

  void Commit(std::vector<Alert> alerts) {
    std::vector<storage::AlertWrite> writes;
    for (Alert& alert : alerts) {
      alert.add_notifiers(kNotifier);
      writes.push_back({std::move(alert), true});
    }
    ASSERT_TRUE(store_.CommitAlerts(writes, clock_.NowUs()).ok());
  }

  void CommitFiring(const std::string& prefix, int count) {
    std::vector<Alert> alerts;
    alerts.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) alerts.push_back(FiringAlert(absl::StrCat(prefix, i)));
    Commit(std::move(alerts));
  }

  std::vector<Delivery> Deliveries(const std::vector<Delivery::State>& states) {
    const auto listed = store_.ListDeliveries(kNotifier, "", states, INT64_MAX, 1'000);
    EXPECT_TRUE(listed.ok()) << listed.status();
    std::vector<Delivery> deliveries;
    for (const auto& one : *listed) deliveries.push_back(one.delivery);
    return deliveries;
  }

  SimulatedClock clock_{kDueTimeUs};
  storage::MemoryStateStore store_;
  Channels channels_;
  std::atomic<bool> stopping_ = false;
  LaneContext context_{store_, store_, channels_, clock_, stopping_, {}};
  std::unique_ptr<SmtpSink> sink_;
  std::unique_ptr<Lane> lane_;
};

TEST_F(LaneTest, TenMailsAMinuteGoSinglyAndTheRestInOneDigest) {
  StartSink();
  CommitFiring("A-1", 40);
  EXPECT_EQ(lane_->Run(), clock_.NowUs() + kMicrosPerMinute);
  ASSERT_THAT(sink_->Mails(), SizeIs(10));
  clock_.AdvanceBy(kMicrosPerMinute - 1);
  Commit({ResolvedAlert("A-139")});
  EXPECT_EQ(lane_->Run(), clock_.NowUs() + 1);
  EXPECT_THAT(sink_->Mails(), SizeIs(10));
  clock_.AdvanceBy(1);
  EXPECT_EQ(lane_->Run(), Lane::kNoWaitUs);
  const std::vector<ReceivedMail> mails = sink_->Mails();
  ASSERT_THAT(mails, SizeIs(11));
  EXPECT_THAT(mails[0].headers.at("Subject"), HasSubstr("A-10 "));
  EXPECT_THAT(mails[9].headers.at("Subject"), HasSubstr("A-19 "));
  EXPECT_EQ(mails[10].headers.at("Subject"), "[Lapse] 31 more changes of alerts");
  EXPECT_THAT(mails[10].text, HasSubstr("20 of the alerts"));
  EXPECT_THAT(mails[10].text, HasSubstr("RESOLVED order delivered: A-139"));
  EXPECT_THAT(mails[10].defects, IsEmpty());
  EXPECT_THAT(Deliveries({Delivery::STATE_PENDING}), IsEmpty());
  EXPECT_THAT(Deliveries({Delivery::STATE_DIGESTED}), SizeIs(31));
  const Delivery digest = Deliveries({Delivery::STATE_SENT}).front();
  EXPECT_EQ(digest.digested_count(), 31);
  EXPECT_EQ(Deliveries({Delivery::STATE_DIGESTED})[0].digest(), digest.name());
}

TEST_F(LaneTest, ADigestThatWasPutOffIsSentAgainAsTheSameMail) {
  StartSink({.fail_first = 1});
  CommitFiring("A-", 2);
  ASSERT_TRUE(store_.MakeDigest(kNotifier, clock_.NowUs()).ok());
  EXPECT_EQ(lane_->Run(), Lane::kNoWaitUs);
  EXPECT_THAT(sink_->Mails(), IsEmpty());
  clock_.AdvanceBy(kMicrosPerSecond);
  lane_->Run();
  ASSERT_THAT(sink_->Mails(), SizeIs(1));
  const Delivery digest = Deliveries({Delivery::STATE_SENT}).front();
  EXPECT_EQ(digest.try_count(), 2);
  EXPECT_EQ(sink_->Mails()[0].headers.at("Message-ID"),
            absl::StrCat("<", digest.idempotency_key(), "@example.com>"));
}

TEST_F(LaneTest, ARestartKeepsTheRate) {
  StartSink();
  CommitFiring("A-", 10);
  lane_->Run();
  const int64_t sent_us = clock_.NowUs();
  clock_.AdvanceBy(30 * kMicrosPerSecond);
  NewLane();
  CommitFiring("B-", 2);
  EXPECT_EQ(lane_->Run(), sent_us + kMicrosPerMinute);
  EXPECT_THAT(sink_->Mails(), SizeIs(10));
}

TEST_F(LaneTest, TriesThatCannotHaveArrivedDoNotCountAfterARestart) {
  StartSink({.fail_first = 10});
  CommitFiring("A-", 10);
  lane_->Run();
  EXPECT_THAT(Deliveries({Delivery::STATE_PENDING}), SizeIs(10));
  NewLane();
  CommitFiring("B-", 1);
  EXPECT_EQ(lane_->Run(), Lane::kNoWaitUs);
  EXPECT_THAT(sink_->Mails(), SizeIs(1));
}

TEST_F(LaneTest, ATryWithoutAnswerCountsAfterARestart) {
  StartSink({.drop_after_data = 1});
  CommitFiring("A-", 10);
  EXPECT_GT(lane_->Run(), clock_.NowUs());
  clock_.AdvanceBy(kMicrosPerSecond);
  NewLane();
  // Nine of the ten, as the first try may have arrived.
  EXPECT_GT(lane_->Run(), clock_.NowUs() + 50 * kMicrosPerSecond);
  EXPECT_THAT(sink_->Mails(), SizeIs(10));
}

TEST_F(LaneTest, OneDeliveryThatIsPutOffDoesNotHoldUpTheNext) {
  StartSink({.fail_first = 1});
  CommitFiring("A-", 3);
  EXPECT_EQ(lane_->Run(), Lane::kNoWaitUs);
  EXPECT_THAT(sink_->Mails(), SizeIs(2));
  EXPECT_THAT(Deliveries({Delivery::STATE_PENDING}), SizeIs(1));
}

TEST_F(LaneTest, AServerThatIsDownIsTriedEverMoreSeldomHoweverMuchWaits) {
  StartSink();
  sink_->Kill();
  CommitFiring("A-", 100);
  int64_t longest_us = kMicrosPerSecond;
  for (int tries = 1; tries <= 12; ++tries) {
    const int64_t wait_us = lane_->Run() - clock_.NowUs();
    EXPECT_EQ(context_.counters.failed_tries, tries);
    EXPECT_THAT(wait_us, AllOf(Gt(longest_us * 3 / 4), Le(longest_us)));
    longest_us = std::min(2 * longest_us, limits::kLastRetryUs);
    clock_.AdvanceBy(wait_us);
  }
}

TEST_F(LaneTest, WhatIsADayOldIsGivenUpTogether) {
  StartSink();
  sink_->Kill();
  CommitFiring("A-", 30);
  lane_->Run();
  clock_.AdvanceBy(limits::kMaxDeliveryAgeUs);
  lane_->Run();
  const std::vector<Delivery> dead = Deliveries({Delivery::STATE_DEAD});
  EXPECT_THAT(dead, SizeIs(30));
  EXPECT_THAT(dead.front().tries().rbegin()->error(), HasSubstr("connect"));
  EXPECT_EQ(context_.counters.dead, 30);
}

TEST_F(LaneTest, NothingIsSentOnceItIsToStop) {
  StartSink();
  CommitFiring("A-", 1);
  stopping_ = true;
  lane_->Run();
  EXPECT_THAT(sink_->Mails(), IsEmpty());
}

TEST_F(LaneTest, ANotifierThatIsGoneIsLookedAtAgainLater) {
  NewLane();
  EXPECT_EQ(lane_->Run(), clock_.NowUs() + kMicrosPerSecond);
}

}  // namespace
}  // namespace lapse::notifiers
