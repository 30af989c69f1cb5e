// A log entry as sealed chunks take and give it: its events are wire bytes.
#ifndef LAPSE_STORAGE_SEALED_ENTRY_H_
#define LAPSE_STORAGE_SEALED_ENTRY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lapse/internal/v1/log.pb.h"
#include "storage/log_entry.h"

namespace lapse::storage {

// An event's place in SealedEntry::wire, and what is known of it besides.
struct SealedEvent {
  uint32_t offset = 0;
  uint32_t size = 0;
  int64_t sequence = 0;
  int64_t receive_time_us = 0;
  bool has_server_id = false;
};

struct SealedEntry {
  LogPosition position = 0;
  int64_t first_sequence = 0;
  int64_t write_time_us = 0;
  int64_t mark_time_us = 0;
  std::vector<lapse::internal::v1::ControlRecord> controls;
  // Serialized lapse.v1.Events.
  std::string wire;
  std::vector<SealedEvent> events;

  absl::string_view WireOf(const SealedEvent& event) const {
    return absl::string_view(wire).substr(event.offset, event.size);
  }
};

SealedEntry ToSealedEntry(const LogEntry& entry);

// DATA_LOSS where an event's bytes are none.
absl::StatusOr<std::unique_ptr<LogEntry>> ToLogEntry(const SealedEntry& entry);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SEALED_ENTRY_H_
