// Merged chunks of sealed files: many log entries in columns.
#ifndef LAPSE_STORAGE_SEALED_CHUNK_H_
#define LAPSE_STORAGE_SEALED_CHUNK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "storage/chunk_store.h"
#include "storage/sealed_entry.h"

namespace lapse::storage {

// Of one chunk; beyond the columns (an attribute with a kind each), events are kept as they came.
inline constexpr int64_t kMaxSealedEvents = 1 << 16;
inline constexpr size_t kMaxSealedColumns = 1'000;

struct EncodedSealedChunk {
  // A lapse.internal.v1.SealedChunk.
  std::string bytes;
  // Of the events' reported times; without meaning where there are none.
  int64_t min_time_us = INT64_MAX;
  int64_t max_time_us = INT64_MIN;
  int64_t event_count = 0;
  // SealedFingerprint of the events' indexed attributes, ascending, each once.
  std::vector<uint32_t> fingerprints;
};

// `entries` follow each other and are not empty. Every field of every event is kept, also unknown
// ones; the bytes need not be the same. INVALID_ARGUMENT beyond
// kMaxSealedEvents events or entries.
absl::StatusOr<EncodedSealedChunk> EncodeSealedChunk(absl::Span<const SealedEntry> entries,
                                                     uint64_t seed,
                                                     const IndexedAttributes& indexed);

// DATA_LOSS where the bytes are not those of EncodeSealedChunk: any bytes may be given, and none
// make it crash or allocate without bound.
absl::StatusOr<std::vector<SealedEntry>> DecodeSealedChunk(absl::string_view bytes);

// The events that the query may match, by its attribute, times and sequences, as one entry with the
// chunk's first position; others are not even made.
absl::StatusOr<SealedEntry> FindInSealedChunk(absl::string_view bytes, const EventQuery& query);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SEALED_CHUNK_H_
