// One shard with its thread and its bounded queue.
#ifndef LAPSE_MONITORS_SHARD_WORKER_H_
#define LAPSE_MONITORS_SHARD_WORKER_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/mutex.h"
#include "monitors/alert_recorder.h"
#include "monitors/shard.h"
#include "monitors/shard_input.h"
#include "storage/event_log.h"

namespace lapse::monitors {

// How a step of a job ended.
enum class JobStep {
  kDone,
  // Another step is to follow, after an entry if one waits.
  kMore,
  // As kMore, but not before Wake().
  kBlocked,
  // As kMore, but not before everything has fired that is due now.
  kAfterFiring,
};

// Work on a shard between entries, in steps short enough not to hold the entries up. The first step
// is done at the job's place in the queue, where it sees the shard as of one log position.
using ShardJob = absl::AnyInvocable<JobStep(Shard&)>;

// Thread-safe unless said otherwise.
class ShardWorker : public ShardSink {
 public:
  // `recorder` outlives the worker.
  ShardWorker(uint64_t seed, int index, int shard_count, AlertRecorder& recorder, AlertNames names);
  // As Abort.
  ~ShardWorker() override;

  // Only before Start: the shard, and what it makes of an entry at once, on the caller's thread.
  Shard& shard() { return shard_; }
  void RestoreStart(storage::LogPosition position, int64_t mark_time_us, const TimeRules& rules);
  void ApplyNow(const RoutedEntry& entry);

  // `marks` outlives the worker's run; it is asked for the mark at which the shard has next
  // something to fire.
  void Start(storage::MarkRequester& marks);

  // Waits until PushEntry has room. Entries are pushed by one thread.
  void WaitForRoom();
  void PushEntry(RoutedEntry entry);
  // Dropped, and thereby destroyed, where the worker has ended.
  void PushJob(ShardJob job);
  // Blocked jobs go on.
  void Wake();

  // Applies what is queued, then ends the thread. Jobs that are not done are destroyed.
  void Stop();
  // Ends the thread at once.
  void Abort();

  // The last entry that was applied.
  storage::LogPosition applied() const { return applied_.load(std::memory_order_acquire); }
  size_t queued() const;

  void OnAlert(storage::AlertWrite write) override;

 private:
  struct WaitingJob {
    int64_t mark_time_us = 0;
    ShardJob job;
  };
  using Item = std::variant<RoutedEntry, ShardJob>;
  enum class Phase { kRunning, kStopping, kEnded };

  void Run();
  // False when the thread is to end. `item` stays empty where only jobs are to go on.
  bool Next(std::optional<Item>& item);
  void Handle(Item item);
  void TakeEntry(const RoutedEntry& entry);
  // Fires some of what is due, where the recorder has room for their alerts.
  void FireSome();
  // Fires, and waits for the recorder, until few enough marks are pending.
  void FireForMarks();
  void RunJobs();
  // Those that wait for no deadline any more.
  void RunJobsAfterFiring();
  void Keep(JobStep step, ShardJob job);
  void RequestMark();
  void Flush();
  void End(Phase phase);

  Shard shard_;
  AlertRecorder& recorder_;
  storage::MarkRequester* marks_ = nullptr;
  std::atomic<storage::LogPosition> applied_{0};

  // Of the thread alone.
  std::vector<storage::AlertWrite> alerts_;
  std::list<ShardJob> jobs_;
  bool jobs_blocked_ = false;
  // Marks ascending.
  std::deque<WaitingJob> after_firing_;
  // More is due in the shard; what the recorder has no room for waits for Wake.
  bool due_ = false;
  bool due_waits_ = false;

  mutable Mutex mutex_;
  CondVar work_;
  CondVar room_;
  std::deque<Item> queue_;
  size_t queued_entries_ = 0;
  bool woken_ = false;
  Phase phase_ = Phase::kRunning;
  std::thread thread_;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_SHARD_WORKER_H_
