#include "server/housekeeper.h"

#include <algorithm>
#include <utility>

#include "spdlog/spdlog.h"

namespace lapse::server {

void Housekeeper::Every(std::string name, int64_t interval_us, Task task, FirstRun first_run) {
  entries_.push_back({std::move(name), interval_us, std::move(task), first_run});
}

void Housekeeper::Start() {
  // Steady time, so that a step of the wall clock neither stops the heartbeats nor makes them race.
  const int64_t now_us = clock_.SteadyUs();
  for (Entry& entry : entries_) {
    entry.next_us = now_us + (entry.first_run == FirstRun::kAtStart ? 0 : entry.interval_us);
  }
  if (!entries_.empty()) thread_ = std::thread([this] { Run(); });
}

void Housekeeper::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Housekeeper::Entry& Housekeeper::Next() {
  return *std::min_element(entries_.begin(), entries_.end(),
                           [](const Entry& a, const Entry& b) { return a.next_us < b.next_us; });
}

void Housekeeper::Run() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    Entry& entry = Next();
    const int64_t wait_us = entry.next_us - clock_.SteadyUs();
    if (wait_us > 0) {
      clock_.WaitUntil(lock, stopped_, clock_.NowUs() + wait_us);
      continue;
    }
    lock.unlock();
    const absl::Status status = entry.task();
    if (!status.ok()) spdlog::error("{}: {}", entry.name, status.ToString());
    entry.next_us = clock_.SteadyUs() + entry.interval_us;
    lock.lock();
  }
}

}  // namespace lapse::server
