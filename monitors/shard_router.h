// Finds for each entry of the log which shard must see what of it.
#ifndef LAPSE_MONITORS_SHARD_ROUTER_H_
#define LAPSE_MONITORS_SHARD_ROUTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "monitors/monitor_set.h"
#include "monitors/shard_input.h"
#include "storage/log_entry.h"

namespace lapse::monitors {

// The shard that owns a partition.
inline int ShardOf(int partition, int shard_count) { return partition % shard_count; }

// Used by one thread at a time, in log order. Pointers in what it returns are valid while
// `monitors` keeps its revisions.
class ShardRouter {
 public:
  // `monitors` outlives the router.
  ShardRouter(uint64_t seed, int shard_count, MonitorSet& monitors)
      : seed_(seed), shard_count_(shard_count), monitors_(monitors) {}

  // One entry for each shard, by its number. `owner` keeps `entry` alive; without one the caller
  // does. Fails where a monitor change cannot be applied.
  absl::StatusOr<std::vector<RoutedEntry>> Route(const storage::LogEntry& entry,
                                                 std::shared_ptr<const storage::LogEntry> owner);

  // To be told to every shard with the next entry.
  void TellGone(std::vector<std::string> monitor_uids);

 private:
  using Counts = absl::flat_hash_map<std::string, RoutedCount>;

  absl::StatusOr<std::shared_ptr<const std::vector<RoutedControl>>> RouteControls(
      const storage::LogEntry& entry);
  RoutedControl RouteClose(const lapse::internal::v1::AlertClose& close) const;
  void RouteEvent(const storage::AcceptedEvent& event, std::vector<RoutedEntry>& routed,
                  Counts& counts);
  void RouteRoles(const storage::AcceptedEvent& event, const Watcher& watcher,
                  Classification& classification, std::vector<RoutedEntry>& routed) const;
  void CountConflict(const storage::ConflictingCopy& copy, Counts& counts);
  RoutedCount& CountOf(const CompiledMonitor& revision, Counts& counts) const;

  const uint64_t seed_;
  const int shard_count_;
  MonitorSet& monitors_;
  std::vector<std::string> gone_;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_SHARD_ROUTER_H_
