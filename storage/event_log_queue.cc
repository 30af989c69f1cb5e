#include "storage/event_log_queue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"

namespace lapse::storage {
namespace {

// The queue drains in tens of milliseconds where the disk keeps up.
constexpr int64_t kRetryAfterUs = 100 * limits::kMicrosPerMilli;

// A control takes the place of an event.
size_t PlacesOf(const QueuedRequest& request) {
  return request.is_control() ? 1 : request.event_count();
}

// What it keeps in memory: an event keeps the whole request that it came in.
size_t HeldBytes(const QueuedRequest& request) {
  return std::max(request.bytes, request.events.AllocatedBytes());
}

}  // namespace

void QueuedRequest::Fail(const absl::Status& status) {
  if (is_control()) {
    std::move(control_done)(status);
  } else {
    std::move(done)(status);
  }
}

absl::Status EventLogQueue::Push(QueuedRequest&& request, int64_t now_us, int64_t floor_us) {
  const size_t places = PlacesOf(request);
  if (events_ + places > limits::kMaxQueuedEvents ||
      bytes_ + HeldBytes(request) > limits::kMaxQueuedBytes) {
    return Overloaded(
        "LOG_QUEUE_FULL",
        absl::StrCat("the event log is behind: ", events_, " events, ", bytes_, " bytes wait"),
        kRetryAfterUs);
  }
  const bool stepped_back = now_us < last_receive_time_us_ - limits::kGapUs;
  if (empty() && stepped_back) last_receive_time_us_ = now_us;
  last_receive_time_us_ = std::max({last_receive_time_us_, now_us, floor_us});
  request.receive_time_us = last_receive_time_us_;
  events_ += places;
  bytes_ += HeldBytes(request);
  requests_.push_back(std::move(request));
  return absl::OkStatus();
}

std::vector<QueuedRequest> EventLogQueue::TakeGroup() {
  std::vector<QueuedRequest> group;
  size_t events = 0;
  size_t bytes = 0;
  while (!requests_.empty()) {
    QueuedRequest& next = requests_.front();
    // An entry's controls come before its events.
    if (next.is_control() && events > 0) break;
    const bool fits = events + next.event_count() <= limits::kMaxChunkEvents &&
                      bytes + next.bytes <= limits::kMaxChunkBytes;
    if (!fits && !group.empty()) break;
    events += next.event_count();
    bytes += next.bytes;
    events_ -= PlacesOf(next);
    bytes_ -= HeldBytes(next);
    group.push_back(std::move(next));
    requests_.pop_front();
  }
  return group;
}

bool EventLogQueue::IsHalfFull() const {
  return events_ > limits::kMaxQueuedEvents / 2 || bytes_ > limits::kMaxQueuedBytes / 2;
}

int64_t EventLogQueue::OldestReceiveTimeUs() const {
  return requests_.empty() ? INT64_MAX : requests_.front().receive_time_us;
}

}  // namespace lapse::storage
