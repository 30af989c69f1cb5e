// Where the event log keeps its group commits. Implementations: sqlite/ (files) and memory/; both
// pass the same contract suite, storage/chunk_store_contract.h.
#ifndef LAPSE_STORAGE_CHUNK_STORE_H_
#define LAPSE_STORAGE_CHUNK_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/log_entry.h"

namespace lapse::storage {

// Which attributes events can be found by. Values as a monitor's key has them: string as it is,
// int64 in decimal, bool as true/false.
using IndexedAttributes = std::vector<std::string>;

// What ListEvents asks for. The caller has parsed filter and order; `matches` decides on an event
// that is complete (ingest_time and sequence set).
struct EventQuery {
  absl::FunctionRef<bool(const lapse::v1::Event&)> matches;
  // An equality the filter requires, where the attribute is indexed; narrows the search, `matches`
  // still decides.
  std::optional<std::pair<std::string, std::string>> attribute_equals;
  // Only events with reported occur_time (by default the receive time) in [min, max].
  int64_t min_time_us = INT64_MIN;
  int64_t max_time_us = INT64_MAX;
  bool descending = false;
  // Only events up to this sequence.
  int64_t max_sequence = INT64_MAX;
  // Only events after this place in the order asked for, as `next_after` gave it; unset at the
  // first page.
  std::optional<std::pair<int64_t, int64_t>> after_time_and_sequence;
  int page_size = 100;
};

struct EventPage {
  // In order of reported occur_time (by default the receive time), ties by sequence; `descending`
  // is exactly the reverse. Complete: ingest_time, sequence and occur_time are set.
  std::vector<lapse::v1::Event> events;
  // Where to go on; unset at the end. May be set with fewer events than page_size, or none: the
  // budget was used up. Need not be the place of an event.
  std::optional<std::pair<int64_t, int64_t>> next_after;
};

// Thread-safety: Append and Retire by one thread at a time; everything else by any, at any time.
class ChunkStore {
 public:
  virtual ~ChunkStore() = default;

  // Makes `entry` durable before it returns OK: written and fsynced. Its position must be
  // LastPosition() + 1 and its first_sequence NextSequence(). On error nothing of it is kept:
  // RESOURCE_EXHAUSTED with reason DISK_FULL where the disk is full (a later Append may succeed);
  // any other error means that the state on disk is uncertain, and every later Append fails with
  // FAILED_PRECONDITION, reason LOG_STOPPED, until the store is opened again.
  virtual absl::Status Append(const LogEntry& entry) = 0;

  virtual LogPosition LastPosition() const = 0;
  virtual int64_t NextSequence() const = 0;
  // The oldest position that is still kept; LastPosition() + 1 where nothing is.
  virtual LogPosition FirstPosition() const = 0;
  // Of the last entry; 0 where there is none.
  virtual int64_t LastMarkTimeUs() const = 0;

  // Visits the entries from `from` to the last that was durable at the call. OUT_OF_RANGE where
  // `from` is before FirstPosition(); DATA_LOSS naming the file and the positions where an entry
  // does not match its checksum.
  virtual absl::Status Read(LogPosition from, LogVisitor visit) const = 0;
  // The last position that is stored together with `position`: where one is damaged, all are.
  virtual LogPosition LastStoredWith(LogPosition position) const = 0;

  // Deletes files whose entries all lie before `before` and were written before `older_than_us`.
  // The live file stays.
  virtual absl::Status Retire(LogPosition before, int64_t older_than_us) = 0;

  // Replaces what is indexed; from the next Append on. Earlier entries keep the index they have,
  // and a query on an attribute that was not indexed when they were written scans them.
  virtual void SetIndexedAttributes(IndexedAttributes attributes) = 0;

  // Reads at most limits::kMaxListedChunks entries and limits::kMaxListedEvents events more than it
  // takes to come forward at all. An entry that is damaged is logged and left out.
  virtual absl::StatusOr<EventPage> List(const EventQuery& query) const = 0;

  // Random, made when the store was created: seeds the fingerprints.
  virtual uint64_t Seed() const = 0;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_CHUNK_STORE_H_
