// An alert store that can be made to fail as a disk does, and a listener that remembers. For tests.
#ifndef LAPSE_MONITORS_TEST_ALERTS_H_
#define LAPSE_MONITORS_TEST_ALERTS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "gtest/gtest.h"
#include "monitors/sharded_matcher.h"
#include "storage/memory/state_store.h"

namespace lapse::monitors {

inline absl::Status DiskFull() {
  return Overloaded("DISK_FULL", "the disk is full", limits::kMicrosPerSecond);
}

// The real store in memory, behind a disk that fails.
class FailingAlertStore : public storage::MemoryStateStore {
 public:
  // The next `count` commits fail with `status`; nothing of them is stored.
  void FailCommits(absl::Status status, int count) {
    MutexLock lock(mutex_);
    status_ = std::move(status);
    count_ = count;
  }

  absl::StatusOr<storage::CommittedAlerts> CommitAlerts(
      const std::vector<storage::AlertWrite>& writes, int64_t time_us) override {
    {
      MutexLock lock(mutex_);
      if (count_ > 0) {
        --count_;
        return status_;
      }
    }
    return MemoryStateStore::CommitAlerts(writes, time_us);
  }

 private:
  Mutex mutex_;
  absl::Status status_;
  int count_ = 0;
};

class RecordingListener : public MatcherListener {
 public:
  struct Seen {
    storage::FeedPosition committed = 0;
    int held_up = 0;
    bool held_up_over = false;
    absl::Status failed;
    absl::Status matcher_failed;
    storage::LogPosition checkpointed = 0;
    int checkpoints = 0;
  };

  Seen Get() const {
    MutexLock lock(mutex_);
    return seen_;
  }
  storage::FeedPosition committed() const { return Get().committed; }

  // Fails the test after a long time.
  void WaitFor(const std::function<bool(const Seen&)>& condition) {
    MutexLock lock(mutex_);
    EXPECT_TRUE(
        changed_.wait_for(lock, std::chrono::seconds(60), [&] { return condition(seen_); }));
  }

  void OnAlertsCommitted(storage::FeedPosition last) override {
    Update([&](Seen& seen) { seen.committed = last; });
  }
  void OnAlertsHeldUp(const absl::Status& status) override {
    Update([&](Seen& seen) {
      if (status.ok()) seen.held_up_over = true;
      if (!status.ok()) ++seen.held_up;
    });
  }
  void OnAlertsFailed(const absl::Status& status) override {
    Update([&](Seen& seen) { seen.failed = status; });
  }
  void OnMatcherFailed(const absl::Status& status) override {
    Update([&](Seen& seen) { seen.matcher_failed = status; });
  }
  void OnCheckpointed(storage::LogPosition position) override {
    Update([&](Seen& seen) {
      seen.checkpointed = position;
      ++seen.checkpoints;
    });
  }

 private:
  void Update(const std::function<void(Seen&)>& update) {
    MutexLock lock(mutex_);
    update(seen_);
    changed_.notify_all();
  }

  mutable Mutex mutex_;
  CondVar changed_;
  Seen seen_;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_TEST_ALERTS_H_
