// What a chunk's events can be found by.
#ifndef LAPSE_STORAGE_CHUNK_INDEX_H_
#define LAPSE_STORAGE_CHUNK_INDEX_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "storage/chunk_store.h"
#include "storage/log_entry.h"

namespace lapse::storage {

// Stored on disk: the function never changes.
int64_t IndexFingerprint(uint64_t seed, absl::string_view attribute, absl::string_view key_text);

// The fingerprints of the entry's events for `attributes`, ascending, each once.
std::vector<int64_t> IndexFingerprints(uint64_t seed, const LogEntry& entry,
                                       const IndexedAttributes& attributes);

// The same, cut to SealedFingerprint, in the events' order and with repetitions.
std::vector<uint32_t> ShortFingerprints(uint64_t seed, const LogEntry& entry,
                                        const IndexedAttributes& attributes);

// What sealed files and the index in memory keep of IndexFingerprint.
uint32_t SealedFingerprint(int64_t index_fingerprint);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_CHUNK_INDEX_H_
