#include "test/simulation/world.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "test/simulation/sqlite_vfs.h"

namespace lapse::simulation {
namespace {

// Nothing that a client waits for takes longer where the disk is well.
constexpr int64_t kStuckAfterUs = 30 * limits::kMicrosPerMinute;

}  // namespace

World::World(uint64_t seed, int64_t wall_us) {
  Scheduler::Begin(seed, wall_us);
  disk().Begin(seed + 1);
  disk().OnCrash([this] {
    died_ = true;
    scheduler().Die();
  });
  RegisterVfs();
}

World::Ending World::Do(std::function<void()> work) {
  // Outlives a crash in the midst of the work.
  const auto done = std::make_shared<bool>(false);
  scheduler().Spawn([done, work = std::move(work)] {
    work();
    *done = true;
  });
  const int64_t end_us = scheduler().steady_us() + kStuckAfterUs;
  scheduler().RunUntilIdle();
  while (!died_ && !*done) {
    const int64_t wake_us = scheduler().NextWakeSteadyUs();
    if (wake_us > end_us) return Ending::kStuck;
    Pass(wake_us - scheduler().steady_us());
  }
  return died_ ? Ending::kDied : Ending::kDone;
}

bool World::Pass(int64_t us) {
  const int64_t end_us = scheduler().steady_us() + us;
  while (!died_) {
    const int64_t next_us = std::min(end_us, scheduler().NextWakeSteadyUs());
    scheduler().AdvanceBy(std::max<int64_t>(0, next_us - scheduler().steady_us()));
    scheduler().RunUntilIdle();
    if (scheduler().steady_us() >= end_us) break;
  }
  return !died_;
}

bool World::Jump(int64_t us) {
  scheduler().AdvanceBy(us);
  scheduler().RunUntilIdle();
  return !died_;
}

bool World::StepWall(int64_t us) {
  scheduler().StepWall(us);
  scheduler().RunUntilIdle();
  return !died_;
}

void World::Kill() {
  scheduler().KillAll();
  disk().Kill();
  died_ = false;
}

void World::PowerOff() {
  scheduler().KillAll();
  disk().PowerOff();
  died_ = false;
}

}  // namespace lapse::simulation
