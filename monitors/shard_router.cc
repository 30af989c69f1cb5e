#include "monitors/shard_router.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/fingerprint.h"
#include "base/status_macros.h"
#include "monitors/partition.h"

namespace lapse::monitors {

using lapse::internal::v1::ControlRecord;

absl::StatusOr<std::vector<RoutedEntry>> ShardRouter::Route(
    const storage::LogEntry& entry, std::shared_ptr<const storage::LogEntry> owner) {
  ASSIGN_OR_RETURN(const auto controls, RouteControls(entry));
  std::vector<RoutedEntry> routed(shard_count_);
  for (RoutedEntry& shard : routed) {
    shard.position = entry.position;
    shard.write_time_us = entry.write_time_us;
    shard.mark_time_us = entry.mark_time_us;
    shard.controls = controls;
    shard.owner = owner;
    shard.events.reserve(entry.events.size() / static_cast<size_t>(shard_count_));
  }
  Counts counts;
  for (const storage::AcceptedEvent& event : entry.events) RouteEvent(event, routed, counts);
  for (const storage::ConflictingCopy& copy : entry.conflicts) CountConflict(copy, counts);
  for (auto& [uid, count] : counts) {
    routed[ShardOf(count.partition, shard_count_)].counts.push_back(std::move(count));
  }
  return routed;
}

void ShardRouter::TellGone(std::vector<std::string> monitor_uids) {
  gone_.insert(gone_.end(), monitor_uids.begin(), monitor_uids.end());
}

absl::StatusOr<std::shared_ptr<const std::vector<RoutedControl>>> ShardRouter::RouteControls(
    const storage::LogEntry& entry) {
  auto controls = std::make_shared<std::vector<RoutedControl>>();
  for (std::string& uid : gone_) controls->push_back(MonitorGone{std::move(uid)});
  gone_.clear();
  for (const ControlRecord& record : entry.controls) {
    switch (record.kind_case()) {
      case ControlRecord::kMonitorChange: {
        ASSIGN_OR_RETURN(MonitorUpdate update,
                         monitors_.Apply(record.monitor_change(), entry.position));
        controls->push_back(std::move(update));
        break;
      }
      case ControlRecord::kAlertClose:
        controls->push_back(RouteClose(record.alert_close()));
        break;
      case ControlRecord::kServerStart:
        controls->push_back(TimeRules{record.server_start().settle_us(),
                                      record.server_start().idle_key_retention_us()});
        break;
      case ControlRecord::KIND_NOT_SET:
        break;
    }
  }
  return controls;
}

RoutedControl ShardRouter::RouteClose(const lapse::internal::v1::AlertClose& close) const {
  const Fingerprint key =
      FingerprintOf(seed_, {close.monitor_uid(), absl::StrCat(close.revision()), close.key()});
  return RoutedClose{key, close.primary_sequence(), close.note()};
}

void ShardRouter::RouteEvent(const storage::AcceptedEvent& event, std::vector<RoutedEntry>& routed,
                             Counts& counts) {
  for (const Watcher& watcher : monitors_.WatchersOf(event.event->type())) {
    Classification classification = watcher.revision->Classify(event);
    RouteRoles(event, watcher, classification, routed);
    // An old revision would count it once more.
    if (classification.no_key && watcher.in_force) ++CountOf(*watcher.revision, counts).no_key;
  }
}

void ShardRouter::RouteRoles(const storage::AcceptedEvent& event, const Watcher& watcher,
                             Classification& classification,
                             std::vector<RoutedEntry>& routed) const {
  for (KeyRole& role : classification.roles) {
    if (role.role == Role::kPrimary && !watcher.in_force) continue;
    const Fingerprint fingerprint = watcher.revision->KeyFingerprint(seed_, role.key);
    RoutedEntry& shard = routed[ShardOf(PartitionOf(fingerprint), shard_count_)];
    shard.events.push_back(RoutedEvent{fingerprint, std::move(role.key), watcher.revision,
                                       watcher.in_force, role.role, &event});
  }
}

void ShardRouter::CountConflict(const storage::ConflictingCopy& copy, Counts& counts) {
  for (const Watcher& watcher : monitors_.WatchersOf(copy.event_type)) {
    if (watcher.in_force) ++CountOf(*watcher.revision, counts).conflicts;
  }
}

RoutedCount& ShardRouter::CountOf(const CompiledMonitor& revision, Counts& counts) const {
  RoutedCount& count = counts[revision.uid()];
  if (count.monitor_uid.empty()) {
    count.monitor_uid = revision.uid();
    count.partition = HomePartitionOf(seed_, revision.uid());
  }
  return count;
}

}  // namespace lapse::monitors
