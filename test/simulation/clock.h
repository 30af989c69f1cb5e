// The clock of a simulated life.
#ifndef LAPSE_TEST_SIMULATION_CLOCK_H_
#define LAPSE_TEST_SIMULATION_CLOCK_H_

#include "base/clock.h"

namespace lapse::simulation {

// The scheduler's times. Waiting takes none of the machine's.
class LifeClock : public Clock {
 public:
  int64_t NowUs() override;
  int64_t SteadyUs() override;
  void WaitUntil(MutexLock& lock, CondVar& cond, int64_t wall_deadline_us) override;
};

}  // namespace lapse::simulation

#endif  // LAPSE_TEST_SIMULATION_CLOCK_H_
