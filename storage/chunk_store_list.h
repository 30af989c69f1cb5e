// ChunkStore::List for any store: finds the next page in order of time while decoding as few chunks
// as it can.
#ifndef LAPSE_STORAGE_CHUNK_STORE_LIST_H_
#define LAPSE_STORAGE_CHUNK_STORE_LIST_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/chunk_store.h"
#include "storage/log_entry.h"

namespace lapse::storage {

// What is known of a chunk without decoding it. Times are the reported ones of its events.
struct ChunkSummary {
  LogPosition position = 0;
  int64_t min_time_us = 0;
  int64_t max_time_us = 0;
};

// Chunks that are kept together, such as a log file's.
struct ChunkGroup {
  int id = 0;
  int64_t min_time_us = 0;
  int64_t max_time_us = 0;
};

// Used by one thread.
class ChunkSource {
 public:
  virtual ~ChunkSource() = default;

  // Those that have events at all.
  virtual std::vector<ChunkGroup> Groups() = 0;
  // The chunks of the group that may hold an event of the query with a time in [min, max]; it may
  // return others too.
  virtual absl::StatusOr<std::vector<ChunkSummary>> FindChunks(int group, const EventQuery& query,
                                                               int64_t min_time_us,
                                                               int64_t max_time_us) = 0;
  // Its events, without those that the query's attribute, times and sequences exclude where that is
  // cheaper. DATA_LOSS where it is damaged.
  virtual absl::StatusOr<std::unique_ptr<LogEntry>> Load(int group, LogPosition position,
                                                         const EventQuery& query) = 0;
};

absl::StatusOr<EventPage> ListEvents(const EventQuery& query, ChunkSource& source);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_CHUNK_STORE_LIST_H_
