#include "storage/event_log.h"

#include <chrono>
#include <cstdio>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/memory/chunk_store.h"
#include "storage/test_entries.h"

namespace lapse::storage {
namespace {

using lapse::internal::v1::ControlRecord;
using lapse::v1::Event;
using testing::ElementsAre;

constexpr int64_t kSecond = limits::kMicrosPerSecond;

// Keeps what it is handed; can be told to block, which holds the log back.
class RecordingFollower : public LogFollower {
 public:
  void OnEntry(std::shared_ptr<const LogEntry> entry) override {
    MutexLock lock(mutex_);
    entries_.push_back(std::move(entry));
    changed_.notify_all();
    changed_.wait(lock, [this] { return !blocked_; });
  }

  void Block(bool blocked) {
    MutexLock lock(mutex_);
    blocked_ = blocked;
    changed_.notify_all();
  }

  // Waits until `enough` of the entries so far; fails the test after a long time.
  std::vector<std::shared_ptr<const LogEntry>> Await(
      const std::function<bool(const std::vector<std::shared_ptr<const LogEntry>>&)>& enough) {
    MutexLock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30), [&] { return enough(entries_); }));
    return entries_;
  }

  std::vector<std::shared_ptr<const LogEntry>> AwaitCount(size_t count) {
    return Await([count](const auto& entries) { return entries.size() >= count; });
  }

  std::vector<std::shared_ptr<const LogEntry>> AwaitMark(int64_t mark_us) {
    return Await([mark_us](const auto& entries) { return !entries.empty() && entries.back()->mark_time_us >= mark_us; });
  }

  size_t count() {
    MutexLock lock(mutex_);
    return entries_.size();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool blocked_ = false;
  std::vector<std::shared_ptr<const LogEntry>> entries_;
};

// The answers to a test's appends, by their order.
class Answers {
 public:
  EventLog::AppendCallback Next() {
    MutexLock lock(mutex_);
    const size_t index = results_.size();
    results_.emplace_back();
    return [this, index](absl::StatusOr<AppendResult> result) {
      MutexLock lock(mutex_);
      results_[index] = std::move(result);
      ++answered_;
      changed_.notify_all();
    };
  }

  std::vector<absl::StatusOr<AppendResult>> Await() {
    MutexLock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30), [&] { return answered_ == results_.size(); }));
    return results_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  size_t answered_ = 0;
  std::vector<absl::StatusOr<AppendResult>> results_;
};

class EventLogTest : public testing::Test {
 protected:
  void TearDown() override {
    if (follower_ != nullptr) follower_->Block(false);
    log_.reset();
  }

  void Open(EventLogOptions options = {.settle_us = 0, .detect_gaps = false}) {
    log_.reset();
    follower_ = std::make_unique<RecordingFollower>();
    auto log = EventLog::Open(std::move(options), store_, clock_);
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  }

  // Opens, starts and waits until the follower has the start's entries.
  void Start(EventLogOptions options = {.settle_us = 0, .detect_gaps = false}) {
    const bool holds = options.settle_us > 0;
    Open(std::move(options));
    ASSERT_TRUE(log_->Start(*follower_).ok());
    if (holds) {
      follower_->AwaitCount(1);
    } else {
      follower_->AwaitMark(clock_.NowUs());
    }
  }

  static google::protobuf::RepeatedPtrField<Event> Batch(const std::vector<Event>& events) {
    return {events.begin(), events.end()};
  }

  static google::protobuf::RepeatedPtrField<Event> LargeBatch(const std::string& prefix) {
    google::protobuf::RepeatedPtrField<Event> events;
    for (size_t i = 0; i < limits::kMaxChunkEvents; ++i) *events.Add() = TestEvent(prefix + std::to_string(i), "k");
    return events;
  }

  absl::StatusOr<AppendResult> AppendAndWait(const std::vector<Event>& events) {
    Answers answers;
    const absl::Status status = log_->Append(Batch(events), answers.Next());
    if (!status.ok()) return status;
    return answers.Await()[0];
  }

