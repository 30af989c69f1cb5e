// What a file of the event log holds.
#ifndef LAPSE_STORAGE_SQLITE_CHUNK_FILE_SUMMARY_H_
#define LAPSE_STORAGE_SQLITE_CHUNK_FILE_SUMMARY_H_

#include <algorithm>
#include <cstdint>

#include "storage/chunk_codec.h"
#include "storage/log_entry.h"

namespace lapse::storage {

// Times of events are the reported ones.
struct ChunkFileSummary {
  // Both 0 where it holds no chunk.
  LogPosition first_position = 0;
  LogPosition last_position = 0;
  int64_t first_sequence = 1;
  int64_t next_sequence = 1;
  int64_t last_mark_time_us = 0;
  int64_t last_write_time_us = 0;
  // INT64_MAX and INT64_MIN where it holds no event.
  int64_t min_time_us = INT64_MAX;
  int64_t max_time_us = INT64_MIN;

  bool empty() const { return last_position == 0; }

  void Add(const LogEntry& entry, const EncodedChunk& chunk) {
    if (empty()) {
      first_position = entry.position;
      first_sequence = entry.first_sequence;
    }
    last_position = entry.position;
    next_sequence = entry.first_sequence + static_cast<int64_t>(entry.events.size());
    last_mark_time_us = std::max(last_mark_time_us, entry.mark_time_us);
    last_write_time_us = std::max(last_write_time_us, entry.write_time_us);
    min_time_us = std::min(min_time_us, chunk.min_time_us);
    max_time_us = std::max(max_time_us, chunk.max_time_us);
  }
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_CHUNK_FILE_SUMMARY_H_
