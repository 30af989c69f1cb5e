// What is known to be in the event log, kept outside of the life: no crash reaches it.
#ifndef LAPSE_TEST_SIMULATION_REFERENCE_LOG_H_
#define LAPSE_TEST_SIMULATION_REFERENCE_LOG_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "lapse/internal/v1/log.pb.h"
#include "lapse/v1/event.pb.h"
#include "storage/log_entry.h"

namespace lapse::simulation {

struct ReferenceEvent {
  lapse::v1::Event event;
  int64_t sequence = 0;
  int64_t receive_time_us = 0;
  int64_t time_us = 0;
};

struct ReferenceEntry {
  int64_t position = 0;
  int64_t write_time_us = 0;
  int64_t mark_time_us = 0;
  std::vector<lapse::internal::v1::ControlRecord> controls;
  std::vector<ReferenceEvent> events;
};

// As text: all that it holds, a line for each control and event.
std::string Describe(const ReferenceEntry& entry);

// Grows and never changes: an entry that was once seen durable must stay as it is.
class ReferenceLog {
 public:
  // Copies of the last `duplicate_reach` events must be recognised.
  explicit ReferenceLog(int64_t duplicate_reach) : duplicate_reach_(duplicate_reach) {}

  // Takes the entry in, or holds it against the one that is known. DATA_LOSS where positions,
  // sequences, marks or content contradict what came before, or an event is there twice.
  absl::Status See(const storage::LogEntry& entry);

  int64_t last_position() const { return static_cast<int64_t>(entries_.size()); }
  int64_t last_sequence() const { return static_cast<int64_t>(events_.size()); }
  const ReferenceEntry& entry(int64_t position) const { return entries_[position - 1]; }
  // Whether an event with that source and id was ever accepted.
  bool HasEvent(const std::pair<std::string, std::string>& name) const {
    return sequence_of_id_.contains(name);
  }
  // Null where there is none.
  const ReferenceEvent* FindEvent(int64_t sequence) const;

 private:
  absl::Status CheckFollows(const storage::LogEntry& entry) const;
  absl::Status CheckSame(const storage::LogEntry& entry) const;
  absl::Status CheckNew(const ReferenceEvent& event);

  const int64_t duplicate_reach_;
  std::vector<ReferenceEntry> entries_;
  // By sequence - 1: the entry's position and the place in it.
  std::vector<std::pair<int64_t, size_t>> events_;
  std::map<std::pair<std::string, std::string>, int64_t> sequence_of_id_;
};

}  // namespace lapse::simulation

#endif  // LAPSE_TEST_SIMULATION_REFERENCE_LOG_H_
