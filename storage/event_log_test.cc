#include "storage/event_log.h"

#include <future>
#include <string>
#include <thread>
#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/event_log_fixture.h"

namespace lapse::storage {
namespace {

using lapse::v1::Event;
using testing::ElementsAre;

TEST_F(EventLogTest, ServerStartIsLoggedFirstWithItsOptions) {
  Start({.settle_us = 0, .idle_key_retention_us = 77, .detect_gaps = false});
  const auto entries = follower_->AwaitCount(1);
  ASSERT_EQ(entries[0]->controls.size(), 1u);
  EXPECT_EQ(entries[0]->controls[0].server_start().idle_key_retention_us(), 77);
  EXPECT_EQ(entries[0]->controls[0].time_us(), kTestTimeUs);
  EXPECT_EQ(entries[0]->mark_time_us, kTestTimeUs);
}

TEST_F(EventLogTest, AnswerComesWhenTheEventsAreInTheStore) {
  Start();
  Answers answers;
  LogPosition stored_at_answer = 0;
  auto done = answers.Next();
  ASSERT_TRUE(log_->Append(Batch({TestEvent("a", "1"), TestEvent("b", "2")}),
                           [&](absl::StatusOr<AppendResult> result) {
                             stored_at_answer = store_.LastPosition();
                             done(std::move(result));
                           })
                  .ok());
  const auto result = answers.Await()[0];
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(Sequences(result), ElementsAre(1, 2));
  EXPECT_EQ(stored_at_answer, result->position);
  const auto entries = follower_->AwaitCount(2);
  EXPECT_EQ(entries.back()->position, result->position);
  EXPECT_THAT(Ids(*entries.back()), ElementsAre("a", "b"));
  EXPECT_EQ(entries.back()->events[0].receive_time_us, kTestTimeUs);
}

TEST_F(EventLogTest, CopyIsAnsweredWithTheFirstOnesSequenceAndNotLogged) {
  Start();
  ASSERT_TRUE(AppendAndWait({TestEvent("a", "1")}).ok());
  const LogPosition before = store_.LastPosition();
  const auto copy = AppendAndWait({TestEvent("a", "1")});
  ASSERT_TRUE(copy.ok());
  EXPECT_THAT(Sequences(copy), ElementsAre(1));
  EXPECT_TRUE(copy->events[0].duplicate);
  EXPECT_FALSE(copy->events[0].conflicting);
  EXPECT_EQ(store_.LastPosition(), before) << "copies alone need no write";
  EXPECT_EQ(copy->position, before);
}

TEST_F(EventLogTest, CopiesWithinABatchCountFromTheFirst) {
  Start();
  const auto result = AppendAndWait(
      {TestEvent("a", "1"), TestEvent("a", "1"), TestEvent("b", "1"), TestEvent("a", "2")});
  EXPECT_THAT(Sequences(result), ElementsAre(1, 1, 2, 1));
  EXPECT_FALSE(result->events[1].conflicting);
  EXPECT_TRUE(result->events[3].conflicting);
  EXPECT_THAT(Ids(*follower_->AwaitCount(2).back()), ElementsAre("a", "b"));
}

TEST_F(EventLogTest, SameIdOfAnotherSourceIsAnotherEvent) {
  Start();
  Event other = TestEvent("a", "1");
  other.set_source("elsewhere");
  EXPECT_THAT(Sequences(AppendAndWait({TestEvent("a", "1"), other})), ElementsAre(1, 2));
}

TEST_F(EventLogTest, ConflictingCopiesReachTheFollowerWithTheNextEntry) {
  Start();
  ASSERT_TRUE(AppendAndWait({TestEvent("a", "1")}).ok());
  EXPECT_TRUE(AppendAndWait({TestEvent("a", "2")})->events[0].conflicting);
  ASSERT_TRUE(AppendAndWait({TestEvent("b", "1")}).ok());
  const auto entries = follower_->AwaitCount(3);
  ASSERT_EQ(entries.back()->conflicts.size(), 1u);
  EXPECT_EQ(entries.back()->conflicts[0].event_type, "order_created");
  EXPECT_EQ(log_->Metrics().conflicting_events, 1);
}

TEST_F(EventLogTest, EventWithoutIdGetsOneThatIsNeverTakenForACopyAlsoAfterARestart) {
  Start();
  const auto result = AppendAndWait({TestEvent("", "1"), TestEvent("", "1")});
  EXPECT_THAT(Sequences(result), ElementsAre(1, 2));
  const std::string id(follower_->AwaitCount(2).back()->events[0].event->id());
  EXPECT_EQ(id.size(), 36u);
  EXPECT_THAT(Sequences(AppendAndWait({TestEvent(id, "1")})), ElementsAre(3));
  Start();
  EXPECT_THAT(Sequences(AppendAndWait({TestEvent(id, "1")})), ElementsAre(3))
      << "the client's own is recognised";
}

TEST_F(EventLogTest, WaitingRequestsShareOneCommit) {
  Start();
  HoldBack();
  Answers answers;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(log_->Append(Batch({TestEvent(std::to_string(i), "k")}), answers.Next()).ok());
  }
  EXPECT_EQ(log_->Metrics().queued_events, 100u);
  const int64_t commits = log_->Metrics().commits;
  follower_->Block(false);
  const auto results = answers.Await();
  for (size_t i = 0; i < results.size(); ++i)
    EXPECT_THAT(Sequences(results[i]), ElementsAre(i + 1));
  EXPECT_EQ(log_->Metrics().commits, commits + 1);
  EXPECT_EQ(log_->Metrics().queued_events, 0u);
}

TEST_F(EventLogTest, AnsweringManyDoesNotHoldTheNextCommitBack) {
  Start();
  HoldBack();
  std::promise<void> answered;
  std::shared_future<void> go_on = answered.get_future().share();
  Answers answers;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(log_->Append(Batch({TestEvent(std::to_string(i), "k")}),
                             [go_on, done = answers.Next()](auto result) mutable {
                               go_on.wait();
                               done(std::move(result));
                             })
                    .ok());
  }
  const size_t before = follower_->count();
  follower_->Block(false);
  follower_->AwaitCount(before + 1);
  ASSERT_TRUE(log_->Append(Batch({TestEvent("later", "k")}), answers.Next()).ok());
  EXPECT_THAT(Ids(*follower_->AwaitCount(before + 2).back()), ElementsAre("later"));
  answered.set_value();
  for (const auto& result : answers.Await()) EXPECT_TRUE(result.ok());
}

