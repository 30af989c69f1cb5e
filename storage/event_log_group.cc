#include "storage/event_log_group.h"

#include <utility>

namespace lapse::storage {

void LogGroup::Place(uint64_t seed, LogPosition position, DuplicateWindow& window) {
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
    PlaceEvents(seed, request, results_[i], window);
  }
}

void LogGroup::PlaceEvents(uint64_t seed, QueuedRequest& request,
                           std::vector<AppendedEvent>& results, DuplicateWindow& window) {
  auto server_id = request.server_id_indexes.begin();
  for (int i = 0; i < request.events->size(); ++i) {
    const lapse::v1::Event& event = request.events->Get(i);
    AcceptedEvent candidate = {&event, window.next_sequence(), request.receive_time_us,
                               JudgedTimeUs(event, request.receive_time_us)};
    EventDigest digest = DigestOf(seed, event);
    if (server_id != request.server_id_indexes.end() && *server_id == i) {
      candidate.has_server_id = true;
      digest.key = Fingerprint();
      ++server_id;
    }
    results.push_back(PlaceEvent(candidate, digest, window));
  }
  entry->owned.push_back(std::move(request.events));
  // What is empty still tells that the request is no control.
  request.events = std::make_unique<QueuedRequest::Events>();
}

AppendedEvent LogGroup::PlaceEvent(const AcceptedEvent& candidate, const EventDigest& digest,
                                   DuplicateWindow& window) {
  if (const auto first = window.Find(digest, candidate.receive_time_us)) {
    ++duplicates;
    if (first->conflicting) conflicts.push_back({candidate.event->type()});
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
