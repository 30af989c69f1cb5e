// Runs what must be done now and then: heartbeats, saving tallies, trimming what is too old.
#ifndef LAPSE_SERVER_HOUSEKEEPER_H_
#define LAPSE_SERVER_HOUSEKEEPER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace lapse::server {

// One thread; tasks run one after the other. A task that fails is told in the log and tried again
// when it is next due.
class Housekeeper {
 public:
  using Task = std::function<absl::Status()>;

  // `clock` outlives this.
  explicit Housekeeper(Clock& clock) : clock_(clock) {}
  // Stops.
  ~Housekeeper() { Stop(); }

  enum class FirstRun { kAtStart, kAfterInterval };

  // Before Start.
  void Every(std::string name, int64_t interval_us, Task task,
             FirstRun first_run = FirstRun::kAfterInterval);
  void Start();
  // Waits for the task that runs.
  void Stop();

 private:
  struct Entry {
    std::string name;
    int64_t interval_us = 0;
    Task task;
    FirstRun first_run = FirstRun::kAfterInterval;
    int64_t next_us = 0;
  };

  void Run();
  // The earliest one.
  Entry& Next();

  Clock& clock_;
  std::vector<Entry> entries_;
  Mutex mutex_;
  CondVar stopped_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_HOUSEKEEPER_H_
