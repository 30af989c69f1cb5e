// Hears of a matcher's failures and checkpoints.
#ifndef LAPSE_TEST_CONFORMANCE_LISTENER_H_
#define LAPSE_TEST_CONFORMANCE_LISTENER_H_

#include "absl/status/status.h"
#include "base/mutex.h"
#include "monitors/sharded_matcher.h"
#include "test/conformance/waiting.h"

namespace lapse::conformance {

// Thread-safe.
class Listener : public monitors::MatcherListener {
 public:
  void OnAlertsCommitted(storage::FeedPosition) override {}
  void OnAlertsHeldUp(const absl::Status& status) override { Note(status); }
  void OnAlertsFailed(const absl::Status& status) override { Note(status); }
  void OnMatcherFailed(const absl::Status& status) override { Note(status); }

  void OnCheckpointed(storage::LogPosition position) override {
    MutexLock lock(mutex_);
    checkpointed_ = position;
    changed_.notify_all();
  }

  absl::Status WaitForCheckpoint(storage::LogPosition position) {
    MutexLock lock(mutex_);
    return WaitUntil(lock, changed_, "a checkpoint",
                     [this, position] { return checkpointed_ >= position; });
  }

  // The first failure.
  absl::Status status() {
    MutexLock lock(mutex_);
    return status_;
  }

 private:
  void Note(const absl::Status& status) {
    MutexLock lock(mutex_);
    status_.Update(status);
  }

  Mutex mutex_;
  CondVar changed_;
  storage::LogPosition checkpointed_ = 0;
  absl::Status status_;
};

}  // namespace lapse::conformance

#endif  // LAPSE_TEST_CONFORMANCE_LISTENER_H_
