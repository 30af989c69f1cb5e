// The machine that a node runs on: its disk, its clock, its power switch.
#ifndef LAPSE_TEST_SIMULATION_WORLD_H_
#define LAPSE_TEST_SIMULATION_WORLD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "test/simulation/clock.h"
#include "test/simulation/disk.h"
#include "test/simulation/scheduler.h"

namespace lapse::simulation {

// Used by the driver.
class World {
 public:
  World(uint64_t seed, int64_t wall_us);

  enum class Ending {
    // `work` has returned.
    kDone,
    // The process was killed in the midst: PowerOff or Kill is to follow.
    kDied,
    // It waits for something that does not come.
    kStuck,
  };
  // Has a new thread of the life do `work`, and moves the time where everybody waits for it.
  Ending Do(std::function<void()> work);

  // Time passes as seen by who waits: each wakes at its time. False where the process was killed.
  bool Pass(int64_t us);
  // The process stands still meanwhile, as a suspended machine does.
  bool Jump(int64_t us);
  bool StepWall(int64_t us);

  // The process ends as it stands. What it wrote is there for the next one...
  void Kill();
  // ... or not: only what was synced is certain.
  void PowerOff();

  bool died() const { return died_; }
  LifeClock& clock() { return clock_; }
  Disk& disk() { return Disk::Get(); }
  Scheduler& scheduler() { return *Scheduler::Get(); }

 private:
  LifeClock clock_;
  bool died_ = false;
};

}  // namespace lapse::simulation

#endif  // LAPSE_TEST_SIMULATION_WORLD_H_
