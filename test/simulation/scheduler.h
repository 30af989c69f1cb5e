// Runs the threads of a simulated life one at a time, in an order that a seed decides.
//
// The product's threads are real ones; pthread_interpose.cc sends what they wait with (mutexes,
// condition variables, futures, joins) here. One of them has the baton and runs; it gives the baton
// away where it waits, and now and then where another could be faster: at a notification and before
// each operation of the disk. So a seed gives the same run again, and each seed another
// interleaving.
#ifndef LAPSE_TEST_SIMULATION_SCHEDULER_H_
#define LAPSE_TEST_SIMULATION_SCHEDULER_H_

#include <cstdint>
#include <functional>
#include <string>

namespace lapse::simulation {

struct Task;

// One life a process: Begin once, by the thread that becomes the driver. The driver runs no code of
// the product; it starts tasks, lets them run and moves the time.
class Scheduler {
 public:
  static void Begin(uint64_t seed, int64_t wall_us);
  // Null before Begin.
  static Scheduler* Get();

  // By the driver.
  //
  // Runs `body` as a new thread of the life, which starts with the next RunUntilIdle.
  void Spawn(std::function<void()> body);
  // Lets the threads run until each of them waits, or is dead.
  void RunUntilIdle();
  // When the next thread that waits for a time wants to wake, as steady time; INT64_MAX for none.
  int64_t NextWakeSteadyUs() const;
  // Moves both times forward and wakes whom it concerns; RunUntilIdle is to follow.
  void AdvanceBy(int64_t delta_us);
  // Steps the wall clock alone; wakes all who wait for a time, as a clock that looks again does.
  void StepWall(int64_t delta_us);
  // Every thread but the driver is gone as it stands, as after kill -9. What they held is leaked.
  void KillAll();

  // By any thread that has the baton.
  int64_t wall_us() const;
  int64_t steady_us() const;
  // A place where another thread may run first.
  void Preempt();
  // Waits until Wake(place), at most until the wall clock says `deadline_us`. False at the
  // deadline.
  bool Wait(const void* place, int64_t deadline_us = INT64_MAX);
  // Those who wait at `place` can go on: all of them, or one.
  void Wake(const void* place, bool all = true);
  // Ends the life where the caller stands; the driver goes on. Never returns but to the driver.
  void Die();
  // Whether the caller is a thread of the life, and not the driver.
  bool InTask() const;
  uint64_t Random();
  // What has run, for the trace.
  int64_t switches() const;

  // For pthread_interpose.cc.
  //
  // A thread that has ended its task waits for another: how long the system takes to end and make
  // threads, and where it puts their stacks, plays no part.
  Task* StartTask(std::function<void()> body);
  bool Finished(const Task* task) const;
  void NoPreemption(int delta);

 private:
  Scheduler() = default;
};

}  // namespace lapse::simulation

#endif  // LAPSE_TEST_SIMULATION_SCHEDULER_H_
