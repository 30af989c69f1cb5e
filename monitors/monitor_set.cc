#include "monitors/monitor_set.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/status_macros.h"

namespace lapse::monitors {
namespace {

using lapse::internal::v1::MonitorChange;
using lapse::v1::Monitor;
using storage::LogPosition;

lapse::v1::VerdictReason CancelReason(MonitorChange::Action action) {
  switch (action) {
    case MonitorChange::ACTION_DISABLE:
      return lapse::v1::VERDICT_REASON_MONITOR_DISABLED;
    case MonitorChange::ACTION_DELETE:
      return lapse::v1::VERDICT_REASON_MONITOR_DELETED;
    default:
      return lapse::v1::VERDICT_REASON_UNSPECIFIED;
  }
}

}  // namespace

absl::Status MonitorSet::Load(const std::vector<storage::RecordedMonitorChange>& history,
                              LogPosition position) {
  for (const storage::RecordedMonitorChange& recorded : history) {
    LoadChange(recorded.change, recorded.position <= position);
  }
  for (auto& [uid, entry] : entries_) {
    if (entry.in_force == 0) continue;
    RETURN_IF_ERROR(PutInForce(entry, *entry.monitor, position));
  }
  watchers_stale_ = true;
  return absl::OkStatus();
}

void MonitorSet::LoadChange(const MonitorChange& change, bool in_effect) {
  const Monitor& monitor = change.monitor();
  Entry& entry = entries_[monitor.uid()];
  if (change.action() == MonitorChange::ACTION_DELETE) {
    if (in_effect) entry.in_force = 0;
    return;
  }
  known_[{monitor.uid(), monitor.revision()}] = monitor;
  // Nothing is shown of a monitor before its create takes effect.
  if (entry.monitor == nullptr || in_effect) {
    entry.monitor = std::make_shared<const Monitor>(monitor);
  }
  if (in_effect) entry.in_force = monitor.revision();
}

absl::StatusOr<const CompiledMonitor*> MonitorSet::FindRevision(const std::string& uid,
                                                                int64_t revision) {
  const auto known = known_.find({uid, revision});
  if (known == known_.end()) {
    return MakeError(absl::StatusCode::kDataLoss, "MONITOR_HISTORY_INCOMPLETE",
                     absl::StrCat("a checkpoint has keys of revision ", revision, " of monitor ",
                                  uid, ", which the monitors' history does not have"));
  }
  ASSIGN_OR_RETURN(Revision * found, Compiled(entries_[uid], known->second));
  watchers_stale_ = true;
  return found->compiled.get();
}

absl::StatusOr<MonitorSet::Revision*> MonitorSet::Compiled(Entry& entry, const Monitor& monitor) {
  Revision& revision = entry.revisions[monitor.revision()];
  if (revision.compiled == nullptr) {
    absl::StatusOr<std::shared_ptr<const CompiledMonitor>> compiled =
        CompiledMonitor::Compile(monitor);
    if (!compiled.ok()) {
      entry.revisions.erase(monitor.revision());
      return std::move(compiled).status();
    }
    revision.compiled = *std::move(compiled);
  }
  return &revision;
}

absl::Status MonitorSet::PutInForce(Entry& entry, const Monitor& monitor, LogPosition position) {
  RETURN_IF_ERROR(Compiled(entry, monitor).status());
  if (entry.in_force != monitor.revision()) EndInForce(entry, position);
  entry.in_force = monitor.revision();
  return absl::OkStatus();
}

void MonitorSet::EndInForce(Entry& entry, LogPosition position) {
  const auto found = entry.revisions.find(entry.in_force);
  if (found != entry.revisions.end()) found->second.old_since = position;
  entry.in_force = 0;
}

absl::StatusOr<MonitorUpdate> MonitorSet::Apply(const MonitorChange& change, LogPosition position) {
  const Monitor& monitor = change.monitor();
  Entry& entry = entries_[monitor.uid()];
  if (change.action() == MonitorChange::ACTION_DELETE) {
    EndInForce(entry, position);
    if (entry.monitor == nullptr) entry.monitor = std::make_shared<const Monitor>(monitor);
  } else {
    RETURN_IF_ERROR(PutInForce(entry, monitor, position));
    entry.monitor = std::make_shared<const Monitor>(monitor);
  }
  watchers_stale_ = true;
  return MonitorUpdate{monitor.uid(), entry.monitor, CancelReason(change.action())};
}

void MonitorSet::RebuildIndex() {
  watchers_stale_ = false;
  watchers_.clear();
  for (const auto& [uid, entry] : entries_) {
    if (entry.in_force == 0 || entry.monitor->disabled()) continue;
    for (const auto& [number, revision] : entry.revisions) {
      // A revision that the log has not reached yet sees nothing.
      if (number > entry.in_force) continue;
      for (const std::string& type : revision.compiled->event_types()) {
        watchers_[type].push_back(Watcher{revision.compiled.get(), number == entry.in_force});
      }
    }
  }
}

absl::Span<const Watcher> MonitorSet::WatchersOf(absl::string_view event_type) {
  if (watchers_stale_) RebuildIndex();
  const auto found = watchers_.find(event_type);
  if (found == watchers_.end()) return {};
  return found->second;
}

bool MonitorSet::DropOldRevisions(Entry& entry, LogPosition applied, LogPosition routed) {
  bool any = false;
  for (auto at = entry.revisions.begin(); at != entry.revisions.end();) {
    const Revision& revision = at->second;
    // Keys of an old revision are never added, once every shard knows that it is old.
    const bool is_old = at->first < entry.in_force || entry.in_force == 0;
    if (!is_old || revision.old_since > applied || revision.compiled->KeyCount() > 0) {
      ++at;
      continue;
    }
    dropped_.push_back(Dropped{revision.compiled, routed});
    at = entry.revisions.erase(at);
    any = true;
  }
  return any;
}

std::vector<std::string> MonitorSet::DropUnused(LogPosition applied, LogPosition routed) {
  std::erase_if(dropped_, [applied](const Dropped& dropped) { return dropped.routed <= applied; });
  std::vector<std::string> gone;
  bool any = false;
  for (auto at = entries_.begin(); at != entries_.end();) {
    any |= DropOldRevisions(at->second, applied, routed);
    if (at->second.in_force == 0 && at->second.revisions.empty()) {
      gone.push_back(at->first);
      at = entries_.erase(at);
    } else {
      ++at;
    }
  }
  watchers_stale_ |= any;
  return gone;
}

std::vector<MonitorUpdate> MonitorSet::Snapshot() const {
  std::vector<MonitorUpdate> updates;
  for (const auto& [uid, entry] : entries_) {
    if (entry.monitor != nullptr) updates.push_back(MonitorUpdate{uid, entry.monitor});
  }
  return updates;
}

}  // namespace lapse::monitors
