// Stands between the log and a matcher, and sees how far the log's time has come.
#ifndef LAPSE_TEST_CONFORMANCE_MARK_WATCHER_H_
#define LAPSE_TEST_CONFORMANCE_MARK_WATCHER_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "base/mutex.h"
#include "storage/event_log.h"
#include "test/conformance/waiting.h"

namespace lapse::conformance {

// Thread-safe.
class MarkWatcher : public storage::LogFollower {
 public:
  // `next` outlives it.
  explicit MarkWatcher(storage::LogFollower& next) : next_(next) {}

  void OnEntry(std::shared_ptr<const storage::LogEntry> entry) override {
    const int64_t mark_us = entry->mark_time_us;
    next_.OnEntry(std::move(entry));
    MutexLock lock(mutex_);
    mark_us_ = mark_us;
    changed_.notify_all();
  }

  // Until an entry with that mark, or a later one, was given on.
  absl::Status WaitForMark(int64_t mark_us) {
    MutexLock lock(mutex_);
    return WaitUntil(lock, changed_, "a time mark",
                     [this, mark_us] { return mark_us_ >= mark_us; });
  }

 private:
  storage::LogFollower& next_;
  Mutex mutex_;
  CondVar changed_;
  int64_t mark_us_ = 0;
};

}  // namespace lapse::conformance

#endif  // LAPSE_TEST_CONFORMANCE_MARK_WATCHER_H_
