// A fixed pool of threads for work that may block (database reads, waiting for a commit), so that
// gRPC's own threads do not.
#ifndef LAPSE_SERVER_EXECUTOR_H_
#define LAPSE_SERVER_EXECUTOR_H_

#include <cstddef>
#include <deque>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/mutex.h"

namespace lapse::server {

// Thread-safe.
class Executor {
 public:
  using Task = absl::AnyInvocable<void()>;

  Executor(int thread_count, size_t max_queued);
  // Stops.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Returns false, and drops the task, where the queue is full or the executor has stopped.
  bool Submit(Task task);

  // Runs what is queued, then ends the threads. Not from a task.
  void Stop();

 private:
  void Run();

  const size_t max_queued_;
  Mutex mutex_;
  CondVar cond_;
  std::deque<Task> tasks_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_EXECUTOR_H_
