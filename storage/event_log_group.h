// A group commit in the making.
#ifndef LAPSE_STORAGE_EVENT_LOG_GROUP_H_
#define LAPSE_STORAGE_EVENT_LOG_GROUP_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "storage/duplicate_window.h"
#include "storage/event_log_queue.h"
#include "storage/log_entry.h"

namespace lapse::storage {

// Requests on their way through a commit, and the entry that is made of them. Used by one
// thread at a time.
struct LogGroup {
  std::vector<QueuedRequest> requests;
  std::shared_ptr<LogEntry> entry;
  // Of the copies among the events.
  std::vector<ConflictingCopy> conflicts;
  int64_t duplicates = 0;
  // What the clock said when the entry's mark was decided, and whether an entry is due for the
  // mark's sake.
  int64_t wall_us = 0;
  bool mark_is_due = false;

  // Fills the entry with the controls and with the events that are no copies, which take the
  // sequences that come next in `window`. To take it back, undo the window from the entry's
  // first_sequence.
  void Place(LogPosition position, DuplicateWindow& window);
  // One of the two, once: calls every requester's callback.
  void Answer(LogPosition position);
  void FailAll(const absl::Status& status);

 private:
  void PlaceEvents(QueuedRequest& request, std::vector<AppendedEvent>& results,
                   DuplicateWindow& window);
  AppendedEvent PlaceEvent(const AcceptedEvent& candidate, const EventDigest& digest,
                           DuplicateWindow& window);

  // By request; empty for a control.
  std::vector<std::vector<AppendedEvent>> results_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_EVENT_LOG_GROUP_H_
