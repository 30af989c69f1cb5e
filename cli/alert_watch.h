// `lapsectl alerts watch`: follows the alert feed over lost connections and restarts of the server.
#ifndef LAPSE_CLI_ALERT_WATCH_H_
#define LAPSE_CLI_ALERT_WATCH_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"

namespace lapse::cli {

class Context;

struct WatchOptions {
  // Where to go on; empty to start with what is firing.
  std::string cursor;
  std::string filter;
  // Ends after so many changes, those of the snapshot included; 0 for no end.
  size_t limit = 0;
};

// Prints each change as it comes until SIGINT or SIGTERM, which end it with OK and a note of the
// cursor to go on from. A connection that breaks after the first answer is made again, from the
// last cursor, for as long as it takes. Called once in a process, from a thread that no other was
// started by before: it takes over the two signals.
absl::Status WatchAlerts(Context& context, const WatchOptions& options);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_ALERT_WATCH_H_
