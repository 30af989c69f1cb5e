#include "test/simulation/scheduler.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <semaphore>
#include <utility>
#include <vector>

namespace lapse::simulation {

// pthread_interpose.cc: a thread of the system's own.
void StartThread(void* (*start)(void*), void* argument);

struct Task {
  enum class State { kReady, kWaiting, kDone, kDead };

  // A semaphore of the library's own, which is not sent here.
  std::binary_semaphore baton{0};
  State state = State::kReady;
  const void* place = nullptr;
  int64_t deadline_us = INT64_MAX;
  bool timed_out = false;
  int no_preemption = 0;
  std::function<void()> body;
};

namespace {

// Of a place where a thread may be held up, one in so many is.
constexpr uint64_t kPreemptOneIn = 16;

struct Worker {
  Task* task = nullptr;
  // It has been given a task.
  std::binary_semaphore has_task{0};
};

struct Life {
  std::mt19937_64 random;
  int64_t wall_us = 0;
  int64_t steady_us = 0;
  Task driver;
  Task* running = nullptr;
  // In the order in which they were made; ended ones are taken out.
  std::vector<Task*> tasks;
  // Without a task.
  std::vector<Worker*> idle;
  int64_t switches = 0;
};

Scheduler* the_scheduler = nullptr;
Life* life = nullptr;
thread_local Task* self = nullptr;

// Gives the baton to `next`; the caller goes on when it has it again.
void HandTo(Task* next) {
  Task* const me = self;
  if (next == me) return;
  ++life->switches;
  life->running = next;
  next->baton.release();
  if (me->state != Task::State::kDone) me->baton.acquire();
}

// The driver where nobody else can run.
Task* PickNext() {
  std::vector<Task*> ready;
  for (Task* task : life->tasks) {
    if (task->state == Task::State::kReady) ready.push_back(task);
  }
  if (ready.empty()) return &life->driver;
  return ready[life->random() % ready.size()];
}

void* RunTasks(void* argument) {
  Worker* const worker = static_cast<Worker*>(argument);
  for (;;) {
    Task* const task = self = worker->task;
    task->baton.acquire();
    task->body();
    task->state = Task::State::kDone;
    life->tasks.erase(std::find(life->tasks.begin(), life->tasks.end(), task));
    the_scheduler->Wake(task);
    life->idle.push_back(worker);
    HandTo(PickNext());
    worker->has_task.acquire();
  }
}

void Expire(Task& task) {
  task.state = Task::State::kReady;
  task.place = nullptr;
  task.timed_out = true;
}

}  // namespace

void Scheduler::Begin(uint64_t seed, int64_t wall_us) {
  life = new Life;
  life->random.seed(seed);
  life->wall_us = wall_us;
  life->running = self = &life->driver;
  the_scheduler = new Scheduler;
}

Scheduler* Scheduler::Get() { return the_scheduler; }

Task* Scheduler::StartTask(std::function<void()> body) {
  Task* const task = new Task;
  task->body = std::move(body);
  life->tasks.push_back(task);
  if (life->idle.empty()) {
    Worker* const worker = new Worker{.task = task};
    StartThread(RunTasks, worker);
    return task;
  }
  Worker* const worker = life->idle.back();
  life->idle.pop_back();
  worker->task = task;
  worker->has_task.release();
  return task;
}

void Scheduler::Spawn(std::function<void()> body) { StartTask(std::move(body)); }

bool Scheduler::Finished(const Task* task) const { return task->state == Task::State::kDone; }

void Scheduler::NoPreemption(int delta) {
  if (self != nullptr) self->no_preemption += delta;
}

void Scheduler::RunUntilIdle() { HandTo(PickNext()); }

bool Scheduler::InTask() const { return self != nullptr && self != &life->driver; }

void Scheduler::Preempt() {
  if (!InTask() || self->no_preemption > 0 || life->random() % kPreemptOneIn != 0) return;
  HandTo(PickNext());
}

bool Scheduler::Wait(const void* place, int64_t deadline_us) {
  if (!InTask()) {
    std::fprintf(stderr, "the driver of the simulation waits\n");
    std::abort();
  }
  self->place = place;
  self->deadline_us = deadline_us;
  self->timed_out = deadline_us <= life->wall_us;
  self->state = self->timed_out ? Task::State::kReady : Task::State::kWaiting;
  HandTo(PickNext());
  self->deadline_us = INT64_MAX;
  return !self->timed_out;
}

void Scheduler::Wake(const void* place, bool all) {
  std::vector<Task*> waiting;
  for (Task* task : life->tasks) {
    if (task->state == Task::State::kWaiting && task->place == place) waiting.push_back(task);
  }
  if (waiting.empty()) return;
  if (!all) waiting = {waiting[life->random() % waiting.size()]};
  for (Task* task : waiting) {
    task->state = Task::State::kReady;
    task->place = nullptr;
  }
}

int64_t Scheduler::NextWakeSteadyUs() const {
  int64_t next_us = INT64_MAX;
  for (const Task* task : life->tasks) {
    if (task->state != Task::State::kWaiting || task->deadline_us == INT64_MAX) continue;
    next_us = std::min(next_us, life->steady_us + task->deadline_us - life->wall_us);
  }
  return next_us;
}

void Scheduler::AdvanceBy(int64_t delta_us) {
  life->wall_us += delta_us;
  life->steady_us += delta_us;
  for (Task* task : life->tasks) {
    if (task->state == Task::State::kWaiting && task->deadline_us <= life->wall_us) Expire(*task);
  }
}

void Scheduler::StepWall(int64_t delta_us) {
  life->wall_us += delta_us;
  for (Task* task : life->tasks) {
    if (task->state == Task::State::kWaiting && task->deadline_us != INT64_MAX) Expire(*task);
  }
}

void Scheduler::KillAll() {
  for (Task* task : life->tasks) task->state = Task::State::kDead;
  life->tasks.clear();
}

void Scheduler::Die() {
  KillAll();
  HandTo(&life->driver);
}

int64_t Scheduler::wall_us() const { return life->wall_us; }
int64_t Scheduler::steady_us() const { return life->steady_us; }
uint64_t Scheduler::Random() { return life->random(); }
int64_t Scheduler::switches() const { return life->switches; }

}  // namespace lapse::simulation
