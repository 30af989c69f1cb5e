#include <algorithm>
#include <utility>

#include "base/proto_time.h"
#include "base/status_macros.h"
#include "storage/memory/state_store.h"
#include "storage/state_store_rules.h"

namespace lapse::storage {

using lapse::v1::Alert;
using lapse::v1::Delivery;
using lapse::v1::Notifier;

int64_t MemoryStateStore::AddDelivery(const Notifier& notifier, int64_t time_us) {
  const int64_t number = ++last_delivery_;
  StoredDelivery& stored = deliveries_[number];
  stored.notifier = notifier.name();
  stored.create_time_us = time_us;
  stored.next_try_time_us = time_us;
  stored.delivery.set_name(DeliveryName(notifier.name(), number));
  stored.delivery.set_state(Delivery::STATE_PENDING);
  SetTimestamp(time_us, stored.delivery.mutable_create_time());
  SetTimestamp(time_us, stored.delivery.mutable_next_try_time());
  pending_[notifier.name()].insert(number);
  return number;
}

void MemoryStateStore::WaitFor(int64_t number, int64_t waits_for) {
  deliveries_.at(number).waits_for = waits_for;
  if (waits_for != 0) deliveries_.at(waits_for).waiting.push_back(number);
}

void MemoryStateStore::MakeDeliveries(const Alert& alert, int64_t time_us) {
  const std::set<std::string> names(alert.notifiers().begin(), alert.notifiers().end());
  for (const std::string& name : names) {
    const auto notifier = notifiers_.find(name);
    if (notifier == notifiers_.end()) continue;
    const int64_t number = AddDelivery(notifier->second, time_us);
    StoredDelivery& stored = deliveries_.at(number);
    stored.delivery.set_alert(alert.name());
    stored.delivery.set_alert_version(alert.version());
    stored.delivery.set_idempotency_key(
        AlertDeliveryKey(alert.name(), alert.version(), NotifierIdentity(notifier->second)));
    stored.told.push_back(alert);
    WaitFor(number, UnfinishedBefore(alert.name(), name));
    newest_delivery_[{alert.name(), name}] = number;
  }
}

int64_t MemoryStateStore::UnfinishedBefore(const std::string& alert,
                                           const std::string& notifier) const {
  const auto newest = newest_delivery_.find({alert, notifier});
  int64_t number = newest == newest_delivery_.end() ? 0 : newest->second;
  while (number != 0) {
    const auto it = deliveries_.find(number);
    if (it == deliveries_.end()) return 0;
    if (it->second.delivery.state() == Delivery::STATE_PENDING) return number;
    number = it->second.digest;
  }
  return 0;
}

bool MemoryStateStore::IsDue(int64_t number, int64_t now_us) const {
  const StoredDelivery& stored = deliveries_.at(number);
  return stored.waits_for == 0 && stored.next_try_time_us <= now_us;
}

std::vector<int64_t> MemoryStateStore::DueNumbers(const std::string& notifier,
                                                  int64_t now_us) const {
  std::vector<int64_t> numbers;
  const auto pending = pending_.find(notifier);
  if (pending == pending_.end()) return numbers;
  std::copy_if(pending->second.begin(), pending->second.end(), std::back_inserter(numbers),
               [&](int64_t number) { return IsDue(number, now_us); });
  std::stable_sort(numbers.begin(), numbers.end(), [&](int64_t a, int64_t b) {
    return deliveries_.at(a).next_try_time_us < deliveries_.at(b).next_try_time_us;
  });
  return numbers;
}

absl::StatusOr<std::vector<DueDelivery>> MemoryStateStore::ListDueDeliveries(
    const std::string& notifier, int64_t now_us, int limit) {
  MutexLock lock(mutex_);
  std::vector<DueDelivery> due;
  for (int64_t number : DueNumbers(notifier, now_us)) {
    if (static_cast<int>(due.size()) >= limit) break;
    const StoredDelivery& stored = deliveries_.at(number);
    DueDelivery& delivery = due.emplace_back();
    delivery.delivery = stored.delivery;
    if (stored.delivery.digested_count() > 0) {
      delivery.samples = stored.told;
    } else {
      delivery.alert = stored.told.front();
    }
  }
  return due;
}

absl::StatusOr<int64_t> MemoryStateStore::CountDueDeliveries(const std::string& notifier,
                                                             int64_t now_us) {
  MutexLock lock(mutex_);
  return static_cast<int64_t>(DueNumbers(notifier, now_us).size());
}

absl::StatusOr<int64_t> MemoryStateStore::NextTryTimeUs() {
  MutexLock lock(mutex_);
  int64_t next_us = INT64_MAX;
  for (const auto& [notifier, numbers] : pending_) {
    for (int64_t number : numbers) {
      const StoredDelivery& stored = deliveries_.at(number);
      if (stored.waits_for == 0) next_us = std::min(next_us, stored.next_try_time_us);
    }
  }
  return next_us;
}

absl::StatusOr<std::vector<std::string>> MemoryStateStore::ListNotifiersWithDue(int64_t now_us) {
  MutexLock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [notifier, numbers] : pending_) {
    if (!DueNumbers(notifier, now_us).empty()) names.push_back(notifier);
  }
  return names;
}

