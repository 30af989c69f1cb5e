// What waits for the event log's thread.
#ifndef LAPSE_STORAGE_EVENT_LOG_QUEUE_H_
#define LAPSE_STORAGE_EVENT_LOG_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/status/status.h"
#include "storage/duplicate_window.h"
#include "storage/event_batch.h"
#include "storage/event_log.h"

namespace lapse::storage {

// One call of Append or AppendControl.
struct QueuedRequest {
  int64_t receive_time_us = 0;
  // None for a control. One digest for each.
  EventBatch events;
  std::vector<EventDigest> digests;
  // The events, by index, whose id the server made; ascending.
  std::vector<int> server_id_indexes;
  EventLog::AppendCallback done;

  lapse::internal::v1::ControlRecord control;
  // Only for a control.
  EventLog::ControlCallback control_done;

  // Of the events or the control as they are logged.
  size_t bytes = 0;

  bool is_control() const { return digests.empty(); }
  size_t event_count() const { return digests.size(); }

  // Answers the caller; once.
  void Fail(const absl::Status& status);
};

// Bounded in events and in the bytes that they keep in memory. Not thread-safe. Receive times
// ascend along the queue.
class EventLogQueue {
 public:
  // Stamps and takes in `request`; RESOURCE_EXHAUSTED, reason LOG_QUEUE_FULL, where it does not
  // fit: it is then as it was. It is received at `now_us`, but never before `floor_us` nor before
  // what came before it, unless the clock was stepped back since (by more than limits::kGapUs) and
  // nothing waits.
  absl::Status Push(QueuedRequest&& request, int64_t now_us, int64_t floor_us);

  // Takes what one entry of the log can hold, in order: controls, then events. At least one
  // request, where there is any.
  std::vector<QueuedRequest> TakeGroup();

  bool empty() const { return requests_.empty(); }
  size_t requests() const { return requests_.size(); }
  size_t events() const { return events_; }
  bool IsHalfFull() const;
  // The receive time of the oldest; INT64_MAX where there is none.
  int64_t OldestReceiveTimeUs() const;

 private:
  std::deque<QueuedRequest> requests_;
  size_t events_ = 0;
  size_t bytes_ = 0;
  int64_t last_receive_time_us_ = 0;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_EVENT_LOG_QUEUE_H_
