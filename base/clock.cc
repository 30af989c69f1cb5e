#include "base/clock.h"

#include <algorithm>
#include <chrono>

#include "base/limits.h"

namespace lapse {
namespace {

class SystemClock : public Clock {
 public:
  int64_t NowUs() override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  int64_t SteadyUs() override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  void WaitUntil(MutexLock& lock, CondVar& cond, int64_t wall_deadline_us) override {
    const int64_t now_us = NowUs();
    const int64_t wait_us = std::min(limits::kMicrosPerSecond,
                                     wall_deadline_us <= now_us ? 0 : wall_deadline_us - now_us);
    cond.wait_for(lock, std::chrono::microseconds(wait_us));
  }
};

}  // namespace

Clock& RealClock() {
  static SystemClock* const clock = new SystemClock;
  return *clock;
}

int64_t SimulatedClock::NowUs() {
  MutexLock lock(mutex_);
  return now_us_;
}

int64_t SimulatedClock::SteadyUs() {
  MutexLock lock(mutex_);
  return steady_us_;
}

void SimulatedClock::WaitUntil(MutexLock& lock, CondVar& cond, int64_t wall_deadline_us) {
  {
    MutexLock own(mutex_);
    if (now_us_ >= wall_deadline_us) return;
    waiters_.insert(&cond);
  }
  // An advance between here and the wait would go unnoticed (the waiter's mutex is not ours), hence
  // the short wait.
  cond.wait_for(lock, std::chrono::milliseconds(1));
  MutexLock own(mutex_);
  waiters_.erase(waiters_.find(&cond));
}

void SimulatedClock::AdvanceTo(int64_t now_us) {
  {
    MutexLock lock(mutex_);
    if (now_us > now_us_) {
      steady_us_ += now_us - now_us_;
      now_us_ = now_us;
    }
  }
  WakeAll();
}

void SimulatedClock::AdvanceBy(int64_t delta_us) { AdvanceTo(NowUs() + delta_us); }

void SimulatedClock::StepWall(int64_t delta_us) {
  {
    MutexLock lock(mutex_);
    now_us_ += delta_us;
  }
  WakeAll();
}

void SimulatedClock::WakeAll() {
  MutexLock lock(mutex_);
  for (CondVar* cond : waiters_) cond->notify_all();
}

}  // namespace lapse
