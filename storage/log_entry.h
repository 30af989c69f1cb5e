// The event log as its readers see it.
#ifndef LAPSE_STORAGE_LOG_ENTRY_H_
#define LAPSE_STORAGE_LOG_ENTRY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "lapse/internal/v1/log.pb.h"
#include "lapse/v1/event.pb.h"
#include "storage/event_batch.h"
#include "storage/event_view.h"

namespace lapse::storage {

// A place in the log: the number of a group commit, from 1. 0 is before everything.
using LogPosition = int64_t;

// An event as it stands in the log. `event` has its id, and neither ingest_time nor sequence.
struct AcceptedEvent {
  const EventView* event = nullptr;
  int64_t sequence = 0;
  int64_t receive_time_us = 0;
  // The time that monitors judge by: occur_time, by default the receive time, and never later than
  // that.
  int64_t time_us = 0;
  // Its id was made by the server: it is never taken for a duplicate.
  bool has_server_id = false;
};

// A copy, with another content, of an event that is in the log. It is told to the matcher for its
// count only and is not kept: a replay does not see it.
struct ConflictingCopy {
  std::string event_type;
};

// One group commit, in this order: controls, events, then the time mark. Immutable once made;
// shared between threads.
struct LogEntry {
  LogPosition position = 0;
  int64_t first_sequence = 0;
  // The wall clock at the commit; alerts that fire at this mark have it as their fire time.
  int64_t write_time_us = 0;
  // Never less than the mark before. No event that is not in the log yet was received before it.
  int64_t mark_time_us = 0;
  std::vector<lapse::internal::v1::ControlRecord> controls;
  std::vector<AcceptedEvent> events;
  std::vector<ConflictingCopy> conflicts;
  // Owns what `events` points to.
  std::vector<EventBatch> owned;
};

// `event`'s time as AcceptedEvent has it.
int64_t JudgedTimeUs(const EventView& event, int64_t receive_time_us);

// The time the client gave it, by default the receive time: what ListEvents orders by. May be ahead
// of the receive time.
int64_t ReportedTimeUs(const EventView& event, int64_t receive_time_us);

// Called with the entries in log order. An error stops the reading and is returned from it.
using LogVisitor = absl::FunctionRef<absl::Status(const LogEntry& entry)>;

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_LOG_ENTRY_H_
