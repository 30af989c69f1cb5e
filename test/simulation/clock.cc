#include "test/simulation/clock.h"

#include <pthread.h>

#include "test/simulation/scheduler.h"

namespace lapse::simulation {

// pthread_interpose.cc
void WaitOnCondition(pthread_cond_t* cond, pthread_mutex_t* mutex, int64_t deadline_us);

int64_t LifeClock::NowUs() { return Scheduler::Get()->wall_us(); }

int64_t LifeClock::SteadyUs() { return Scheduler::Get()->steady_us(); }

void LifeClock::WaitUntil(MutexLock& lock, CondVar& cond, int64_t wall_deadline_us) {
  WaitOnCondition(cond.native_handle(), lock.mutex()->native_handle(), wall_deadline_us);
}

}  // namespace lapse::simulation
