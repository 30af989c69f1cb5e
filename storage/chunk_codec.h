// Between a log entry and its bytes on disk: a header (ChunkHeader) and a body (the events as one
// serialized BatchIngestEventsRequest, in a zstd frame), with one checksum over both. Nothing is
// compressed: that is done once, when a file is sealed. Bodies of earlier versions are.
#ifndef LAPSE_STORAGE_CHUNK_CODEC_H_
#define LAPSE_STORAGE_CHUNK_CODEC_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/log_entry.h"
#include "storage/sealed_entry.h"

namespace lapse::storage {

struct EncodedChunk {
  std::string header;
  // Empty where the entry has no events.
  std::string body;
  // XXH3-64.
  uint64_t checksum = 0;
  // Of the events' reported times; without meaning where there are none.
  int64_t min_time_us = INT64_MAX;
  int64_t max_time_us = INT64_MIN;
};

// INVALID_ARGUMENT where the events have
// more bytes than limits::kMaxQueuedBytes. The entry's conflicts are not kept.
absl::StatusOr<EncodedChunk> EncodeChunk(const LogEntry& entry);

// The entry, with all of its events in one element of `owned`, in order. DATA_LOSS where the bytes
// are not those that EncodeChunk made: any bytes may be given, and none make it crash or allocate
// without bound.
absl::StatusOr<std::unique_ptr<LogEntry>> DecodeChunk(absl::string_view header,
                                                      absl::string_view body, uint64_t checksum);

// The same entry as it is sealed. Its events are found in the body and not looked into: what an
// earlier version wrote, and EventView does not read, is as it came.
absl::StatusOr<SealedEntry> DecodeChunkToSeal(absl::string_view header, absl::string_view body,
                                              uint64_t checksum);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_CHUNK_CODEC_H_
