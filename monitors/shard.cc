#include "monitors/shard.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "monitors/alert_builder.h"
#include "monitors/shard_router.h"

namespace lapse::monitors {
namespace {

int CountPartitions(int index, int shard_count) {
  return (limits::kPartitionCount - index + shard_count - 1) / shard_count;
}

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

}  // namespace

Shard::Shard(uint64_t seed, int index, int shard_count, ShardSink& sink)
    : seed_(seed), index_(index), shard_count_(shard_count), sink_(sink) {
  partitions_.resize(CountPartitions(index, shard_count));
}

void Shard::RestoreStart(storage::LogPosition position, int64_t mark_time_us,
                         const TimeRules& rules) {
  position_ = position;
  now_.mark_time_us = mark_time_us;
  now_.settle_us = rules.settle_us;
  now_.idle_key_retention_us = rules.idle_key_retention_us;
}

void Shard::RestoreMonitor(const MonitorUpdate& update) { monitors_[update.uid] = update.monitor; }

void Shard::RestorePartition(int partition, Partition state) {
  Partition& slot = partitions_[partition / shard_count_];
  slot = std::move(state);
  slot.ForEachKey(
      [this](const Fingerprint& fingerprint, KeyEntry& entry) { SetTimer(fingerprint, entry); });
}

void Shard::Apply(const RoutedEntry& entry) {
  applying_ = entry.position;
  now_.write_time_us = entry.write_time_us;
  for (const RoutedControl& control : *entry.controls) ApplyControl(control);
  for (const RoutedEvent& event : entry.events) ApplyEvent(event);
  for (const RoutedCount& count : entry.counts) ApplyCount(count);
  now_.mark_time_us = std::max(now_.mark_time_us, entry.mark_time_us);
  FireDeadlines();
  ForgetIdleKeys();
  position_ = entry.position;
}

bool Shard::Owns(const Fingerprint& key) const {
  return ShardOf(PartitionOf(key), shard_count_) == index_;
}

void Shard::ApplyControl(const RoutedControl& control) {
  std::visit(Overloaded{
                 [this](const MonitorUpdate& update) { ApplyMonitor(update); },
                 [this](const TimeRules& rules) { ApplyTimeRules(rules); },
                 [this](const RoutedClose& close) { ApplyClose(close); },
                 [this](const MonitorGone& gone) { ApplyGone(gone); },
             },
             control);
}

void Shard::ApplyMonitor(const MonitorUpdate& update) {
  monitors_[update.uid] = update.monitor;
  if (update.cancel_reason == lapse::v1::VERDICT_REASON_UNSPECIFIED) return;
  for (Partition& partition : partitions_) {
    if (!Passed(partition)) CancelPending(update, partition);
  }
}

void Shard::CancelPending(const MonitorUpdate& update, Partition& partition) {
  partition.ForEachKey([&](const Fingerprint& fingerprint, KeyEntry& entry) {
    if (entry.revision->uid() != update.uid) return;
    entry.state->CancelPending(update.cancel_reason, now_, output_);
    Finish(fingerprint, entry, partition);
  });
}

void Shard::ApplyTimeRules(const TimeRules& rules) {
  const bool keeps_retention = rules.idle_key_retention_us == now_.idle_key_retention_us;
  now_.settle_us = rules.settle_us;
  now_.idle_key_retention_us = rules.idle_key_retention_us;
  if (keeps_retention) return;
  for (Partition& partition : partitions_) {
    partition.ForEachKey(
        [this](const Fingerprint& fingerprint, KeyEntry& entry) { SetTimer(fingerprint, entry); });
  }
}

void Shard::ApplyClose(const RoutedClose& close) {
  if (!Owns(close.key)) return;
  Partition& partition = PartitionFor(close.key);
  KeyEntry* entry = partition.Find(close.key);
  if (entry == nullptr || Passed(partition)) return;
  if (!entry->state->CloseAlert(close.primary_sequence, close.note, now_, output_)) return;
  Finish(close.key, *entry, partition);
}

void Shard::ApplyGone(const MonitorGone& gone) {
  monitors_.erase(gone.uid);
  for (Partition& partition : partitions_) partition.DropBooks(gone.uid);
}

void Shard::ApplyEvent(const RoutedEvent& routed) {
  Partition& partition = PartitionFor(routed.fingerprint);
  if (Passed(partition)) return;
  KeyEntry* entry = partition.Find(routed.fingerprint);
  if (!routed.in_force && (entry == nullptr || !entry->state->IsLive())) return;
  if (entry == nullptr) entry = &partition.Add(routed.fingerprint, *routed.revision, routed.key);
  const storage::AcceptedEvent& event = *routed.event;
  entry->last_receive_us = event.receive_time_us;
  entry->state->OnEvent(
      KeyEvent{routed.role, event.sequence, event.time_us, event.receive_time_us, event.event},
      now_, output_);
  Finish(routed.fingerprint, *entry, partition);
}

void Shard::ApplyCount(const RoutedCount& count) {
  Partition& partition = partitions_[count.partition / shard_count_];
  if (Passed(partition)) return;
  Books& books = partition.BooksOf(count.monitor_uid);
  books.no_key += count.no_key;
  books.conflicts += count.conflicts;
  partition.MarkDirty();
}

void Shard::FireDeadlines() {
  while (const auto due = deadlines_.PopDue(now_.mark_time_us)) {
    Partition& partition = PartitionFor(*due);
    KeyEntry& entry = *partition.Find(*due);
    entry.timer_us = kNever;
    entry.state->OnMark(now_, output_);
    Finish(*due, entry, partition);
    if (MayForget(entry, partition)) Forget(*due, entry, partition);
  }
}

bool Shard::MayForget(const KeyEntry& entry, const Partition& partition) const {
  return !Passed(partition) && entry.state->IsForgettable(now_);
}

void Shard::Forget(const Fingerprint& fingerprint, KeyEntry& entry, Partition& partition) {
  ClearTimer(fingerprint, entry);
  partition.Erase(fingerprint);
  partition.MarkDirty();
}

void Shard::ForgetIdleKeys() {
  while (const auto idle = idle_keys_.PopDue(now_.mark_time_us)) {
    Partition& partition = PartitionFor(*idle);
    KeyEntry& entry = *partition.Find(*idle);
    entry.timer_us = kNever;
    if (MayForget(entry, partition)) {
      Forget(*idle, entry, partition);
    } else {
      SetTimer(*idle, entry);
    }
  }
}

void Shard::Finish(const Fingerprint& fingerprint, KeyEntry& entry, Partition& partition) {
  partition.MarkDirty();
  GiveOut(entry, partition);
  SetTimer(fingerprint, entry);
}

void Shard::GiveOut(const KeyEntry& entry, Partition& partition) {
  if (output_.transitions.empty() && output_.ignored == 0 && output_.stragglers == 0) return;
  Books& books = partition.BooksOf(entry.revision->uid());
  books.ignored += output_.ignored;
  books.stragglers += output_.stragglers;
  for (const Transition& transition : output_.transitions) {
    books.Count(transition);
    if (!transition.has_alert) continue;
    sink_.OnAlert(storage::AlertWrite{
        BuildAlert(*monitors_.at(entry.revision->uid()), *entry.revision, entry.key, transition),
        transition.alert.notify});
  }
  output_.transitions.clear();
  output_.ignored = 0;
  output_.stragglers = 0;
}

void Shard::SetTimer(const Fingerprint& fingerprint, KeyEntry& entry) {
  Now then = now_;
  then.mark_time_us = entry.state->NextMarkUs(now_);
  bool forgets = then.mark_time_us == kNever;
  if (forgets) {
    // Not at the present mark, which has been looked at.
    then.mark_time_us =
        std::max(entry.last_receive_us + now_.idle_key_retention_us, now_.mark_time_us + 1);
  } else {
    forgets = entry.state->IsForgettable(then);
  }
  const int64_t at_us = then.mark_time_us;
  if (at_us == entry.timer_us && forgets == entry.timer_forgets) return;
  ClearTimer(fingerprint, entry);
  TimersOf(forgets).Add(at_us, fingerprint);
  entry.timer_us = at_us;
  entry.timer_forgets = forgets;
}

void Shard::ClearTimer(const Fingerprint& fingerprint, KeyEntry& entry) {
  if (entry.timer_us == kNever) return;
  TimersOf(entry.timer_forgets).Remove(entry.timer_us, fingerprint);
}

size_t Shard::key_count() const {
  size_t count = 0;
  for (const Partition& partition : partitions_) count += partition.key_count();
  return count;
}

Books Shard::SumBooks(absl::string_view monitor_uid) const {
  Books sum;
  for (const Partition& partition : partitions_) {
    if (const Books* books = partition.FindBooks(monitor_uid)) sum.AddAll(*books);
  }
  return sum;
}

ExpectationView Shard::ViewOf(const KeyEntry& entry) const {
  return ExpectationView{monitors_.at(entry.revision->uid())->name(), *entry.revision, entry.key};
}

void Shard::ListKey(ExpectationCollector& collector) const {
  const ExpectationQuery& query = collector.query();
  const auto monitor = monitors_.find(query.monitor_uid);
  if (monitor == monitors_.end()) return;
  for (int64_t revision = 1; revision <= monitor->second->revision(); ++revision) {
    const Fingerprint key =
        FingerprintOf(seed_, {query.monitor_uid, absl::StrCat(revision), query.key});
    if (!Owns(key)) continue;
    const KeyEntry* entry = partitions_[PartitionOf(key) / shard_count_].Find(key);
    if (entry == nullptr) continue;
    const ExpectationView view = ViewOf(*entry);
    entry->state->ForEach([&](const ListedExpectation& listed) { collector.Offer(view, listed); });
  }
}

void Shard::ListSlot(int slot, ExpectationCollector& collector) const {
  partitions_[slot].ForEachKey([&](const Fingerprint&, const KeyEntry& entry) {
    if (entry.revision->uid() != collector.query().monitor_uid) return;
    const ExpectationView view = ViewOf(entry);
    entry.state->ForEach([&](const ListedExpectation& listed) { collector.Offer(view, listed); });
  });
}

}  // namespace lapse::monitors
