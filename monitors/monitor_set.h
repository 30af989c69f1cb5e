// The monitors as the log has them: which revisions see an event type, and what a change means for
// the shards.
#ifndef LAPSE_MONITORS_MONITOR_SET_H_
#define LAPSE_MONITORS_MONITOR_SET_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "lapse/internal/v1/log.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/compiled_monitor.h"
#include "storage/log_entry.h"
#include "storage/state_store.h"

namespace lapse::monitors {

// A revision that sees events of a type. One that is not in force takes no primaries and sees the
// others only for keys that are live.
struct Watcher {
  const CompiledMonitor* revision = nullptr;
  bool in_force = false;
};

// What a shard must know of a monitor.
struct MonitorUpdate {
  std::string uid;
  // As it is now; of a deleted one, as it was last.
  std::shared_ptr<const lapse::v1::Monitor> monitor;
  // Not UNSPECIFIED: what is pending, of every revision, ends as CANCELLED with it.
  lapse::v1::VerdictReason cancel_reason = lapse::v1::VERDICT_REASON_UNSPECIFIED;
};

// Used by one thread at a time. Revisions live until DropUnused lets them go.
class MonitorSet {
 public:
  // The monitors as of `position`, from all changes ever in log order. Revisions made later are
  // known (FindRevision), not in force.
  absl::Status Load(const std::vector<storage::RecordedMonitorChange>& history,
                    storage::LogPosition position);

  // A revision of the history that a checkpoint has keys of; an old one sees events from now on.
  // DATA_LOSS where the history has no such revision.
  absl::StatusOr<const CompiledMonitor*> FindRevision(const std::string& uid, int64_t revision);

  // Applies a change at its place in the log. Applying one again changes nothing. A change of the
  // condition puts the new revision in force; the others become old. INVALID_ARGUMENT for a monitor
  // that cannot be compiled.
  absl::StatusOr<MonitorUpdate> Apply(const lapse::internal::v1::MonitorChange& change,
                                      storage::LogPosition position);

  // The log has been replayed: frees what only FindRevision needed, which is not called any more.
  void ForgetHistory() { known_.clear(); }

  // Who sees events of this type; valid until the next change.
  absl::Span<const Watcher> WatchersOf(absl::string_view event_type);

  // Lets old revisions without keys go, and deleted monitors without revisions, whose uids it
  // returns. Every shard has applied the log up to `applied`. To be called with a growing
  // `applied`; `routed` is the last position given out, to which shards may still hold pointers.
  std::vector<std::string> DropUnused(storage::LogPosition applied, storage::LogPosition routed);

  // Every monitor that has not been dropped, deleted ones too.
  std::vector<MonitorUpdate> Snapshot() const;

 private:
  struct Revision {
    std::shared_ptr<const CompiledMonitor> compiled;
    // Since when it takes no primaries: the position of the change that ended it.
    storage::LogPosition old_since = 0;
  };
  struct Entry {
    std::shared_ptr<const lapse::v1::Monitor> monitor;
    // 0: none is in force, since the monitor is deleted (or, while a log is replayed, not yet
    // made).
    int64_t in_force = 0;
    std::map<int64_t, Revision> revisions;
  };
  struct Dropped {
    std::shared_ptr<const CompiledMonitor> compiled;
    storage::LogPosition routed = 0;
  };

  void LoadChange(const lapse::internal::v1::MonitorChange& change, bool in_effect);
  absl::StatusOr<Revision*> Compiled(Entry& entry, const lapse::v1::Monitor& monitor);
  absl::Status PutInForce(Entry& entry, const lapse::v1::Monitor& monitor,
                          storage::LogPosition position);
  void EndInForce(Entry& entry, storage::LogPosition position);
  bool DropOldRevisions(Entry& entry, storage::LogPosition applied, storage::LogPosition routed);
  void RebuildIndex();

  // By uid; ordered, so that everything derived from it is.
  std::map<std::string, Entry> entries_;
  absl::flat_hash_map<std::string, std::vector<Watcher>> watchers_;
  bool watchers_stale_ = false;
  // The newest monitor of each (uid, revision) of the history, until compiled.
  std::map<std::pair<std::string, int64_t>, lapse::v1::Monitor> known_;
  std::vector<Dropped> dropped_;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_MONITOR_SET_H_
