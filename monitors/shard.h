// The state of a set of partitions and the single-threaded loop over it: entries of the log go in,
// alerts come out.
#ifndef LAPSE_MONITORS_SHARD_H_
#define LAPSE_MONITORS_SHARD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "lapse/v1/alert.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/books.h"
#include "monitors/key_state.h"
#include "monitors/partition.h"
#include "monitors/shard_input.h"
#include "monitors/shard_listing.h"
#include "monitors/shard_timers.h"
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
class Shard {
 public:
  // Owns the partitions p with ShardOf(p, shard_count) == index. `sink` outlives the shard.
  Shard(uint64_t seed, int index, int shard_count, ShardSink& sink);

  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // Before the first Apply: what was in force where the replay begins, then the partitions as their
  // checkpoints have them. A partition passes over the events and controls up to its restored
  // position.
  void RestoreStart(storage::LogPosition position, int64_t mark_time_us, const TimeRules& rules);
  void RestoreMonitor(const MonitorUpdate& update);
  void RestorePartition(int partition, Partition state);

  // Controls, then events, then the mark: everything that is due fires, oldest first. Entries come
  // in log order.
  void Apply(const RoutedEntry& entry);

  // The earliest mark that would fire something; kNever where nothing waits.
  int64_t NextFireUs() const { return deadlines_.NextUs(); }
  storage::LogPosition position() const { return position_; }
  size_t key_count() const;

  // Of its partitions together.
  Books SumBooks(absl::string_view monitor_uid) const;

  // The partitions it owns, ascending, and their number.
  int partition_count() const { return static_cast<int>(partitions_.size()); }
  int PartitionAt(int slot) const { return slot * shard_count_ + index_; }
  Partition& partition_at(int slot) { return partitions_[slot]; }

  // Offers the expectations that `collector` asks for. The second form reads one slot, for a
  // listing over all keys.
  void ListKey(ExpectationCollector& collector) const;
  void ListSlot(int slot, ExpectationCollector& collector) const;

 private:
  bool Owns(const Fingerprint& key) const;
  Partition& PartitionFor(const Fingerprint& key) {
    return partitions_[PartitionOf(key) / shard_count_];
  }
  bool Passed(const Partition& partition) const {
    return partition.restored_position() >= applying_;
  }

  void ApplyControl(const RoutedControl& control);
  // Disabling and deleting look at every key of the shard.
  void ApplyMonitor(const MonitorUpdate& update);
  void ApplyTimeRules(const TimeRules& rules);
  void ApplyClose(const RoutedClose& close);
  void ApplyGone(const MonitorGone& gone);
  void CancelPending(const MonitorUpdate& update, Partition& partition);
  void ApplyEvent(const RoutedEvent& routed);
  void ApplyCount(const RoutedCount& count);
  void FireDeadlines();
  void ForgetIdleKeys();
  bool MayForget(const KeyEntry& entry, const Partition& partition) const;
  void Forget(const Fingerprint& fingerprint, KeyEntry& entry, Partition& partition);

  // Counts and gives out what a decision on `entry` left in output_, and sets the key's timer anew.
  void Finish(const Fingerprint& fingerprint, KeyEntry& entry, Partition& partition);
  void GiveOut(const KeyEntry& entry, Partition& partition);
  void SetTimer(const Fingerprint& fingerprint, KeyEntry& entry);
  void ClearTimer(const Fingerprint& fingerprint, KeyEntry& entry);
  ShardTimers& TimersOf(bool forgets) { return forgets ? idle_keys_ : deadlines_; }
  ExpectationView ViewOf(const KeyEntry& entry) const;

  const uint64_t seed_;
  const int index_;
  const int shard_count_;
  ShardSink& sink_;
  Now now_;
  storage::LogPosition position_ = 0;
  // The entry at hand.
  storage::LogPosition applying_ = 0;
  // By slot.
  std::vector<Partition> partitions_;
  absl::flat_hash_map<std::string, std::shared_ptr<const lapse::v1::Monitor>> monitors_;
  ShardTimers deadlines_;
  ShardTimers idle_keys_;
  // Reused.
  Output output_;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_SHARD_H_
