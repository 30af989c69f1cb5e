// Runs a task in parts on several threads at once, again and again.
#ifndef LAPSE_MONITORS_FORK_JOIN_H_
#define LAPSE_MONITORS_FORK_JOIN_H_

#include <cstdint>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/mutex.h"

namespace lapse::monitors {

// Used by one thread at a time.
class ForkJoin {
 public:
  // Runs up to `parts` parts at once; no more than the machine has processors.
  explicit ForkJoin(int parts);
  ~ForkJoin();
  ForkJoin(const ForkJoin&) = delete;
  ForkJoin& operator=(const ForkJoin&) = delete;

  int parts() const { return static_cast<int>(threads_.size()) + 1; }

  // Calls `task` with 0 to parts() - 1, each on a thread of its own, 0 on the caller's; returns
  // when all have returned.
  void Run(absl::FunctionRef<void(int part)> task);

 private:
  void Serve(int part);

  Mutex mutex_;
  CondVar started_;
  CondVar ended_;
  const absl::FunctionRef<void(int)>* task_ = nullptr;
  int64_t round_ = 0;
  int running_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_FORK_JOIN_H_
