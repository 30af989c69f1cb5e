// The only source of time in Lapse. Code outside base/clock that reads the wall clock or sleeps
// fails a test.
#ifndef LAPSE_BASE_CLOCK_H_
#define LAPSE_BASE_CLOCK_H_

#include <cstdint>
#include <set>

#include "base/mutex.h"

namespace lapse {

// Thread-safe. Times are microseconds.
class Clock {
 public:
  virtual ~Clock() = default;

  // The wall clock, since 1970. It may step either way.
  virtual int64_t NowUs() = 0;

  // Never steps back; its origin means nothing. It stands still while nothing says that time passed
  // (a suspended machine), so that wall and steady time drift apart where the wall clock is
  // stepped.
  virtual int64_t SteadyUs() = 0;

  // Waits on `cond` until it is notified, or until NowUs() >= wall_deadline_us, or spuriously. The
  // caller holds `lock` and checks its condition in a loop. A deadline of INT64_MAX waits for the
  // notification alone. A real clock wakes at the latest after one second, so that a step of the
  // wall clock is noticed.
  virtual void WaitUntil(MutexLock& lock, CondVar& cond, int64_t wall_deadline_us) = 0;
};

// The machine's clocks. Lives as long as the process.
Clock& RealClock();

// A clock that moves only when told. For tests, simulation and backtests.
class SimulatedClock : public Clock {
 public:
  explicit SimulatedClock(int64_t start_us) : now_us_(start_us) {}

  int64_t NowUs() override;
  int64_t SteadyUs() override;
  void WaitUntil(MutexLock& lock, CondVar& cond, int64_t wall_deadline_us) override;

  // Moves both times forward and wakes every waiter.
  void AdvanceTo(int64_t now_us);
  void AdvanceBy(int64_t delta_us);
  // Steps the wall clock alone, either way.
  void StepWall(int64_t delta_us);

 private:
  void WakeAll();

  Mutex mutex_;
  int64_t now_us_;
  int64_t steady_us_ = 0;
  std::multiset<CondVar*> waiters_;
};

}  // namespace lapse

#endif  // LAPSE_BASE_CLOCK_H_