TEST_F(EventLogTest, StopAnswersWhatIsCommitted) {
  Start();
  HoldBack();
  Answers answers;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(log_->Append(Batch({TestEvent(std::to_string(i), "k")}), answers.Next()).ok());
  }
  follower_->Block(false);
  log_->Stop();
  for (const auto& result : answers.Await()) EXPECT_TRUE(result.ok());
}

TEST_F(EventLogTest, AfterACommitForManyTheNextAwaitsAsMany) {
  Start({.settle_us = 0, .linger_us = 200, .detect_gaps = false});
  const auto append = [this](const std::string& prefix, int count, Answers& answers) {
    for (int i = 0; i < count; ++i) {
      const lapse::v1::Event event = TestEvent(prefix + std::to_string(i), "k");
      ASSERT_TRUE(log_->Append(Batch({event}), answers.Next()).ok());
    }
  };
  HoldBack();
  Answers first, second, third;
  append("a", 8, first);
  follower_->Block(false);
  first.Await();
  const int64_t commits = log_->Metrics().commits;
  // The clock stands still: it is the last of them that ends the wait.
  append("b", 8, second);
  second.Await();
  EXPECT_EQ(log_->Metrics().commits, commits + 1);
  append("c", 7, third);
  while (log_->Metrics().queued_events > 0) clock_.AdvanceBy(200);
  for (const auto& result : third.Await()) EXPECT_TRUE(result.ok());
}

TEST_F(EventLogTest, AfterACommitForFewTheNextAwaitsNobody) {
  Start({.settle_us = 0, .linger_us = 200, .detect_gaps = false});
  ASSERT_TRUE(AppendAndWait({TestEvent("a", "1")}).ok());
  ASSERT_TRUE(AppendAndWait({TestEvent("b", "1")}).ok());
}

TEST_F(EventLogTest, ControlsAndEventsKeepTheOrderOfTheQueue) {
  Start();
  HoldBack();
  Answers answers;
  const auto control = [&](const char* note) {
    ASSERT_TRUE(log_->AppendControl(Close(note), [](absl::StatusOr<LogPosition>) {}).ok());
  };
  ASSERT_TRUE(log_->Append(Batch({TestEvent("a", "1")}), answers.Next()).ok());
  control("one");
  control("two");
  ASSERT_TRUE(log_->Append(Batch({TestEvent("b", "1")}), answers.Next()).ok());
  const size_t before = follower_->count();
  follower_->Block(false);
  answers.Await();
  const auto entries = follower_->AwaitCount(before + 2);
  EXPECT_THAT(Ids(*entries[before]), ElementsAre("a"));
  EXPECT_TRUE(entries[before]->controls.empty());
  ASSERT_EQ(entries[before + 1]->controls.size(), 2u);
  EXPECT_EQ(entries[before + 1]->controls[1].alert_close().note(), "two");
  EXPECT_THAT(Ids(*entries[before + 1]), ElementsAre("b"));
}

TEST_F(EventLogTest, ControlIsAnsweredWithItsPosition) {
  Start();
  std::promise<LogPosition> position;
  ASSERT_TRUE(
      log_->AppendControl(Close("x"),
                          [&](absl::StatusOr<LogPosition> p) { position.set_value(p.value()); })
          .ok());
  const LogPosition answered = position.get_future().get();
  EXPECT_EQ(answered, store_.LastPosition());
}