  static ControlRecord Close(const std::string& note) {
    ControlRecord control;
    control.mutable_alert_close()->set_note(note);
    return control;
  }

  // Keeps the log's thread in the follower, so that what is appended then waits in the queue.
  void HoldBack() {
    follower_->Block(true);
    const size_t before = follower_->count();
    ASSERT_TRUE(log_->AppendControl(Close("hold"), [](absl::StatusOr<LogPosition>) {}).ok());
    follower_->AwaitCount(before + 1);
  }

  SimulatedClock clock_{kTestTimeUs};
  MemoryChunkStore store_;
  std::unique_ptr<RecordingFollower> follower_;
  std::unique_ptr<EventLog> log_;
};

std::vector<int64_t> Sequences(const absl::StatusOr<AppendResult>& result) {
  std::vector<int64_t> sequences;
  if (!result.ok()) return sequences;
  for (const AppendedEvent& event : result->events) sequences.push_back(event.sequence);
  return sequences;
}

std::vector<std::string> Ids(const LogEntry& entry) {
  std::vector<std::string> ids;
  for (const AcceptedEvent& accepted : entry.events) ids.push_back(accepted.event->id());
  return ids;
}

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
  const auto result = AppendAndWait({TestEvent("a", "1"), TestEvent("a", "1"), TestEvent("b", "1"), TestEvent("a", "2")});
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
  const std::string id = follower_->AwaitCount(2).back()->events[0].event->id();
  EXPECT_EQ(id.size(), 36u);
  EXPECT_THAT(Sequences(AppendAndWait({TestEvent(id, "1")})), ElementsAre(3));
  Start();
  EXPECT_THAT(Sequences(AppendAndWait({TestEvent(id, "1")})), ElementsAre(3)) << "the client's own is recognised";
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
  for (size_t i = 0; i < results.size(); ++i) EXPECT_THAT(Sequences(results[i]), ElementsAre(i + 1));
  EXPECT_EQ(log_->Metrics().commits, commits + 1);
  EXPECT_EQ(log_->Metrics().queued_events, 0u);
}

TEST_F(EventLogTest, CopyInFlightWaitsForTheFirstsCommitAndFailsWithIt) {
  Start();
  HoldBack();
  store_.FailNextAppends(Overloaded("DISK_FULL", "full", kSecond), 1);
  Answers answers;
  ASSERT_TRUE(log_->Append(Batch({TestEvent("a", "1")}), answers.Next()).ok());
  ASSERT_TRUE(log_->Append(Batch({TestEvent("a", "1")}), answers.Next()).ok());
  follower_->Block(false);
  for (const auto& result : answers.Await()) {
    EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(DetailsOf(result.status()).reason, "DISK_FULL");
    EXPECT_TRUE(DetailsOf(result.status()).retry_after_us.has_value());
  }
  const auto retried = AppendAndWait({TestEvent("a", "1")});
  ASSERT_TRUE(retried.ok()) << retried.status();
  EXPECT_THAT(Sequences(retried), ElementsAre(1)) << "its sequence was given back";
  EXPECT_FALSE(retried->events[0].duplicate) << "its fingerprint was forgotten";
  EXPECT_FALSE(log_->Metrics().stopped);
}

