// Brings a matcher up to the end of the log: from the checkpoints, then by replaying what the log
// has after them.
#ifndef LAPSE_MONITORS_RECOVERY_H_
#define LAPSE_MONITORS_RECOVERY_H_

#include <memory>

#include "absl/status/statusor.h"
#include "monitors/sharded_matcher.h"
#include "storage/chunk_store.h"

namespace lapse::monitors {

// A matcher that has applied everything up to log.LastPosition(), ready for Start. Alerts that the
// replay makes again are the same as before and are left out by the alert store where they are
// stored; the others are stored, and published by the listener. Copies with another content are
// counted live only: those after the checkpoint are not counted again.
//
// DATA_LOSS, with a reason: LOG_INCOMPLETE (entries after the checkpoint are gone),
// CHECKPOINT_AHEAD_OF_LOG, CHECKPOINT_DAMAGED, MONITOR_HISTORY_INCOMPLETE. Errors of the stores are
// passed on.
absl::StatusOr<std::unique_ptr<ShardedMatcher>> RecoverMatcher(const MatcherOptions& options,
                                                               const MatcherDeps& deps,
                                                               const storage::ChunkStore& log);

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_RECOVERY_H_
