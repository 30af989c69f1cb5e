// A log entry as one shard sees it: what the router found for the shard's partitions.
#ifndef LAPSE_MONITORS_SHARD_INPUT_H_
#define LAPSE_MONITORS_SHARD_INPUT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/fingerprint.h"
#include "monitors/compiled_monitor.h"
#include "monitors/monitor_set.h"
#include "storage/log_entry.h"

namespace lapse::monitors {

// From ServerStart.
struct TimeRules {
  int64_t settle_us = 0;
  int64_t idle_key_retention_us = 0;
};

struct RoutedClose {
  Fingerprint key;
  int64_t primary_sequence = 0;
  std::string note;
};

// A deleted monitor that has no keys left: its books go.
struct MonitorGone {
  std::string uid;
};

using RoutedControl = std::variant<MonitorUpdate, TimeRules, RoutedClose, MonitorGone>;

struct RoutedEvent {
  Fingerprint fingerprint;
  std::string key;
  const CompiledMonitor* revision = nullptr;
  // False: the revision is old and only keys that are live see it.
  bool in_force = false;
  Role role = Role::kPrimary;
  const storage::AcceptedEvent* event = nullptr;
};

// Counted for a monitor in its home partition.
struct RoutedCount {
  int partition = 0;
  std::string monitor_uid;
  int64_t no_key = 0;
  int64_t conflicts = 0;
};

struct RoutedEntry {
  storage::LogPosition position = 0;
  int64_t write_time_us = 0;
  int64_t mark_time_us = 0;
  // In this order, before the mark. Controls are the same for all shards.
  std::shared_ptr<const std::vector<RoutedControl>> controls;
  std::vector<RoutedEvent> events;
  std::vector<RoutedCount> counts;
  // Owns the events; unset where the caller keeps them until the entry is applied.
  std::shared_ptr<const storage::LogEntry> owner;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_SHARD_INPUT_H_
