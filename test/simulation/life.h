// One simulated life: a seed gives everything that happens to a server, from its first start on,
// and after each start, and at the end, everything it shows is held against what must be.
#ifndef LAPSE_TEST_SIMULATION_LIFE_H_
#define LAPSE_TEST_SIMULATION_LIFE_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"

namespace lapse::simulation {

struct LifeOptions {
  uint64_t seed = 0;
  int steps = 0;
  // Tells each step on stderr.
  bool verbose = false;
};

struct LifeReport {
  // What did not hold; OK where everything did.
  absl::Status status;
  // The same for the same options.
  uint64_t trace = 0;
  // How often what happened, by name: shows that a life is full.
  std::map<std::string, int64_t> counts;
};

// Once a process: what crashes took of it is not freed.
LifeReport Live(const LifeOptions& options);

}  // namespace lapse::simulation

#endif  // LAPSE_TEST_SIMULATION_LIFE_H_
