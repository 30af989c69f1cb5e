// What is known, in memory, of the chunks of a file that is not sealed: enough to tell which of
// them may hold an event that a listing wants.
#ifndef LAPSE_STORAGE_LIVE_CHUNK_INDEX_H_
#define LAPSE_STORAGE_LIVE_CHUNK_INDEX_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "storage/chunk_store.h"
#include "storage/chunk_store_list.h"

namespace lapse::storage {

struct LiveChunk {
  // Position and reported times, as ChunkSummary has them.
  ChunkSummary summary;
  int64_t first_sequence = 0;
  // What its fingerprints are of; null where it is not indexed.
  std::shared_ptr<const IndexedAttributes> indexed;
  // SealedFingerprint of each indexed value, in any order.
  std::vector<uint32_t> fingerprints;
};

// Thread-safe. A lookup goes through all the fingerprints, 4 bytes each: a millisecond for a file
// of 128 MiB.
class LiveChunkIndex {
 public:
  // In order of position; a chunk without events need not be added.
  void Add(LiveChunk chunk);

  // See ChunkSource::FindChunks. Only chunks up to position `last`.
  std::vector<ChunkSummary> Find(uint64_t seed, const EventQuery& query, int64_t min_time_us,
                                 int64_t max_time_us, LogPosition last) const;
  // Everything that a chunk of it is indexed by.
  std::set<std::string> Attributes() const;
  // Of fingerprints.
  int64_t bytes() const { return bytes_; }

 private:
  using ChunkPtr = std::shared_ptr<const LiveChunk>;
  std::vector<ChunkPtr> Snapshot() const;

  mutable Mutex mutex_;
  std::vector<ChunkPtr> chunks_;
  std::atomic<int64_t> bytes_ = 0;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_LIVE_CHUNK_INDEX_H_
