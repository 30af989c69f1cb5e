// Sends what the outbox holds.
#ifndef LAPSE_NOTIFIERS_DISPATCHER_H_
#define LAPSE_NOTIFIERS_DISPATCHER_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "lapse/v1/notifier.pb.h"
#include "notifiers/lane.h"
#include "storage/state_store.h"

namespace lapse::notifiers {

struct DispatcherOptions {
  // Notifiers that are sent to at the same time.
  int workers = limits::kNotifierWorkers;
  // How long Stop lets sends finish before it cuts them.
  int64_t stop_grace_us = limits::kNotifierStopGraceUs;
};

struct DispatcherMetrics {
  int64_t sent = 0;
  int64_t failed_tries = 0;
  int64_t dead = 0;
};

// At-least-once: a try is recorded after it ended, so that one that a crash cut short is made
// again, as the same message. The deliveries of one notifier go one after the other; notifiers do
// not wait for each other while a worker is free, and one whose receiver is down is tried ever more
// seldom. Thread-safe.
class Dispatcher {
 public:
  // The stores and the clock outlive the dispatcher.
  Dispatcher(storage::DeliveryStore& deliveries, storage::NotifierStore& notifiers,
             Channels channels, Clock& clock, DispatcherOptions options = {});
  // Stops.
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Once.
  void Start();

  // Says that deliveries may have become due, after alerts were committed. Never blocks on sending
  // or storage.
  void Wake();

  // Starts no more sends, lets those under way finish for stop_grace_us of real time, then cuts
  // them, and joins the threads. A send that was cut is recorded as a failed try and made again
  // after the next start. Idempotent.
  void Stop();

  // Sends a test message at once, on the caller's thread, which it blocks for up to the notifier's
  // timeout. Neither counts for the rate nor waits for it.
  lapse::v1::DeliveryTry SendTest(const lapse::v1::Notifier& notifier);

  DispatcherMetrics Metrics() const;

 private:
  struct LaneSlot {
    LaneSlot(const std::string& notifier_name, LaneContext& context)
        : lane(notifier_name, context) {}
    // Used by the worker that runs it alone.
    Lane lane;
    bool running = false;
    int64_t not_before_us = 0;
  };

  void RunScheduler();
  void RunWorker();
  // Hands the lanes that can run to the workers. Returns when to look again.
  int64_t Schedule(MutexLock& lock);
  int64_t StartLanes(const std::vector<std::string>& notifier_names, int64_t now_us);
  void DropIdleLanes(const std::vector<std::string>& due);

  std::atomic<bool> stopping_ = false;
  Channels channels_;
  LaneContext context_;
  const DispatcherOptions options_;

  Mutex mutex_;
  // For the scheduler, the workers, and Stop.
  CondVar schedule_cond_;
  CondVar work_cond_;
  CondVar idle_cond_;
  bool woken_ = false;
  int running_lanes_ = 0;
  std::map<std::string, LaneSlot> lanes_;
  std::deque<LaneSlot*> runnable_;
  std::vector<std::thread> threads_;
};

}  // namespace lapse::notifiers

#endif  // LAPSE_NOTIFIERS_DISPATCHER_H_
