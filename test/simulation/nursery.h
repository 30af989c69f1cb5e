// Starts lives, each in a process of its own, so that one that dies harms no other and each begins
// with the same memory, whatever was lived before it.
#ifndef LAPSE_TEST_SIMULATION_NURSERY_H_
#define LAPSE_TEST_SIMULATION_NURSERY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "test/simulation/life.h"

namespace lapse::simulation {

class Nursery {
 public:
  // First thing in main: what was done before it, every life has in its memory.
  Nursery();
  // Ends it; lives under way are lived to their end.
  ~Nursery();
  Nursery(const Nursery&) = delete;
  Nursery& operator=(const Nursery&) = delete;

  // What a life has told of itself at its end.
  struct Told {
    uint64_t seed = 0;
    // Empty where everything held.
    std::string failure;
    std::string trace;
    // "COUNT NAME" each.
    std::vector<std::string> counts;
  };

  void Start(const LifeOptions& options);
  // Waits for the next life that ends.
  Told Wait();

 private:
  // Commands go in and what was told comes out, a message each.
  int socket_ = -1;
};

}  // namespace lapse::simulation

#endif  // LAPSE_TEST_SIMULATION_NURSERY_H_
