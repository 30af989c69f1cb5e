#include "storage/live_chunk_index.h"

#include <algorithm>
#include <utility>

#include "storage/chunk_index.h"

namespace lapse::storage {
namespace {

// By index where the chunk has one for the attribute; `fingerprint` is that of the query's value.
bool MayHold(const LiveChunk& chunk, const std::string& attribute, uint32_t fingerprint) {
  if (chunk.indexed == nullptr) return true;
  const IndexedAttributes& indexed = *chunk.indexed;
  if (std::find(indexed.begin(), indexed.end(), attribute) == indexed.end()) return true;
  // Counted instead of found, so that the compiler may look at many at once.
  return std::count(chunk.fingerprints.begin(), chunk.fingerprints.end(), fingerprint) > 0;
}

}  // namespace

void LiveChunkIndex::Add(LiveChunk chunk) {
  auto added = std::make_shared<const LiveChunk>(std::move(chunk));
  bytes_ += static_cast<int64_t>(added->fingerprints.size() * sizeof(uint32_t));
  MutexLock lock(mutex_);
  chunks_.push_back(std::move(added));
}

std::vector<LiveChunkIndex::ChunkPtr> LiveChunkIndex::Snapshot() const {
  MutexLock lock(mutex_);
  return chunks_;
}

std::vector<ChunkSummary> LiveChunkIndex::Find(uint64_t seed, const EventQuery& query,
                                               int64_t min_time_us, int64_t max_time_us,
                                               LogPosition last) const {
  std::string attribute;
  uint32_t fingerprint = 0;
  if (query.attribute_equals) {
    attribute = query.attribute_equals->first;
    fingerprint =
        SealedFingerprint(IndexFingerprint(seed, attribute, query.attribute_equals->second));
  }
  std::vector<ChunkSummary> found;
  for (const ChunkPtr& chunk : Snapshot()) {
    const ChunkSummary& summary = chunk->summary;
    if (summary.position > last) break;
    if (summary.min_time_us > max_time_us || summary.max_time_us < min_time_us ||
        chunk->first_sequence > query.max_sequence)
      continue;
    if (query.attribute_equals && !MayHold(*chunk, attribute, fingerprint)) continue;
    found.push_back(summary);
  }
  return found;
}

std::set<std::string> LiveChunkIndex::Attributes() const {
  std::set<std::string> attributes;
  std::shared_ptr<const IndexedAttributes> last;
  for (const ChunkPtr& chunk : Snapshot()) {
    if (chunk->indexed == nullptr || chunk->indexed == last) continue;
    last = chunk->indexed;
    attributes.insert(last->begin(), last->end());
  }
  return attributes;
}

}  // namespace lapse::storage
