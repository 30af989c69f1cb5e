// The composition root: makes every part, wires them, and starts and stops them in order. Nothing
// else names concrete classes.
#ifndef LAPSE_SERVER_LAPSE_SERVER_H_
#define LAPSE_SERVER_LAPSE_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "server/options.h"

namespace lapse::server {

class LapseServer {
 public:
  // Opens the data folder, recovers, and serves. `clock` outlives the server. Errors are for the
  // operator: a folder in use, damaged, read-only or of a newer version (FAILED_PRECONDITION,
  // DATA_LOSS), an address in use (UNAVAILABLE).
  static absl::StatusOr<std::unique_ptr<LapseServer>> Start(const Options& options, Clock& clock);

  // Stops.
  virtual ~LapseServer() = default;

  // HOST:PORT it listens on, with the real port.
  virtual const std::string& address() const = 0;

  // Drains: NOT_SERVING, takes nothing new, finishes what is under way, ends streams with
  // UNAVAILABLE, saves what makes the next start short. Calls get 2 s, then they are cut. A second
  // call does nothing.
  virtual void Stop() = 0;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_LAPSE_SERVER_H_
