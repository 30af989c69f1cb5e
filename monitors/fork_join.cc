#include "monitors/fork_join.h"

#include <algorithm>

namespace lapse::monitors {

ForkJoin::ForkJoin(int parts) {
  const int most = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  for (int part = 1; part < std::min(parts, most); ++part) {
    threads_.emplace_back([this, part] { Serve(part); });
  }
}

ForkJoin::~ForkJoin() {
  {
    MutexLock lock(mutex_);
    ending_ = true;
    started_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

void ForkJoin::Run(absl::FunctionRef<void(int part)> task) {
  {
    MutexLock lock(mutex_);
    task_ = &task;
    running_ = static_cast<int>(threads_.size());
    ++round_;
    started_.notify_all();
  }
  task(0);
  MutexLock lock(mutex_);
  ended_.wait(lock, [this] { return running_ == 0; });
}

void ForkJoin::Serve(int part) {
  MutexLock lock(mutex_);
  for (int64_t served = 0;;) {
    started_.wait(lock, [&] { return round_ > served || ending_; });
    if (ending_) return;
    served = round_;
    const absl::FunctionRef<void(int)> task = *task_;
    lock.unlock();
    task(part);
    lock.lock();
    if (--running_ == 0) ended_.notify_one();
  }
}

}  // namespace lapse::monitors
