// Runs of a scenario: live, from the clock and the event log on; and replayed, from what a live run
// logged.
#ifndef LAPSE_TEST_CONFORMANCE_RUNS_H_
#define LAPSE_TEST_CONFORMANCE_RUNS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/memory/checkpoint_store.h"
#include "storage/memory/chunk_store.h"
#include "storage/memory/state_store.h"
#include "test/conformance/outcome.h"
#include "test/conformance/scenario.h"

namespace lapse::conformance {

struct LiveOptions {
  int shard_count = 1;
  // How long a key is kept after its last event.
  int64_t idle_key_retention_us = 0;
  // Batches sent and not answered yet. With 1 each is a group commit of its own.
  int window = 1;
  // Makes two checkpoints on the way and keeps what is stored after the second.
  bool keep_middle = false;
};

// What a server that was killed would find of its state.
struct Middle {
  storage::MemoryCheckpointStore checkpoints;
  storage::MemoryStateStore state;
};

struct LiveRun {
  storage::MemoryChunkStore log;
  // By the log's sequence: the index in Workload::events; -1 for what is not of the workload.
  std::vector<int64_t> event_of_sequence;
  Outcome outcome;
  // Null unless it was asked for.
  std::unique_ptr<Middle> middle;
};

// Sends the scenario's arrivals through an event log to a matcher, on a clock that goes from batch
// to batch and ends at Workload::end_time_us. FAILED_PRECONDITION where the log takes an event for
// a copy that is none, or the other way round.
absl::StatusOr<std::unique_ptr<LiveRun>> RunLive(const Scenario& scenario,
                                                 const LiveOptions& options);

// Recovers a matcher from the whole log of a live run, nothing else being left of it.
absl::StatusOr<Outcome> ReplayAll(const Scenario& scenario, const LiveRun& live, int shard_count);

// Recovers one from `live.middle` and the log. To be called once: it goes on where the state ends.
absl::StatusOr<Outcome> ReplayFromMiddle(const Scenario& scenario, const LiveRun& live,
                                         int shard_count);

}  // namespace lapse::conformance

#endif  // LAPSE_TEST_CONFORMANCE_RUNS_H_
