#include "storage/memory/state_store.h"

#include "storage/state_store_rules.h"

namespace lapse::storage {

using lapse::internal::v1::MonitorChange;
using lapse::v1::EventType;
using lapse::v1::Monitor;
using lapse::v1::Notifier;

MemoryStateStore::MemoryStateStore() : feed_id_(NewFeedId()) {}

absl::Status MemoryStateStore::RecordMonitorChange(const RecordedMonitorChange& change,
                                                   int64_t time_us) {
  MutexLock lock(mutex_);
  const bool added =
      monitor_history_.try_emplace({change.position, change.index}, change, time_us).second;
  if (!added) return absl::OkStatus();
  const Monitor& monitor = change.change.monitor();
  if (change.change.action() == MonitorChange::ACTION_DELETE) {
    monitors_.erase(monitor.name());
  } else {
    monitors_[monitor.name()] = monitor;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Monitor>> MemoryStateStore::LoadMonitors() {
  MutexLock lock(mutex_);
  std::vector<Monitor> monitors;
  for (const auto& [name, monitor] : monitors_) monitors.push_back(monitor);
  return monitors;
}

absl::StatusOr<std::vector<RecordedMonitorChange>> MemoryStateStore::LoadMonitorHistory() {
  MutexLock lock(mutex_);
  std::vector<RecordedMonitorChange> history;
  for (const auto& [place, change] : monitor_history_) history.push_back(change.recorded);
  return history;
}

absl::StatusOr<Monitor> MemoryStateStore::FindMonitorByRequestId(const std::string& request_id,
                                                                 int64_t since_us) {
  MutexLock lock(mutex_);
  for (auto it = monitor_history_.rbegin(); it != monitor_history_.rend(); ++it) {
    const MonitorChange& change = it->second.recorded.change;
    if (change.action() == MonitorChange::ACTION_CREATE && !request_id.empty() &&
        change.request_id() == request_id && it->second.time_us >= since_us) {
      return change.monitor();
    }
  }
  return RequestNotFound(request_id);
}

absl::Status MemoryStateStore::CreateNotifier(const Notifier& notifier,
                                              const std::string& request_id, int64_t time_us) {
  MutexLock lock(mutex_);
  if (!notifiers_.try_emplace(notifier.name(), notifier).second) {
    return NotifierExists(notifier.name());
  }
  if (!request_id.empty()) notifier_requests_[request_id] = {time_us, notifier};
  return absl::OkStatus();
}

absl::Status MemoryStateStore::UpdateNotifier(const Notifier& notifier,
                                              const std::string& expected_etag) {
  MutexLock lock(mutex_);
  const auto it = notifiers_.find(notifier.name());
  if (it == notifiers_.end()) return NotifierNotFound(notifier.name());
  if (!expected_etag.empty() && it->second.etag() != expected_etag) {
    return EtagStale(notifier.name());
  }
  it->second = notifier;
  return absl::OkStatus();
}

absl::Status MemoryStateStore::DeleteNotifier(const std::string& name,
                                              const std::string& expected_etag) {
  MutexLock lock(mutex_);
  const auto it = notifiers_.find(name);
  if (it == notifiers_.end()) return NotifierNotFound(name);
  if (!expected_etag.empty() && it->second.etag() != expected_etag) return EtagStale(name);
  const std::set<int64_t> pending = pending_[name];
  for (int64_t number : pending) EndDelivery(number, lapse::v1::Delivery::STATE_DEAD, 0);
  pending_.erase(name);
  notifiers_.erase(it);
  return absl::OkStatus();
}

absl::StatusOr<Notifier> MemoryStateStore::GetNotifier(const std::string& name) {
  MutexLock lock(mutex_);
  const auto it = notifiers_.find(name);
  if (it == notifiers_.end()) return NotifierNotFound(name);
  return it->second;
}

absl::StatusOr<std::vector<Notifier>> MemoryStateStore::ListNotifiers(const std::string& after_name,
                                                                      int limit) {
  MutexLock lock(mutex_);
  std::vector<Notifier> notifiers;
  for (auto it = notifiers_.upper_bound(after_name);
       it != notifiers_.end() && static_cast<int>(notifiers.size()) < limit; ++it) {
    notifiers.push_back(it->second);
  }
  return notifiers;
}

absl::StatusOr<Notifier> MemoryStateStore::FindNotifierByRequestId(const std::string& request_id,
                                                                   int64_t since_us) {
  MutexLock lock(mutex_);
  const auto it = notifier_requests_.find(request_id);
  if (it == notifier_requests_.end() || it->second.time_us < since_us) {
    return RequestNotFound(request_id);
  }
  return it->second.notifier;
}

absl::Status MemoryStateStore::SaveEventTypes(const std::vector<EventType>& changed,
                                              LogPosition position) {
  MutexLock lock(mutex_);
  for (const EventType& type : changed) event_types_[type.type()] = type;
  event_types_position_ = position;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<EventType>> MemoryStateStore::LoadEventTypes(LogPosition* position) {
  MutexLock lock(mutex_);
  *position = event_types_position_;
  std::vector<EventType> types;
  for (const auto& [name, type] : event_types_) types.push_back(type);
  return types;
}

}  // namespace lapse::storage