TEST_F(EventLogTest, UncertainWriteStopsTheLog) {
  Start();
  HoldBack();
  store_.FailNextAppends(absl::InternalError("I/O error"), 1);
  Answers answers;
  ASSERT_TRUE(log_->Append(LargeBatch("a"), answers.Next()).ok());
  ASSERT_TRUE(log_->Append(LargeBatch("b"), answers.Next()).ok());
  follower_->Block(false);
  for (const auto& result : answers.Await()) {
    EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(DetailsOf(result.status()).reason, "LOG_STOPPED");
  }
  EXPECT_TRUE(log_->Metrics().stopped);
  const absl::Status later = log_->Append(Batch({TestEvent("c", "1")}), [](absl::StatusOr<AppendResult>) { FAIL(); });
  EXPECT_EQ(later.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(DetailsOf(later).reason, "LOG_STOPPED");
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
  ASSERT_TRUE(log_->AppendControl(Close("x"), [&](absl::StatusOr<LogPosition> p) { position.set_value(p.value()); }).ok());
  const LogPosition answered = position.get_future().get();
  EXPECT_EQ(answered, store_.LastPosition());
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

TEST_F(EventLogTest, StartThatCannotWriteFails) {
  Open();
  store_.FailNextAppends(Overloaded("DISK_FULL", "full", kSecond), 1);
  EXPECT_EQ(log_->Start(*follower_).code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(EventLogTest, BatchOfNoneOrTooManyIsRefused) {
  Start();
  auto large = LargeBatch("a");
  *large.Add() = TestEvent("x", "1");
  const auto never = [](absl::StatusOr<AppendResult>) { FAIL(); };
  EXPECT_EQ(log_->Append(std::move(large), never).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(log_->Append({}, never).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(EventLogTest, RequestedMarkIsLoggedWhenTheClockReachesItAndNotBefore) {
  Start();
  const size_t before = follower_->count();
  log_->RequestMark(kTestTimeUs + 20 * kSecond);
  log_->RequestMark(kTestTimeUs + 10 * kSecond);
  log_->RequestMark(kTestTimeUs + 15 * kSecond);
  clock_.AdvanceTo(kTestTimeUs + 10 * kSecond - 1);
  ASSERT_TRUE(AppendAndWait({TestEvent("a", "1")}).ok());
  EXPECT_EQ(follower_->AwaitCount(before + 1).back()->mark_time_us, kTestTimeUs + 10 * kSecond - 1);
  clock_.AdvanceTo(kTestTimeUs + 10 * kSecond);
  const auto entries = follower_->AwaitCount(before + 2);
  EXPECT_EQ(entries.back()->mark_time_us, kTestTimeUs + 10 * kSecond);
  EXPECT_TRUE(entries.back()->events.empty());
  clock_.AdvanceTo(kTestTimeUs + 30 * kSecond);
  ASSERT_TRUE(AppendAndWait({TestEvent("b", "1")}).ok());
  EXPECT_EQ(follower_->AwaitCount(before + 3).size(), before + 3) << "the request was used up";
}

TEST_F(EventLogTest, GroupCommitCarriesARequestedMark) {
  Start();
  HoldBack();
  log_->RequestMark(kTestTimeUs + 10 * kSecond);
  Answers answers;
  ASSERT_TRUE(log_->Append(Batch({TestEvent("a", "1")}), answers.Next()).ok());
  clock_.AdvanceTo(kTestTimeUs + 11 * kSecond);
  const size_t before = follower_->count();
  follower_->Block(false);
  answers.Await();
  EXPECT_EQ(follower_->AwaitCount(before + 1)[before]->mark_time_us, kTestTimeUs + 11 * kSecond);
}

TEST_F(EventLogTest, MarkNeverPassesWhatIsStillQueued) {
  Start();
  HoldBack();
  Answers answers;
  ASSERT_TRUE(log_->Append(LargeBatch("a"), answers.Next()).ok());
  clock_.AdvanceBy(3 * kSecond);
  ASSERT_TRUE(log_->Append(LargeBatch("b"), answers.Next()).ok());
  clock_.AdvanceBy(4 * kSecond);
  const size_t before = follower_->count();
  follower_->Block(false);
  answers.Await();
  const auto entries = follower_->AwaitCount(before + 2);
  EXPECT_EQ(entries[before]->mark_time_us, kTestTimeUs + 3 * kSecond);
  EXPECT_EQ(entries[before + 1]->events[0].receive_time_us, kTestTimeUs + 3 * kSecond);
  EXPECT_EQ(entries[before + 1]->mark_time_us, kTestTimeUs + 7 * kSecond);
  EXPECT_EQ(entries[before + 1]->write_time_us, kTestTimeUs + 7 * kSecond);
}

TEST_F(EventLogTest, ReceiveTimesNeverFallBehindTheMark) {
  Start();
  clock_.AdvanceBy(100 * kSecond);
  ASSERT_TRUE(AppendAndWait({TestEvent("a", "1")}).ok());
  clock_.StepWall(-50 * kSecond);
  ASSERT_TRUE(AppendAndWait({TestEvent("b", "1")}).ok());
  const auto entries = follower_->Await([](const auto& e) { return Ids(*e.back()) == std::vector<std::string>{"b"}; });
  EXPECT_EQ(entries.back()->events[0].receive_time_us, kTestTimeUs + 100 * kSecond);
  EXPECT_EQ(entries.back()->mark_time_us, kTestTimeUs + 100 * kSecond);
}

TEST_F(EventLogTest, MarksAreHeldForTheSettleTimeThenCatchUpInSlices) {
  Start();
  log_->Stop();
  clock_.AdvanceBy(30 * kSecond);
  Start({.settle_us = 5 * kSecond, .detect_gaps = false});
  log_->RequestMark(kTestTimeUs + kSecond);
  ASSERT_TRUE(AppendAndWait({TestEvent("a", "1")}).ok());
  clock_.AdvanceBy(5 * kSecond - 1);
  ASSERT_TRUE(AppendAndWait({TestEvent("b", "1")}).ok());
  for (const auto& entry : follower_->AwaitCount(3)) EXPECT_EQ(entry->mark_time_us, kTestTimeUs);
  clock_.AdvanceBy(1);
  const auto entries = follower_->AwaitMark(kTestTimeUs + 35 * kSecond);
  EXPECT_EQ(entries[3]->mark_time_us, kTestTimeUs + 2 * kSecond) << "a second past what was asked for";
  for (size_t i = 4; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i]->mark_time_us, entries[i - 1]->mark_time_us + kSecond);
  }
}

TEST_F(EventLogTest, StoppedProcessAndSteppedClockHoldTheMarksAnew) {
  for (const bool stepped : {false, true}) {
    Start({.settle_us = kSecond});
    // Up to date, in steps that are no gap.
    for (int i = 0; i < 6; ++i) {
      clock_.AdvanceBy(kSecond / 4);
      ASSERT_TRUE(AppendAndWait({TestEvent("", "1")}).ok());
    }
    const int64_t now_us = clock_.NowUs();
    follower_->AwaitMark(now_us);
    EXPECT_EQ(log_->Metrics().gaps, 0);
    if (stepped) {
      clock_.StepWall(5 * kSecond);
    } else {
      clock_.AdvanceBy(5 * kSecond);
    }
    while (log_->Metrics().gaps == 0) std::this_thread::yield();
    ASSERT_TRUE(AppendAndWait({TestEvent("", "1")}).ok());
    const auto entries = follower_->Await([](const auto& e) { return !e.back()->events.empty(); });
    EXPECT_EQ(entries.back()->mark_time_us, now_us) << "held";
    clock_.AdvanceBy(kSecond);
    follower_->AwaitMark(now_us + 6 * kSecond);
  }
}

TEST_F(EventLogTest, FullDiskDelaysAMarkAndDoesNotLoseIt) {
  Start();
  const size_t before = follower_->count();
  store_.FailNextAppends(Overloaded("DISK_FULL", "full", kSecond), 1);
  log_->RequestMark(kTestTimeUs + 10 * kSecond);
  clock_.AdvanceBy(10 * kSecond);
  while (true) {
    clock_.AdvanceBy(kSecond);
    if (follower_->count() > before) break;
    std::this_thread::yield();
  }
  EXPECT_GE(follower_->AwaitCount(before + 1).back()->mark_time_us, kTestTimeUs + 10 * kSecond);
}

class EventLogRestartTest : public EventLogTest, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override { std::remove(path_.c_str()); }

  EventLogOptions Options(size_t window = 1'000) const {
    return {.settle_us = 0,
            .duplicate_window_events = window,
            .duplicate_window_path = GetParam() ? path_ : "",
            .detect_gaps = false};
  }

  void Save() {
    if (!GetParam()) return;
    ASSERT_TRUE(log_->SaveDuplicateWindow().ok());
  }

  const std::string path_ = testing::TempDir() + "/event_log_window";
};

INSTANTIATE_TEST_SUITE_P(SavedOrRebuilt, EventLogRestartTest, testing::Bool());

TEST_P(EventLogRestartTest, CopiesAreRecognisedAcrossARestart) {
  Start(Options());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(AppendAndWait({TestEvent("a" + std::to_string(i), "1")}).ok());
  Save();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(AppendAndWait({TestEvent("b" + std::to_string(i), "1")}).ok());
  Start(Options());
  EXPECT_EQ(log_->Metrics().duplicate_window_events, 100);
  EXPECT_THAT(Sequences(AppendAndWait({TestEvent("a7", "1"), TestEvent("b7", "1"), TestEvent("c", "1")})),
              ElementsAre(8, 58, 101));
  EXPECT_TRUE(AppendAndWait({TestEvent("a8", "2")})->events[0].conflicting);
}

TEST_P(EventLogRestartTest, ReachIsTheSameAfterARestart) {
  Start(Options(10));
  for (int i = 1; i <= 100; ++i) ASSERT_TRUE(AppendAndWait({TestEvent(std::to_string(i), "1")}).ok());
  Save();
  Start(Options(10));
  EXPECT_EQ(log_->Metrics().duplicate_window_events, 10);
  EXPECT_EQ(log_->Metrics().duplicate_window_oldest_us, kTestTimeUs);
  EXPECT_TRUE(AppendAndWait({TestEvent("91", "1")})->events[0].duplicate);
  EXPECT_FALSE(AppendAndWait({TestEvent("90", "1")})->events[0].duplicate);
}

TEST_P(EventLogRestartTest, DamageInTheLogShortensTheReachOnly) {
  Start(Options());
  for (int i = 1; i <= 9; ++i) ASSERT_TRUE(AppendAndWait({TestEvent(std::to_string(i), "1")}).ok());
  const LogPosition last = store_.LastPosition();
  log_->Stop();
  store_.Damage(last - 3);
  Start(Options());
  EXPECT_TRUE(AppendAndWait({TestEvent("9", "1")})->events[0].duplicate);
  EXPECT_FALSE(AppendAndWait({TestEvent("2", "1")})->events[0].duplicate);
}

TEST_P(EventLogRestartTest, DamagedWindowFileIsRebuiltFromTheLog) {
  Start(Options());
  ASSERT_TRUE(AppendAndWait({TestEvent("a", "1")}).ok());
  Save();
  std::FILE* file = std::fopen(path_.c_str(), "r+b");
  if (file != nullptr) {
    std::fseek(file, 50, SEEK_SET);
    std::fputc(0x55, file);
    std::fclose(file);
  }
  Start(Options());
  EXPECT_TRUE(AppendAndWait({TestEvent("a", "1")})->events[0].duplicate);
}

TEST_F(EventLogTest, CopyAfterADayIsANewEvent) {
  Start();
  ASSERT_TRUE(AppendAndWait({TestEvent("a", "1")}).ok());
  clock_.AdvanceBy(limits::kDuplicateWindowUs);
  EXPECT_TRUE(AppendAndWait({TestEvent("a", "1")})->events[0].duplicate);
  clock_.AdvanceBy(kSecond);
  EXPECT_FALSE(AppendAndWait({TestEvent("a", "1")})->events[0].duplicate);
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
