// Log entries for tests.
#ifndef LAPSE_STORAGE_TEST_ENTRIES_H_
#define LAPSE_STORAGE_TEST_ENTRIES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/proto_time.h"
#include "storage/log_entry.h"

namespace lapse::storage {

inline constexpr int64_t kTestTimeUs = 1'700'000'000'000'000;

// Of source "test" and type "order_created", with attribute order_id.
inline lapse::v1::Event TestEvent(const std::string& id, const std::string& order_id,
                                  int64_t occur_time_us = 0) {
  lapse::v1::Event event;
  event.set_id(id);
  event.set_source("test");
  event.set_type("order_created");
  if (occur_time_us != 0) SetTimestamp(occur_time_us, event.mutable_occur_time());
  (*event.mutable_attributes())["order_id"].set_string_value(order_id);
  return event;
}

// Received at `receive_time_us` together; the mark and the write time are the same.
inline LogEntry TestEntry(LogPosition position, int64_t first_sequence, int64_t receive_time_us,
                          std::vector<lapse::v1::Event> events) {
  LogEntry entry;
  entry.position = position;
  entry.first_sequence = first_sequence;
  entry.write_time_us = receive_time_us;
  entry.mark_time_us = receive_time_us;
  entry.owned.push_back(EventBatch::Of({events.begin(), events.end()}));
  for (const EventView& event : entry.owned.back().events()) {
    entry.events.push_back(
        {&event, first_sequence++, receive_time_us, JudgedTimeUs(event, receive_time_us)});
  }
  return entry;
}

// Whether both hold the same, told by every field but `conflicts`.
inline bool SameEntry(const LogEntry& a, const LogEntry& b) {
  const auto key = [](const LogEntry& entry) {
    std::vector<std::string> parts = {
        std::to_string(entry.position), std::to_string(entry.first_sequence),
        std::to_string(entry.write_time_us), std::to_string(entry.mark_time_us)};
    for (const auto& control : entry.controls) parts.push_back(control.DebugString());
    for (const AcceptedEvent& e : entry.events) {
      parts.push_back(std::to_string(e.sequence) + " " + std::to_string(e.receive_time_us) + " " +
                      std::to_string(e.time_us) + (e.has_server_id ? " server " : " client ") +
                      e.event->ToEvent().DebugString());
    }
    return parts;
  };
  return key(a) == key(b);
}

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_TEST_ENTRIES_H_
