// The timers of one shard: each key has at most one.
#ifndef LAPSE_MONITORS_SHARD_TIMERS_H_
#define LAPSE_MONITORS_SHARD_TIMERS_H_

#include <compare>
#include <cstdint>
#include <optional>

#include "absl/container/btree_set.h"
#include "base/fingerprint.h"
#include "monitors/key_state.h"

namespace lapse::monitors {

// Used by one thread at a time.
class ShardTimers {
 public:
  void Add(int64_t at_us, const Fingerprint& key) { timers_.insert(Timer{at_us, key}); }
  void Remove(int64_t at_us, const Fingerprint& key) { timers_.erase(Timer{at_us, key}); }

  // Takes out the oldest with a time up to `mark_us`.
  std::optional<Fingerprint> PopDue(int64_t mark_us) {
    if (NextUs() > mark_us || timers_.empty()) return std::nullopt;
    const Fingerprint key = timers_.begin()->key;
    timers_.erase(timers_.begin());
    return key;
  }

  // kNever where there are none.
  int64_t NextUs() const { return timers_.empty() ? kNever : timers_.begin()->at_us; }
  size_t size() const { return timers_.size(); }

 private:
  struct Timer {
    int64_t at_us = 0;
    Fingerprint key;
    auto operator<=>(const Timer&) const = default;
    bool operator==(const Timer&) const = default;
  };

  // At equal times by key, so that a replay fires in the same order.
  absl::btree_set<Timer> timers_;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_SHARD_TIMERS_H_