TEST_F(EventLogTest, IsBehindWhileHalfOfTheQueueIsTaken) {
  Start();
  HoldBack();
  Answers answers;
  size_t queued = 0;
  while (!log_->IsBehind() && queued < limits::kMaxQueuedEvents) {
    ASSERT_TRUE(log_->Append(LargeBatch(std::to_string(queued) + "-"), answers.Next()).ok());
    queued += limits::kMaxChunkEvents;
  }
  EXPECT_GT(queued, limits::kMaxQueuedEvents / 2);
  EXPECT_LE(queued, limits::kMaxQueuedEvents / 2 + limits::kMaxChunkEvents);
  follower_->Block(false);
  for (const auto& result : answers.Await()) EXPECT_TRUE(result.ok()) << result.status();
  EXPECT_FALSE(log_->IsBehind());
}

TEST_F(EventLogTest, FullQueueRefusesAndKeepsWhatItHas) {
  Start();
  HoldBack();
  Answers answers;
  size_t accepted = 0;
  absl::Status status;
  while (accepted < 1'000) {
    auto done = answers.Next();
    status = log_->Append(LargeBatch(std::to_string(accepted) + "-"), std::move(done));
    if (!status.ok()) break;
    ++accepted;
  }
  EXPECT_EQ(accepted, limits::kMaxQueuedEvents / limits::kMaxChunkEvents);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(DetailsOf(status).reason, "LOG_QUEUE_FULL");
  EXPECT_TRUE(DetailsOf(status).retry_after_us.has_value());
  follower_->Block(false);
  follower_->Await([&](const auto& entries) {
    return entries.back()->first_sequence + static_cast<int64_t>(entries.back()->events.size()) ==
           static_cast<int64_t>(limits::kMaxQueuedEvents) + 1;
  });
}

TEST_F(EventLogTest, QueueCountsTheBytesThatItsRequestsKeep) {
  Start();
  HoldBack();
  // As a request of which all events but one were refused.
  constexpr size_t kRequestBytes = 4u << 20;
  size_t accepted = 0;
  absl::Status status;
  while (accepted < 1'000) {
    EventBatch batch;
    batch.Allocate(kRequestBytes);
    ASSERT_TRUE(batch.AddCopy(TestEvent(std::to_string(accepted), "k")));
    auto done = [](const absl::StatusOr<AppendResult>& result) { EXPECT_TRUE(result.ok()); };
    status = log_->Append(std::move(batch), done);
    if (!status.ok()) break;
    ++accepted;
  }
  EXPECT_EQ(accepted, (limits::kMaxQueuedBytes - 1) / kRequestBytes);
  EXPECT_EQ(DetailsOf(status).reason, "LOG_QUEUE_FULL");
  follower_->Block(false);
  follower_->Await([&](const auto& entries) {
    return entries.back()->first_sequence + static_cast<int64_t>(entries.back()->events.size()) ==
           static_cast<int64_t>(accepted) + 1;
  });
  EXPECT_TRUE(AppendAndWait({TestEvent("later", "k")}).ok()) << "the room is given back";
}

TEST_F(EventLogTest, NothingIsTakenBeforeTheStartNorAfterTheStop) {
  Open();
  const auto refused = [&] {
    return log_->Append(Batch({TestEvent("a", "1")}), [](absl::StatusOr<AppendResult>) { FAIL(); });
  };
  EXPECT_EQ(DetailsOf(refused()).reason, "LOG_NOT_STARTED");
  ASSERT_TRUE(log_->Start(*follower_).ok());
  log_->Stop();
  EXPECT_EQ(refused().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(DetailsOf(refused()).reason, "LOG_STOPPING");
}

TEST_F(EventLogTest, StopFinishesWhatIsQueued) {
  Start();
  HoldBack();
  Answers answers;
  ASSERT_TRUE(log_->Append(LargeBatch("a"), answers.Next()).ok());
  ASSERT_TRUE(log_->Append(LargeBatch("b"), answers.Next()).ok());
  std::thread stopper([&] { log_->Stop(); });
  follower_->Block(false);
  stopper.join();
  for (const auto& result : answers.Await()) EXPECT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(store_.NextSequence(), 20'001);
}

TEST_F(EventLogTest, BatchOfNoneOrTooManyIsRefused) {
  Start();
  auto large = LargeBatch("a");
  large.AddCopy(TestEvent("x", "1"));
  const auto never = [](absl::StatusOr<AppendResult>) { FAIL(); };
  EXPECT_EQ(log_->Append(std::move(large), never).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(log_->Append({}, never).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(EventLogTest, ManyThreadsAppendAtOnceAndEachEventHasItsOwnSequence) {
  Start();
  constexpr int kThreads = 8;
  constexpr int kAppends = 200;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kAppends; ++i) {
        // Every second one is a copy of another thread's.
        const std::string id = std::to_string(i % 2 == 0 ? i : t * kAppends + i);
        EXPECT_TRUE(AppendAndWait({TestEvent(id, "1")}).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const EventLogMetrics metrics = log_->Metrics();
  EXPECT_EQ(metrics.accepted_events, kThreads * kAppends / 2 + kAppends / 2);
  EXPECT_EQ(metrics.accepted_events + metrics.duplicate_events, kThreads * kAppends);
  EXPECT_EQ(store_.NextSequence(), metrics.accepted_events + 1);
}

}  // namespace
}  // namespace lapse::storage
