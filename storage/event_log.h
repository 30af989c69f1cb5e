// The ordered, durable record of everything the matcher is fed with: one thread takes requests from
// a bounded queue, recognises duplicates, assigns sequences, commits a group at once, answers, and
// hands the entry to the follower.
#ifndef LAPSE_STORAGE_EVENT_LOG_H_
#define LAPSE_STORAGE_EVENT_LOG_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/limits.h"
#include "storage/chunk_store.h"
#include "storage/log_entry.h"

namespace lapse::storage {

struct EventLogOptions {
  // See ServerStart; logged at Start.
  int64_t settle_us = limits::kDefaultSettleUs;
  int64_t idle_key_retention_us = limits::kDefaultIdleKeyRetentionUs;
  size_t duplicate_window_events = limits::kDefaultDuplicateWindowEvents;
  // Where the duplicate window is saved; empty: it is rebuilt from the log alone.
  std::string duplicate_window_path;
  // How long a commit waits for more requests, where the one before had many: callers who are
  // answered together come again at about the same time, and a commit for few of them costs as much
  // as one for all. 0: it never waits.
  int64_t linger_us = 0;
  // Off where a simulated clock jumps from event to event: then no jump is taken for a gap.
  bool detect_gaps = true;
  // Seeds the ids that events without one get; 0: from the system's entropy.
  uint64_t id_seed = 0;
};

// Where an event of a batch stands.
struct AppendedEvent {
  // Its own sequence, or that of the first copy.
  int64_t sequence = 0;
  bool duplicate = false;
  bool conflicting = false;
};

struct AppendResult {
  LogPosition position = 0;
  std::vector<AppendedEvent> events;
};

// Receives what became durable. Called on the log's thread, in log order, each entry once; may
// block, which holds the log back (its queue fills, and ingest is refused).
class LogFollower {
 public:
  virtual ~LogFollower() = default;
  virtual void OnEntry(std::shared_ptr<const LogEntry> entry) = 0;
};

// Lets the matcher say when it wants a time mark.
class MarkRequester {
 public:
  virtual ~MarkRequester() = default;
  // Asks for a mark of at least `at_us`, logged as soon as the clock reaches it. The earliest
  // request counts; a mark that reaches it uses it up. Thread-safe, never blocks.
  virtual void RequestMark(int64_t at_us) = 0;
};

struct EventLogMetrics {
  int64_t accepted_events = 0;
  int64_t duplicate_events = 0;
  int64_t conflicting_events = 0;
  int64_t commits = 0;
  int64_t gaps = 0;
  // How far back duplicates are recognised now.
  int64_t duplicate_window_events = 0;
  int64_t duplicate_window_oldest_us = 0;
  size_t queued_events = 0;
  // A write failed in a way that leaves the state on disk uncertain: nothing is logged any more,
  // time marks included.
  bool stopped = false;
};

// Thread-safe. Callbacks run on the log's threads, one at a time where the write succeeded, in log
// order: they must not block and must not call Stop.
//
// Time marks. The mark T of an entry is the clock at its commit, or the receive time of the oldest
// event still queued where that is less; it never steps back. After Start, and after a gap (the
// process, a commit or the follower stood still, or the wall clock was stepped, by more than
// limits::kGapUs), T is held at its last value until settle_us have passed; then it catches up in
// slices, oldest first, each handed to the follower before the next, so that what is overdue fires
// paced. A settle_us of 0 holds nothing. A new log starts with T at the clock.
class EventLog : public MarkRequester {
 public:
  using AppendCallback = absl::AnyInvocable<void(absl::StatusOr<AppendResult>)>;
  using ControlCallback = absl::AnyInvocable<void(absl::StatusOr<LogPosition>)>;

  // `store` and `clock` outlive the log.
  static absl::StatusOr<std::unique_ptr<EventLog>> Open(EventLogOptions options, ChunkStore& store,
                                                        Clock& clock);
  ~EventLog() override = default;

  // Starts the thread and logs ServerStart; returns when that is durable. `follower` outlives the
  // log's run and has been brought up to store.LastPosition() by the caller.
  virtual absl::Status Start(LogFollower& follower) = 0;

  // Appends events that were validated (base/limits.h; every required field). Returns at once:
  // RESOURCE_EXHAUSTED (reason LOG_QUEUE_FULL) or UNAVAILABLE (not started, stopping, or
  // LOG_STOPPED) where nothing was queued and `done` is dropped; otherwise `done` is called once,
  // when every accepted event, and every event that a copy refers to, is durable; with
  // RESOURCE_EXHAUSTED (reason DISK_FULL, with a retry time) or UNAVAILABLE (reason LOG_STOPPED)
  // where they could not be written, and then nothing of the request is kept. INVALID_ARGUMENT for
  // none or more than limits::kMaxChunkEvents. Stamps the receive time, which is never before the
  // last mark. An event without id gets a UUIDv7. What can be done for the batch alone is done on
  // the caller's thread.
  virtual absl::Status Append(EventBatch events, AppendCallback done) = 0;

  // Appends a control record; its time_us is set by the log. As above.
  virtual absl::Status AppendControl(lapse::internal::v1::ControlRecord control,
                                     ControlCallback done) = 0;

  // Whether so much is queued that a caller who can wait should: at half of what is refused. Never
  // blocks.
  virtual bool IsBehind() const = 0;

  // Finishes what is queued, for limits::kStopLogUs at most (the rest is UNAVAILABLE, reason
  // LOG_STOPPING), then ends the thread. Later appends are UNAVAILABLE.
  virtual void Stop() = 0;

  // Saves the duplicate window, so that Open need not read far back. At most one at a time.
  // FAILED_PRECONDITION without a duplicate_window_path. Any thread but the log's; appends go on
  // meanwhile.
  virtual absl::Status SaveDuplicateWindow() = 0;

  virtual EventLogMetrics Metrics() const = 0;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_EVENT_LOG_H_
