// What the tests of the event log share: a log over a store in memory, on a simulated clock.
#ifndef LAPSE_STORAGE_EVENT_LOG_FIXTURE_H_
#define LAPSE_STORAGE_EVENT_LOG_FIXTURE_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "gtest/gtest.h"
#include "storage/event_log.h"
#include "storage/memory/chunk_store.h"
#include "storage/test_entries.h"

namespace lapse::storage {

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
    EXPECT_TRUE(
        changed_.wait_for(lock, std::chrono::seconds(30), [&] { return enough(entries_); }));
    return entries_;
  }

  std::vector<std::shared_ptr<const LogEntry>> AwaitCount(size_t count) {
    return Await([count](const auto& entries) { return entries.size() >= count; });
  }

  std::vector<std::shared_ptr<const LogEntry>> AwaitMark(int64_t mark_us) {
    return Await([mark_us](const auto& entries) {
      return !entries.empty() && entries.back()->mark_time_us >= mark_us;
    });
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
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30),
                                  [&] { return answered_ == results_.size(); }));
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

  static EventBatch Batch(const std::vector<lapse::v1::Event>& events) {
    return EventBatch::Of({events.begin(), events.end()});
  }

  static EventBatch LargeBatch(const std::string& prefix) {
    EventBatch events;
    for (size_t i = 0; i < limits::kMaxChunkEvents; ++i)
      events.AddCopy(TestEvent(prefix + std::to_string(i), "k"));
    return events;
  }

  absl::StatusOr<AppendResult> AppendAndWait(const std::vector<lapse::v1::Event>& events) {
    Answers answers;
    const absl::Status status = log_->Append(Batch(events), answers.Next());
    if (!status.ok()) return status;
    return answers.Await()[0];
  }

  static lapse::internal::v1::ControlRecord Close(const std::string& note) {
    lapse::internal::v1::ControlRecord control;
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

inline std::vector<int64_t> Sequences(const absl::StatusOr<AppendResult>& result) {
  std::vector<int64_t> sequences;
  if (!result.ok()) return sequences;
  for (const AppendedEvent& event : result->events) sequences.push_back(event.sequence);
  return sequences;
}

inline std::vector<std::string> Ids(const LogEntry& entry) {
  std::vector<std::string> ids;
  for (const AcceptedEvent& accepted : entry.events) ids.emplace_back(accepted.event->id());
  return ids;
}

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_EVENT_LOG_FIXTURE_H_