absl::StatusOr<MemoryStateStore::StoredDelivery*> MemoryStateStore::FindDelivery(
    const std::string& name) {
  ASSIGN_OR_RETURN(const DeliveryId id, ParseDeliveryName(name));
  const auto it = deliveries_.find(id.number);
  if (it == deliveries_.end() || it->second.notifier != id.notifier) return DeliveryNotFound(name);
  return &it->second;
}

absl::Status MemoryStateStore::RecordTry(const std::string& delivery_name,
                                         const lapse::v1::DeliveryTry& attempt,
                                         Delivery::State state, int64_t next_try_time_us) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(StoredDelivery * stored, FindDelivery(delivery_name));
  AppendTry(attempt, &stored->delivery);
  const Delivery::State after = StateAfterTry(stored->delivery.state(), state);
  if (after == Delivery::STATE_PENDING) {
    stored->next_try_time_us = next_try_time_us;
    SetTimestamp(next_try_time_us, stored->delivery.mutable_next_try_time());
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const DeliveryId id, ParseDeliveryName(delivery_name));
  EndDelivery(id.number, after, 0);
  return absl::OkStatus();
}

void MemoryStateStore::EndDelivery(int64_t number, Delivery::State state, int64_t instead) {
  StoredDelivery& stored = deliveries_.at(number);
  stored.delivery.set_state(state);
  stored.delivery.clear_next_try_time();
  stored.waits_for = 0;
  stored.told.clear();
  pending_[stored.notifier].erase(number);
  for (int64_t other : std::exchange(stored.waiting, {})) {
    const auto waiting = deliveries_.find(other);
    const bool waits = waiting != deliveries_.end() && waiting->second.waits_for == number;
    if (waits) WaitFor(other, instead);
  }
}

std::set<int64_t> MemoryStateStore::DigestMembers(const std::string& notifier,
                                                  int64_t now_us) const {
  const std::vector<int64_t> due = DueNumbers(notifier, now_us);
  std::set<int64_t> members(due.begin(), due.end());
  std::vector<int64_t> open = due;
  while (!open.empty()) {
    const int64_t number = open.back();
    open.pop_back();
    for (int64_t other : deliveries_.at(number).waiting) {
      const auto waiting = deliveries_.find(other);
      const bool follows = waiting != deliveries_.end() && waiting->second.waits_for == number &&
                           waiting->second.next_try_time_us <= now_us;
      if (follows && members.insert(other).second) open.push_back(other);
    }
  }
  return members;
}

absl::StatusOr<Delivery> MemoryStateStore::MakeDigest(const std::string& notifier, int64_t now_us) {
  MutexLock lock(mutex_);
  const std::set<int64_t> members = DigestMembers(notifier, now_us);
  if (members.empty()) return NothingDue(notifier);
  const int64_t number = AddDelivery(notifiers_.at(notifier), now_us);
  StoredDelivery& digest = deliveries_.at(number);
  int32_t count = 0;
  DigestSamples samples;
  for (auto it = members.rbegin(); it != members.rend(); ++it) {
    StoredDelivery& member = deliveries_.at(*it);
    count += std::max(1, member.delivery.digested_count());
    std::for_each(member.told.rbegin(), member.told.rend(),
                  [&](const Alert& alert) { samples.Add(alert); });
    member.digest = number;
    member.delivery.set_digest(digest.delivery.name());
    EndDelivery(*it, Delivery::STATE_DIGESTED, number);
  }
  digest.told = std::move(samples).Take();
  digest.delivery.set_digested_count(count);
  digest.delivery.set_idempotency_key(
      DigestDeliveryKey(number, NotifierIdentity(notifiers_.at(notifier))));
  return digest.delivery;
}

absl::StatusOr<std::vector<DeliveryStore::ListedDelivery>> MemoryStateStore::ListDeliveries(
    const std::string& notifier, const std::string& alert,
    const std::vector<Delivery::State>& states, int64_t before, int limit) {
  MutexLock lock(mutex_);
  std::vector<ListedDelivery> listed;
  for (auto it = deliveries_.lower_bound(before);
       it != deliveries_.begin() && static_cast<int>(listed.size()) < limit;) {
    --it;
    const StoredDelivery& stored = it->second;
    const bool state_matches = states.empty() || std::find(states.begin(), states.end(),
                                                           stored.delivery.state()) != states.end();
    if ((notifier.empty() || stored.notifier == notifier) &&
        (alert.empty() || stored.delivery.alert() == alert) && state_matches) {
      listed.push_back({it->first, stored.delivery});
    }
  }
  return listed;
}

absl::StatusOr<int> MemoryStateStore::TrimDeliveries(int64_t older_than_us, int limit) {
  MutexLock lock(mutex_);
  int dropped = 0;
  for (auto it = deliveries_.begin(); it != deliveries_.end() && dropped < limit;) {
    const StoredDelivery& stored = it->second;
    if (stored.delivery.state() == Delivery::STATE_PENDING ||
        stored.create_time_us >= older_than_us) {
      ++it;
      continue;
    }
    const auto newest = newest_delivery_.find({stored.delivery.alert(), stored.notifier});
    if (newest != newest_delivery_.end() && newest->second == it->first) {
      newest_delivery_.erase(newest);
    }
    it = deliveries_.erase(it);
    ++dropped;
  }
  return dropped;
}

}  // namespace lapse::storage
