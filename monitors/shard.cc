#include "monitors/shard.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "monitors/shard_router.h"

namespace lapse::monitors {
namespace {

// Of a TimerPlace: where the key is in its partition; the partition's slot stands before it.
constexpr int kPlaceBits = 30;
// So many events ahead what an event will need is fetched.
constexpr size_t kPrefetchPartitions = 18;
constexpr size_t kPrefetchSlots = 12;
constexpr size_t kPrefetchRecords = 6;
// Fewer are applied as they come.
constexpr size_t kMinOrderedEvents = 128;
// Keys that are looked at between two entries: well under a millisecond's worth.
constexpr size_t kForgetPerEntry = 16'384;
// Whether any can be forgotten is asked so often: every partition is looked at for it.
constexpr int64_t kForgetEveryUs = 100'000;

int CountPartitions(int index, int shard_count) {
  return (limits::kPartitionCount - index + shard_count - 1) / shard_count;
}

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

TimerPlace TimerPlaceOf(int slot, Partition::Place place) {
  return static_cast<TimerPlace>(slot) << kPlaceBits | place;
}
int SlotIn(TimerPlace place) { return static_cast<int>(place >> kPlaceBits); }
Partition::Place PlaceIn(TimerPlace place) {
  return static_cast<Partition::Place>(place & ((TimerPlace{1} << kPlaceBits) - 1));
}

// Of an event, which is mostly not longer.
void PrefetchBytes(absl::string_view bytes) {
  constexpr size_t kLineBytes = 64;
  constexpr size_t kMostBytes = 4 * kLineBytes;
  const size_t size = std::min(bytes.size(), kMostBytes);
  for (size_t at = 0; at < size; at += kLineBytes) __builtin_prefetch(bytes.data() + at);
}

}  // namespace

Shard::Shard(uint64_t seed, int index, int shard_count, ShardSink& sink, AlertNames names)
    : seed_(seed),
      index_(index),
      shard_count_(shard_count),
      sink_(sink),
      names_(names),
      builder_(names),
      deadlines_(*this) {
  const int count = CountPartitions(index, shard_count);
  partitions_.reserve(count);
  for (int slot = 0; slot < count; ++slot) partitions_.emplace_back(seed);
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
  const int slot = partition / shard_count_;
  partitions_[slot] = std::move(state);
  partitions_[slot].ForEachKey([&](Place place) {
    const RestingKey key = partitions_[slot].Look(place);
    if (key.live) deadlines_.Add(key.next_mark_us, TimerPlaceOf(slot, place));
  });
}

int64_t Shard::TimerAt(TimerPlace place) const {
  const auto key = partitions_[SlotIn(place)].LookIfKey(PlaceIn(place));
  return key.has_value() && key->live ? key->next_mark_us : kNever;
}

std::optional<KeyTimer> Shard::ExactTimerAt(TimerPlace place) const {
  const auto key = partitions_[SlotIn(place)].ResolveKey(PlaceIn(place));
  if (!key.has_value() || !key->first.live) return std::nullopt;
  return KeyTimer{key->first.next_mark_us, key->second};
}

void Shard::Prefetch(TimerPlace place) const {
  partitions_[SlotIn(place)].Prefetch(PlaceIn(place));
}

void Shard::Apply(const RoutedEntry& entry) {
  Take(entry);
  FireDue(SIZE_MAX);
  // What has just ended can be old enough to be forgotten.
  next_forget_us_ = now_.mark_time_us;
  ForgetIdleKeys();
}

void Shard::Take(const RoutedEntry& entry) {
  applying_ = entry.position;
  now_.write_time_us = entry.write_time_us;
  for (const RoutedControl& control : *entry.controls) ApplyControl(control);
  ApplyEvents(entry.events);
  for (const RoutedCount& count : entry.counts) ApplyCount(count);
  NoteMark(entry);
  ForgetIdleKeys();
  position_ = entry.position;
}

void Shard::NoteMark(const RoutedEntry& entry) {
  if (entry.mark_time_us <= now_.mark_time_us) return;
  now_.mark_time_us = entry.mark_time_us;
  if (HasDue()) pending_marks_.push_back({entry.mark_time_us, entry.write_time_us});
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
  auto& monitor = monitors_[update.uid];
  if (monitor != nullptr && HasDue()) {
    former_monitors_.push_back({update.uid, now_.mark_time_us, monitor});
  }
  monitor = update.monitor;
  if (update.cancel_reason == lapse::v1::VERDICT_REASON_UNSPECIFIED) return;
  for (int slot = 0; slot < partition_count(); ++slot) {
    if (!Passed(partitions_[slot])) CancelPending(update, slot);
  }
}

void Shard::CancelPending(const MonitorUpdate& update, int slot) {
  const Partition& partition = partitions_[slot];
  if (!partition.HasKeysOf(update.uid)) return;
  std::vector<Place> places;
  partition.ForEachKey([&](Place place) {
    if (partition.RevisionAt(place).uid() == update.uid) places.push_back(place);
  });
  for (const Place place : places) {
    const Placed key = FireKey(slot, {place, partition.Look(place)});
    // Nothing is pending where it is not live.
    if (!key.key.live) continue;
    Decide(slot, key,
           [&](KeyState& state) { state.CancelPending(update.cancel_reason, now_, output_); });
  }
}

void Shard::ApplyTimeRules(const TimeRules& rules) {
  // What could be forgotten by the old rules is gone, also where nobody has looked.
  if (rules.idle_key_retention_us != now_.idle_key_retention_us) {
    for (int slot = 0; slot < partition_count(); ++slot) ForgetIdleKeys(slot);
  }
  now_.settle_us = rules.settle_us;
  now_.idle_key_retention_us = rules.idle_key_retention_us;
}

void Shard::ApplyClose(const RoutedClose& close) {
  if (!Owns(close.key)) return;
  const int slot = SlotOf(close.key);
  Partition& partition = partitions_[slot];
  if (Passed(partition)) return;
  const Place place = partition.Find(close.key);
  if (place == Partition::kNowhere) return;
  const Placed key = FireKey(slot, {place, partition.Look(place)});
  if (!key.key.live) return;
  Decide(slot, key, [&](KeyState& state) {
    state.CloseAlert(close.primary_sequence, close.note, now_, output_);
  });
}

void Shard::ApplyGone(const MonitorGone& gone) {
  monitors_.erase(gone.uid);
  for (Partition& partition : partitions_) partition.DropBooks(gone.uid);
}

// By partition, and in each as they are given: what an event needs of its partition is then mostly
// near. Keys of different partitions have nothing to do with each other.
void Shard::OrderEvents(const std::vector<RoutedEvent>& events) {
  order_.resize(events.size());
  std::iota(order_.begin(), order_.end(), 0u);
  if (events.size() < kMinOrderedEvents) return;
  slot_ends_.assign(static_cast<size_t>(partition_count()) + 1, 0);
  for (const RoutedEvent& event : events) ++slot_ends_[SlotOf(event.fingerprint) + 1];
  std::partial_sum(slot_ends_.begin(), slot_ends_.end(), slot_ends_.begin());
  for (uint32_t i = 0; i < events.size(); ++i) {
    order_[slot_ends_[SlotOf(events[i].fingerprint)]++] = i;
  }
}

void Shard::ApplyEvents(const std::vector<RoutedEvent>& events) {
  OrderEvents(events);
  for (size_t i = 0; i < order_.size(); ++i) {
    if (i + kPrefetchPartitions < order_.size()) {
      const RoutedEvent& ahead = events[order_[i + kPrefetchPartitions]];
      partitions_[SlotOf(ahead.fingerprint)].PrefetchSelf();
      __builtin_prefetch(ahead.event);
    }
    if (i + kPrefetchSlots < order_.size()) {
      const RoutedEvent& ahead = events[order_[i + kPrefetchSlots]];
      partitions_[SlotOf(ahead.fingerprint)].PrefetchSlot(ahead.fingerprint);
      __builtin_prefetch(ahead.event->event);
    }
    if (i + kPrefetchRecords < order_.size()) {
      const RoutedEvent& ahead = events[order_[i + kPrefetchRecords]];
      partitions_[SlotOf(ahead.fingerprint)].PrefetchRecord(ahead.fingerprint);
      PrefetchBytes(ahead.event->event->bytes());
    }
    ApplyEvent(events[order_[i]]);
  }
}

void Shard::ApplyEvent(const RoutedEvent& routed) {
  const int slot = SlotOf(routed.fingerprint);
  Partition& partition = partitions_[slot];
  if (Passed(partition)) return;
  const Partition::KeyName name(partition, routed.fingerprint, *routed.revision, routed.key);
  Placed before;
  before.place = partition.Find(name);
  if (before.place != Partition::kNowhere) {
    before.key = partition.Look(before.place);
    before = FireKey(slot, before);
    if (IsForgotten(before.key)) return ApplyToForgotten(routed, before.place);
  }
  if (!routed.in_force && !before.key.live) return;
  const storage::AcceptedEvent& event = *routed.event;
  const Placed after = partition.OnEvent(
      before, name,
      KeyEvent{routed.role, event.sequence, event.time_us, event.receive_time_us, event.event},
      now_, output_);
  SetTimer(slot, before, after);
  GiveOut(*routed.revision, routed.key, partition);
}

void Shard::ApplyToForgotten(const RoutedEvent& routed, Place place) {
  partitions_[SlotOf(routed.fingerprint)].Erase(place, routed.fingerprint);
  ApplyEvent(routed);
}

void Shard::ApplyCount(const RoutedCount& count) {
  Partition& partition = partitions_[count.partition / shard_count_];
  if (Passed(partition)) return;
  Books& books = partition.BooksOf(count.monitor_uid);
  books.no_key += count.no_key;
  books.conflicts += count.conflicts;
  partition.MarkDirty();
}

bool Shard::FireDue(size_t limit) {
  for (size_t fired = 0; fired < limit; ++fired) {
    const auto due = deadlines_.PopDue(now_.mark_time_us);
    if (!due.has_value()) {
      pending_marks_.clear();
      former_monitors_.clear();
      return false;
    }
    ForgetMarksBefore(due->at_us);
    const int slot = SlotIn(due->place);
    const Place place = PlaceIn(due->place);
    FireKey(slot, {place, partitions_[slot].Look(place)});
  }
  return HasDue();
}

void Shard::ForgetMarksBefore(int64_t due_us) {
  while (pending_marks_.size() > 1 && pending_marks_.front().mark_time_us < due_us) {
    pending_marks_.pop_front();
  }
  while (!former_monitors_.empty() && former_monitors_.front().until_mark_us < due_us) {
    former_monitors_.pop_front();
  }
}

Now Shard::FiringNow(int64_t at_us) const {
  Now now = now_;
  const auto mark = std::lower_bound(
      pending_marks_.begin(), pending_marks_.end(), at_us,
      [](const PendingMark& pending, int64_t time_us) { return pending.mark_time_us < time_us; });
  if (mark == pending_marks_.end()) return now;
  now.mark_time_us = mark->mark_time_us;
  now.write_time_us = mark->write_time_us;
  return now;
}

Partition::Placed Shard::FireKey(int slot, Placed key) {
  while (key.key.live && key.key.next_mark_us <= now_.mark_time_us) {
    Partition& partition = partitions_[slot];
    const Partition::KeyInfo info = partition.InfoAt(key.place);
    const Placed after = partition.OnMark(key, info, FiringNow(key.key.next_mark_us), output_);
    SetTimer(slot, key, after);
    GiveOut(*info.revision, info.text, partition, key.key.next_mark_us);
    key = after;
  }
  return key;
}

void Shard::ForgetIdleKeys() {
  if (now_.mark_time_us < next_forget_us_) return;
  size_t looked_at = 0;
  for (int i = 0; i < partition_count(); ++i) {
    // The rest comes with the next entry.
    if (looked_at >= kForgetPerEntry) return;
    forget_slot_ = forget_slot_ + 1 < partition_count() ? forget_slot_ + 1 : 0;
    const Partition& partition = partitions_[forget_slot_];
    if (partition.NextForgetUs(now_.idle_key_retention_us) > now_.mark_time_us) continue;
    looked_at += partition.key_count();
    ForgetIdleKeys(forget_slot_);
  }
  next_forget_us_ = now_.mark_time_us + kForgetEveryUs;
}

void Shard::ForgetIdleKeys(int slot) {
  Partition& partition = partitions_[slot];
  if (Passed(partition) || !partition.ForgetIdle(now_)) return;
  partition.ForEachKey([&](Place place) {
    const RestingKey key = partition.Look(place);
    if (key.live) SetTimer(slot, {Partition::kNowhere, key}, {place, key});
  });
}

Partition::Placed Shard::Decide(int slot, const Placed& key,
                                absl::FunctionRef<void(KeyState&)> decision) {
  Partition& partition = partitions_[slot];
  const Partition::KeyInfo info = partition.InfoAt(key.place);
  const Placed after = partition.Decide(key, info, decision);
  SetTimer(slot, key, after);
  GiveOut(*info.revision, info.text, partition);
  return after;
}

void Shard::GiveOut(const CompiledMonitor& revision, std::string_view key, Partition& partition,
                    int64_t due_us) {
  if (output_.transitions.empty() && output_.ignored == 0 && output_.stragglers == 0) return;
  Books& books = partition.BooksOf(revision);
  books.ignored += output_.ignored;
  books.stragglers += output_.stragglers;
  for (const Transition& transition : output_.transitions) {
    books.Count(transition);
    awaited_books_.CountFired(revision.uid(), due_us, transition);
    if (!transition.has_alert) continue;
    sink_.OnAlert(storage::AlertWrite{
        builder_.Build(MonitorAt(revision.uid(), due_us), revision, key, transition),
        transition.alert.notify});
  }
  output_.transitions.clear();
  output_.ignored = 0;
  output_.stragglers = 0;
}

const std::shared_ptr<const lapse::v1::Monitor>& Shard::MonitorAt(const std::string& uid,
                                                                  int64_t due_us) const {
  for (const FormerMonitor& former : former_monitors_) {
    if (due_us <= former.until_mark_us && uid == former.uid) return former.monitor;
  }
  return monitors_.at(uid);
}

void Shard::SetTimer(int slot, const Placed& before, const Placed& after) {
  const bool stays =
      before.place == after.place && before.key.next_mark_us == after.key.next_mark_us;
  if (before.key.live && after.key.live && stays) return;
  if (before.key.live) deadlines_.Clear(before.key.next_mark_us);
  if (after.key.live) deadlines_.Add(after.key.next_mark_us, TimerPlaceOf(slot, after.place));
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

std::shared_ptr<const BooksAsOf> Shard::AwaitBooks(absl::string_view monitor_uid) {
  return awaited_books_.Await({.monitor_uid = std::string(monitor_uid),
                               .position = position_,
                               .mark_time_us = now_.mark_time_us,
                               .books = SumBooks(monitor_uid)});
}

ExpectationView Shard::ViewOf(const CompiledMonitor& revision, const std::string& key) const {
  return ExpectationView{monitors_.at(revision.uid())->name(), revision, key, names_};
}

void Shard::ListKey(ExpectationCollector& collector) const {
  const ExpectationQuery& query = collector.query();
  const auto monitor = monitors_.find(query.monitor_uid);
  if (monitor == monitors_.end()) return;
  for (int64_t revision = 1; revision <= monitor->second->revision(); ++revision) {
    const Fingerprint key =
        FingerprintOf(seed_, {query.monitor_uid, absl::StrCat(revision), query.key});
    if (!Owns(key)) continue;
    const Partition& partition = partitions_[SlotOf(key)];
    const Place place = partition.Find(key);
    if (place == Partition::kNowhere || IsForgotten(partition.Look(place))) continue;
    const ExpectationView view = ViewOf(partition.RevisionAt(place), query.key);
    partition.ForEachExpectation(
        place, [&](const ListedExpectation& listed) { collector.Offer(view, listed); });
  }
}

void Shard::ListSlot(int slot, ExpectationCollector& collector) const {
  const Partition& partition = partitions_[slot];
  if (!partition.HasKeysOf(collector.query().monitor_uid)) return;
  partition.ForEachKey([&](Place place) {
    const CompiledMonitor& revision = partition.RevisionAt(place);
    if (revision.uid() != collector.query().monitor_uid) return;
    if (IsForgotten(partition.Look(place))) return;
    const std::string key = partition.InfoAt(place).text;
    const ExpectationView view = ViewOf(revision, key);
    partition.ForEachExpectation(
        place, [&](const ListedExpectation& listed) { collector.Offer(view, listed); });
  });
}

}  // namespace lapse::monitors
