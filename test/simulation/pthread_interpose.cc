// Stands before the library's functions by which threads start and wait: inside a simulated life
// they go to the scheduler, elsewhere to the library. The dynamic linker prefers the executable's
// definitions, also for calls out of libstdc++.
#include <dlfcn.h>
#include <pthread.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <future>
#include <random>
#include <vector>

#include "test/simulation/scheduler.h"

namespace {

using lapse::simulation::Scheduler;
using lapse::simulation::Task;

template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

// The caller's scheduler; null outside of a life.
Scheduler* Life() {
  Scheduler* const scheduler = Scheduler::Get();
  return scheduler != nullptr && scheduler->InTask() ? scheduler : nullptr;
}

// By the id that is given out for it, from 1.
std::vector<Task*>& Tasks() {
  static auto* const tasks = new std::vector<Task*>;
  return *tasks;
}

int Create(pthread_t* id, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  using Function = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto next = Next<Function>("pthread_create");
  return next(id, attributes, start, argument);
}

int TryLock(pthread_mutex_t* mutex) {
  static const auto next = Next<int (*)(pthread_mutex_t*)>("pthread_mutex_trylock");
  return next(mutex);
}

int Lock(pthread_mutex_t* mutex) {
  static const auto next = Next<int (*)(pthread_mutex_t*)>("pthread_mutex_lock");
  return next(mutex);
}

int Unlock(pthread_mutex_t* mutex) {
  static const auto next = Next<int (*)(pthread_mutex_t*)>("pthread_mutex_unlock");
  return next(mutex);
}

void LockIn(Scheduler& life, pthread_mutex_t* mutex) {
  while (TryLock(mutex) == EBUSY) life.Wait(mutex);
}

void UnlockIn(Scheduler& life, pthread_mutex_t* mutex) {
  Unlock(mutex);
  life.Wake(mutex);
}

bool WaitIn(Scheduler& life, pthread_cond_t* cond, pthread_mutex_t* mutex, int64_t deadline_us) {
  UnlockIn(life, mutex);
  const bool woken = life.Wait(cond, deadline_us);
  LockIn(life, mutex);
  return woken;
}

}  // namespace

namespace lapse::simulation {

void StartThread(void* (*start)(void*), void* argument) {
  pthread_t id;
  if (Create(&id, nullptr, start, argument) != 0) std::abort();
}

// A condition variable is waited for until the wall clock of the life says `deadline_us`.
void WaitOnCondition(pthread_cond_t* cond, pthread_mutex_t* mutex, int64_t deadline_us) {
  WaitIn(*Scheduler::Get(), cond, mutex, deadline_us);
}

}  // namespace lapse::simulation

extern "C" {

int pthread_create(pthread_t* id, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) {
  Scheduler* const scheduler = Scheduler::Get();
  if (scheduler == nullptr) return Create(id, attributes, start, argument);
  Tasks().push_back(scheduler->StartTask([start, argument] { start(argument); }));
  *id = Tasks().size();
  return 0;
}

int pthread_join(pthread_t id, void** result) {
  static const auto next = Next<int (*)(pthread_t, void**)>("pthread_join");
  Scheduler* const life = Life();
  if (life == nullptr) return next(id, result);
  Task* const task = Tasks()[id - 1];
  while (!life->Finished(task)) life->Wait(task);
  return 0;
}

int pthread_detach(pthread_t id) {
  static const auto next = Next<int (*)(pthread_t)>("pthread_detach");
  return Scheduler::Get() == nullptr ? next(id) : 0;
}

int pthread_mutex_lock(pthread_mutex_t* mutex) {
  Scheduler* const life = Life();
  if (life == nullptr) return Lock(mutex);
  LockIn(*life, mutex);
  return 0;
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) {
  Scheduler* const life = Life();
  if (life == nullptr) return Unlock(mutex);
  UnlockIn(*life, mutex);
  return 0;
}

int pthread_cond_wait(pthread_cond_t* cond, pthread_mutex_t* mutex) {
  Scheduler* const life = Life();
  if (life == nullptr) std::abort();
  WaitIn(*life, cond, mutex, INT64_MAX);
  return 0;
}

// Nothing of the product waits by the machine's clocks but through Clock: it wakes at once.
int pthread_cond_timedwait(pthread_cond_t* cond, pthread_mutex_t* mutex, const timespec*) {
  Scheduler* const life = Life();
  if (life == nullptr) std::abort();
  WaitIn(*life, cond, mutex, life->wall_us());
  return ETIMEDOUT;
}

int pthread_cond_clockwait(pthread_cond_t* cond, pthread_mutex_t* mutex, clockid_t,
                           const timespec* deadline) {
  return pthread_cond_timedwait(cond, mutex, deadline);
}

int pthread_cond_signal(pthread_cond_t* cond) {
  Scheduler* const scheduler = Scheduler::Get();
  if (scheduler == nullptr) return 0;
  scheduler->Wake(cond, false);
  scheduler->Preempt();
  return 0;
}

int pthread_cond_broadcast(pthread_cond_t* cond) {
  Scheduler* const scheduler = Scheduler::Get();
  if (scheduler == nullptr) return 0;
  scheduler->Wake(cond);
  scheduler->Preempt();
  return 0;
}

int pthread_cond_destroy(pthread_cond_t*) { return 0; }

// Whoever comes second would wait outside of the scheduler's sight: the first is not held up.
int pthread_once(pthread_once_t* control, void (*run)()) {
  static const auto next = Next<int (*)(pthread_once_t*, void (*)())>("pthread_once");
  Scheduler* const life = Life();
  if (life != nullptr) life->NoPreemption(1);
  const int code = next(control, run);
  if (life != nullptr) life->NoPreemption(-1);
  return code;
}

}  // extern "C"

namespace std {

// What std::future waits with.
bool __atomic_futex_unsigned_base::_M_futex_wait_until(unsigned* address, unsigned value, bool,
                                                       chrono::seconds, chrono::nanoseconds) {
  Scheduler* const life = Life();
  if (life == nullptr) std::abort();
  while (__atomic_load_n(address, __ATOMIC_ACQUIRE) == value) life->Wait(address);
  return true;
}

void __atomic_futex_unsigned_base::_M_futex_notify_all(unsigned* address) {
  if (Scheduler* const scheduler = Scheduler::Get()) scheduler->Wake(address);
}

// Every random number of the product comes from the seed.
random_device::result_type random_device::_M_getval() {
  Scheduler* const scheduler = Scheduler::Get();
  static unsigned before = 0;
  return scheduler == nullptr ? ++before : static_cast<unsigned>(scheduler->Random());
}

}  // namespace std
