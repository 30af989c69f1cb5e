#include "storage/event_log_group.h"

#include <string>
#include <utility>

namespace lapse::storage {
namespace {

// Events between bringing what an event's look-up touches near, and the look-up.
constexpr size_t kLookAhead = 12;

}  // namespace

void LogGroup::Place(LogPosition position, DuplicateWindow& window) {
  entry->position = position;
  entry->first_sequence = window.next_sequence();
  results_.resize(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    QueuedRequest& request = requests[i];
    if (request.is_control()) {
      request.control.set_time_us(request.receive_time_us);
      entry->controls.push_back(std::move(request.control));
      continue;
    }
    results_[i].reserve(request.event_count());
    PlaceEvents(request, results_[i], window);
  }
}

void LogGroup::PlaceEvents(QueuedRequest& request, std::vector<AppendedEvent>& results,
                           DuplicateWindow& window) {
  entry->owned.push_back(std::move(request.events));
  const std::vector<EventView>& events = entry->owned.back().events();
  const std::vector<EventDigest>& digests = request.digests;
  auto server_id = request.server_id_indexes.begin();
  for (size_t i = 0; i < events.size(); ++i) {
    if (i + kLookAhead < digests.size()) window.Prefetch(digests[i + kLookAhead]);
    AcceptedEvent candidate = {&events[i], window.next_sequence(), request.receive_time_us,
                               JudgedTimeUs(events[i], request.receive_time_us)};
    if (server_id != request.server_id_indexes.end() && *server_id == static_cast<int>(i)) {
      candidate.has_server_id = true;
      ++server_id;
    }
    results.push_back(PlaceEvent(candidate, digests[i], window));
  }
}

AppendedEvent LogGroup::PlaceEvent(const AcceptedEvent& candidate, const EventDigest& digest,
                                   DuplicateWindow& window) {
  if (const auto first = window.Find(digest, candidate.receive_time_us)) {
    ++duplicates;
    if (first->conflicting) conflicts.push_back({std::string(candidate.event->type())});
    return {first->sequence, true, first->conflicting};
  }
  window.Insert(digest, candidate.receive_time_us);
  entry->events.push_back(candidate);
  return {candidate.sequence, false, false};
}

void LogGroup::Answer(LogPosition position) {
  for (size_t i = 0; i < requests.size(); ++i) {
    QueuedRequest& request = requests[i];
    if (request.is_control()) {
      std::move(request.control_done)(position);
    } else {
      std::move(request.done)(AppendResult{position, std::move(results_[i])});
    }
  }
}

void LogGroup::FailAll(const absl::Status& status) {
  for (QueuedRequest& request : requests) request.Fail(status);
}

}  // namespace lapse::storage
