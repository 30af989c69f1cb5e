#include <utility>

#include "base/status_macros.h"
#include "storage/memory/state_store.h"
#include "storage/state_store_rules.h"

namespace lapse::storage {

using lapse::v1::Alert;

absl::StatusOr<CommittedAlerts> MemoryStateStore::CommitAlerts(
    const std::vector<AlertWrite>& writes, int64_t time_us) {
  std::vector<Alert> alerts;
  for (const AlertWrite& write : writes) {
    ASSIGN_OR_RETURN(alerts.emplace_back(), write.alert.Parse());
  }
  MutexLock lock(mutex_);
  CommittedAlerts committed;
  for (size_t i = 0; i < writes.size(); ++i) {
    if (IsStored(writes[i].alert)) continue;
    StoreChange(alerts[i], time_us);
    ++committed.count;
    if (writes[i].notify) MakeDeliveries(alerts[i], time_us);
  }
  committed.last = LastPosition();
  return committed;
}

bool MemoryStateStore::IsStored(const EncodedAlert& alert) const {
  const auto it = first_positions_.find(alert.name());
  return it != first_positions_.end() && alerts_.at(it->second).alert.version() >= alert.version();
}

void MemoryStateStore::StoreChange(const Alert& alert, int64_t time_us) {
  const FeedPosition position = LastPosition() + 1;
  const FeedPosition first = first_positions_.try_emplace(alert.name(), position).first->second;
  StoredChange change{FeedChange{position, time_us, alert}, first};
  StoredAlert& stored = alerts_[first];
  if (first != position) {
    change.previous_position = stored.last_position;
    change.previous = std::move(stored.alert);
  }
  stored = StoredAlert{alert, position};
  feed_.push_back(std::move(change));
}

absl::StatusOr<Alert> MemoryStateStore::GetAlert(const std::string& name) {
  MutexLock lock(mutex_);
  const auto it = first_positions_.find(name);
  if (it == first_positions_.end()) return AlertNotFound(name);
  return alerts_.at(it->second).alert;
}

absl::StatusOr<AlertStore::AlertList> MemoryStateStore::ListAlerts(
    absl::FunctionRef<bool(const Alert&)> matches, FeedPosition before, int limit, int scan_limit) {
  MutexLock lock(mutex_);
  AlertList list;
  FeedPosition reached = before;
  int scanned = 0;
  for (auto it = alerts_.lower_bound(before); it != alerts_.begin(); ++scanned) {
    if (scanned == scan_limit || static_cast<int>(list.alerts.size()) == limit) {
      list.next_before = reached;
      break;
    }
    --it;
    reached = it->first;
    if (matches(it->second.alert)) list.alerts.push_back({it->first, it->second.alert});
  }
  return list;
}

absl::StatusOr<FeedInfo> MemoryStateStore::GetFeedInfo() {
  MutexLock lock(mutex_);
  return FeedInfo{feed_id_, LastPosition(), trimmed_through_};
}

absl::StatusOr<std::vector<FeedChange>> MemoryStateStore::ReadFeed(FeedPosition after, int limit) {
  MutexLock lock(mutex_);
  if (after < trimmed_through_) return FeedTrimmed(after, trimmed_through_);
  std::vector<FeedChange> changes;
  for (size_t i = static_cast<size_t>(after - trimmed_through_);
       i < feed_.size() && static_cast<int>(changes.size()) < limit; ++i) {
    changes.push_back(feed_[i].change);
  }
  return changes;
}

absl::StatusOr<std::vector<AlertStore::ListedAlert>> MemoryStateStore::ReadFiringAt(
    FeedPosition at, FeedPosition after_first, int limit) {
  MutexLock lock(mutex_);
  if (at < trimmed_through_) return FeedTrimmed(at, trimmed_through_);
  std::map<FeedPosition, const Alert*> as_of_then;
  for (const auto& [first, stored] : alerts_) {
    if (stored.last_position <= at) as_of_then[first] = &stored.alert;
  }
  for (const StoredChange& change : feed_) {
    const bool replaced_it = change.previous && change.previous_position <= at;
    if (replaced_it && change.change.position > at) {
      as_of_then[change.first_position] = &*change.previous;
    }
  }
  std::vector<ListedAlert> firing;
  for (auto it = as_of_then.upper_bound(after_first);
       it != as_of_then.end() && static_cast<int>(firing.size()) < limit; ++it) {
    if (it->second->state() == Alert::STATE_FIRING) firing.push_back({it->first, *it->second});
  }
  return firing;
}

absl::StatusOr<int> MemoryStateStore::TrimFeed(int64_t older_than_us, int limit) {
  MutexLock lock(mutex_);
  int drop = 0;
  for (int i = 0; i < limit && i < static_cast<int>(feed_.size()); ++i) {
    if (feed_[i].change.change_time_us < older_than_us) drop = i + 1;
  }
  feed_.erase(feed_.begin(), feed_.begin() + drop);
  trimmed_through_ += drop;
  return drop;
}

}  // namespace lapse::storage
