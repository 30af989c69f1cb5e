// The state of a set of partitions and the single-threaded loop over it: entries of the log go in,
// alerts come out.
#ifndef LAPSE_MONITORS_SHARD_H_
#define LAPSE_MONITORS_SHARD_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "lapse/v1/alert.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/alert_builder.h"
#include "monitors/books.h"
#include "monitors/books_as_of.h"
#include "monitors/key_state.h"
#include "monitors/partition.h"
#include "monitors/shard_input.h"
#include "monitors/shard_listing.h"
#include "monitors/timer_wheel.h"
#include "storage/state_store.h"

namespace lapse::monitors {

// Takes what a shard gives out.
class ShardSink {
 public:
  virtual ~ShardSink() = default;
  // In the order in which the changes happened. May block.
  virtual void OnAlert(storage::AlertWrite write) = 0;
};

// Used by one thread at a time; no locks, no clock, no I/O.
class Shard : private TimerOwner {
 public:
  // Owns the partitions p with ShardOf(p, shard_count) == index. `sink` outlives the shard.
  Shard(uint64_t seed, int index, int shard_count, ShardSink& sink, AlertNames names = {});

  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // Before the first Apply: what was in force where the replay begins, then the partitions as their
  // checkpoints have them. A partition passes over the events and controls up to its restored
  // position.
  void RestoreStart(storage::LogPosition position, int64_t mark_time_us, const TimeRules& rules);
  void RestoreMonitor(const MonitorUpdate& update);
  void RestorePartition(int partition, Partition state);

  // Controls, then events, then the mark. Entries come in log order. What is due at the mark waits
  // for FireDue; a key that is needed before fires first, as of the mark at which it was due.
  void Take(const RoutedEntry& entry);
  // Fires up to `limit` keys that are due, oldest first. Whether more are due.
  bool FireDue(size_t limit);
  bool HasDue() { return HasDueAt(now_.mark_time_us); }
  // Whether something that was due at an earlier mark may still have to fire.
  bool HasDueAt(int64_t mark_time_us) { return deadlines_.HasDue(mark_time_us); }
  int64_t mark_time_us() const { return now_.mark_time_us; }
  // Marks at which something is due that has not fired.
  size_t pending_mark_count() const { return pending_marks_.size(); }
  // Take, and everything that is due.
  void Apply(const RoutedEntry& entry);

  // The earliest mark that would fire something; kNever where nothing waits. Now and then one that
  // would not.
  int64_t NextFireUs() { return deadlines_.NextUs(); }
  storage::LogPosition position() const { return position_; }
  size_t key_count() const;

  // Of its partitions together.
  Books SumBooks(absl::string_view monitor_uid) const;
  // The same as of this position and mark, with all that is due: whole when nothing has to fire any
  // more that is due at the mark.
  std::shared_ptr<const BooksAsOf> AwaitBooks(absl::string_view monitor_uid);

  // The partitions it owns, ascending, and their number.
  int partition_count() const { return static_cast<int>(partitions_.size()); }
  int PartitionAt(int slot) const { return slot * shard_count_ + index_; }
  Partition& partition_at(int slot) { return partitions_[slot]; }

  // Offers the expectations that `collector` asks for. The second form reads one slot, for a
  // listing over all keys.
  void ListKey(ExpectationCollector& collector) const;
  void ListSlot(int slot, ExpectationCollector& collector) const;

 private:
  using Place = Partition::Place;
  using Placed = Partition::Placed;

  // A mark at which keys are due that have not fired yet.
  struct PendingMark {
    int64_t mark_time_us = 0;
    int64_t write_time_us = 0;
  };

  // A monitor as it was before a change, for what was due by then and has not fired.
  struct FormerMonitor {
    std::string uid;
    int64_t until_mark_us = 0;
    std::shared_ptr<const lapse::v1::Monitor> monitor;
  };

  int64_t TimerAt(TimerPlace place) const override;
  std::optional<KeyTimer> ExactTimerAt(TimerPlace place) const override;
  void Prefetch(TimerPlace place) const override;

  bool Owns(const Fingerprint& key) const;
  int SlotOf(const Fingerprint& key) const { return PartitionOf(key) / shard_count_; }
  bool Passed(const Partition& partition) const {
    return partition.restored_position() >= applying_;
  }
  bool IsForgotten(const RestingKey& key) const {
    return !key.live && now_.mark_time_us >= key.last_receive_time_us + now_.idle_key_retention_us;
  }

  void ApplyControl(const RoutedControl& control);
  // Disabling and deleting look at every key of the shard.
  void ApplyMonitor(const MonitorUpdate& update);
  void ApplyTimeRules(const TimeRules& rules);
  void ApplyClose(const RoutedClose& close);
  void ApplyGone(const MonitorGone& gone);
  void CancelPending(const MonitorUpdate& update, int slot);
  // Makes order_.
  void OrderEvents(const std::vector<RoutedEvent>& events);
  void ApplyEvents(const std::vector<RoutedEvent>& events);
  void ApplyEvent(const RoutedEvent& routed);
  // The key at `place` can be forgotten: the event is the first of a new one.
  void ApplyToForgotten(const RoutedEvent& routed, Place place);
  void ApplyCount(const RoutedCount& count);
  void NoteMark(const RoutedEntry& entry);
  // The time at which what waits for the mark `at_us` fires.
  Now FiringNow(int64_t at_us) const;
  void ForgetMarksBefore(int64_t due_us);
  // For an alert that fires, as of the mark at which it was due; kNever: as it is now.
  const std::shared_ptr<const lapse::v1::Monitor>& MonitorAt(const std::string& uid,
                                                             int64_t due_us) const;
  // Fires what is due of a key and returns where and how it is then.
  Placed FireKey(int slot, Placed key);
  void ForgetIdleKeys();
  void ForgetIdleKeys(int slot);

  // Another decision on a key than an event. Returns where and how it is then.
  Placed Decide(int slot, const Placed& key, absl::FunctionRef<void(KeyState&)> decision);
  // Counts and gives out what a decision left in output_. `due_us`: when what has fired was due;
  // kNever for another decision.
  void GiveOut(const CompiledMonitor& revision, std::string_view key, Partition& partition,
               int64_t due_us = kNever);
  // A key that was like `before` is like `after` now.
  void SetTimer(int slot, const Placed& before, const Placed& after);
  ExpectationView ViewOf(const CompiledMonitor& revision, const std::string& key) const;

  const uint64_t seed_;
  const int index_;
  const int shard_count_;
  ShardSink& sink_;
  const AlertNames names_;
  AlertBuilder builder_;
  Now now_;
  storage::LogPosition position_ = 0;
  // The entry at hand.
  storage::LogPosition applying_ = 0;
  // By slot.
  std::vector<Partition> partitions_;
  absl::flat_hash_map<std::string, std::shared_ptr<const lapse::v1::Monitor>> monitors_;
  TimerWheel deadlines_;
  // Ascending.
  std::deque<PendingMark> pending_marks_;
  std::deque<FormerMonitor> former_monitors_;
  AwaitedBooks awaited_books_;
  // Where the last round of forgetting ended.
  int forget_slot_ = 0;
  // The mark at which the next look is due.
  int64_t next_forget_us_ = INT64_MIN;
  // Reused: the order in which the events of an entry are applied, by their index; where each
  // slot's end in it.
  std::vector<uint32_t> order_;
  std::vector<uint32_t> slot_ends_;
  Output output_;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_SHARD_H_
