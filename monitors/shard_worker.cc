#include "monitors/shard_worker.h"

#include <utility>

#include "base/limits.h"

namespace lapse::monitors {
namespace {

// Handed to the recorder together: a mark may fire very many.
constexpr size_t kAlertsPerPush = 256;
// Fired between two entries: under a millisecond's worth.
constexpr size_t kFiredPerStep = 128;

}  // namespace

ShardWorker::ShardWorker(uint64_t seed, int index, int shard_count, AlertRecorder& recorder,
                         AlertNames names)
    : shard_(seed, index, shard_count, *this, names), recorder_(recorder) {}

ShardWorker::~ShardWorker() { Abort(); }

void ShardWorker::RestoreStart(storage::LogPosition position, int64_t mark_time_us,
                               const TimeRules& rules) {
  shard_.RestoreStart(position, mark_time_us, rules);
  applied_.store(position, std::memory_order_release);
}

void ShardWorker::ApplyNow(const RoutedEntry& entry) {
  shard_.Apply(entry);
  Flush();
  applied_.store(entry.position, std::memory_order_release);
}

void ShardWorker::Start(storage::MarkRequester& marks) {
  marks_ = &marks;
  thread_ = std::thread([this] { Run(); });
}

void ShardWorker::WaitForRoom() {
  MutexLock lock(mutex_);
  room_.wait(lock, [this] {
    return queued_entries_ < limits::kMaxShardQueueEntries || phase_ != Phase::kRunning;
  });
}

void ShardWorker::PushEntry(RoutedEntry entry) {
  MutexLock lock(mutex_);
  if (phase_ != Phase::kRunning) return;
  queue_.push_back(std::move(entry));
  ++queued_entries_;
  work_.notify_one();
}

void ShardWorker::PushJob(ShardJob job) {
  MutexLock lock(mutex_);
  if (phase_ != Phase::kRunning) return;
  queue_.push_back(std::move(job));
  work_.notify_one();
}

void ShardWorker::Wake() {
  MutexLock lock(mutex_);
  woken_ = true;
  work_.notify_one();
}

void ShardWorker::Stop() { End(Phase::kStopping); }

void ShardWorker::Abort() { End(Phase::kEnded); }

void ShardWorker::End(Phase phase) {
  {
    MutexLock lock(mutex_);
    if (phase > phase_) phase_ = phase;
    work_.notify_all();
    room_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  jobs_.clear();
  after_firing_.clear();
  // Outlives the lock: a job's destructor may call back.
  std::deque<Item> dropped;
  MutexLock lock(mutex_);
  phase_ = Phase::kEnded;
  dropped.swap(queue_);
}

size_t ShardWorker::queued() const {
  MutexLock lock(mutex_);
  return queue_.size();
}

void ShardWorker::Run() {
  RequestMark();
  std::optional<Item> item;
  while (Next(item)) {
    if (item.has_value()) Handle(*std::exchange(item, std::nullopt));
    FireSome();
    RunJobsAfterFiring();
    RunJobs();
  }
}

void ShardWorker::FireSome() {
  if (!due_ || due_waits_) return;
  if (!recorder_.HasRoom([this] { Wake(); })) {
    due_waits_ = true;
    return;
  }
  due_ = shard_.FireDue(kFiredPerStep);
  Flush();
  if (!due_) RequestMark();
}

bool ShardWorker::Next(std::optional<Item>& item) {
  MutexLock lock(mutex_);
  work_.wait(lock, [this] {
    const bool jobs_go_on = !jobs_.empty() && (!jobs_blocked_ || woken_);
    const bool firing_goes_on = due_ && (!due_waits_ || woken_ || !recorder_.IsOpen());
    const bool ends = phase_ == Phase::kEnded || (phase_ == Phase::kStopping && !due_);
    return !queue_.empty() || jobs_go_on || firing_goes_on || ends;
  });
  if (woken_ || !recorder_.IsOpen()) due_waits_ = false;
  woken_ = false;
  if (phase_ == Phase::kEnded || (phase_ == Phase::kStopping && queue_.empty() && !due_)) {
    return false;
  }
  if (queue_.empty()) return true;
  item = std::move(queue_.front());
  queue_.pop_front();
  if (std::holds_alternative<RoutedEntry>(*item)) {
    --queued_entries_;
    room_.notify_one();
  }
  return true;
}

void ShardWorker::Handle(Item item) {
  if (const RoutedEntry* entry = std::get_if<RoutedEntry>(&item)) return TakeEntry(*entry);
  ShardJob& job = std::get<ShardJob>(item);
  const JobStep step = job(shard_);
  Keep(step, std::move(job));
}

void ShardWorker::TakeEntry(const RoutedEntry& entry) {
  FireForMarks();
  shard_.Take(entry);
  Flush();
  applied_.store(entry.position, std::memory_order_release);
  due_ = shard_.HasDue();
  if (!due_) RequestMark();
}

void ShardWorker::FireForMarks() {
  while (shard_.pending_mark_count() >= limits::kMaxPendingMarks) {
    shard_.FireDue(kFiredPerStep);
    Flush();
  }
}

void ShardWorker::RunJobsAfterFiring() {
  while (!after_firing_.empty()) {
    if (due_ && shard_.HasDueAt(after_firing_.front().mark_time_us)) return;
    ShardJob job = std::move(after_firing_.front().job);
    after_firing_.pop_front();
    const JobStep step = job(shard_);
    Keep(step, std::move(job));
  }
}

void ShardWorker::RunJobs() {
  std::list<ShardJob> jobs = std::exchange(jobs_, {});
  jobs_blocked_ = true;
  for (ShardJob& job : jobs) {
    const JobStep step = job(shard_);
    Keep(step, std::move(job));
  }
}

void ShardWorker::Keep(JobStep step, ShardJob job) {
  if (step == JobStep::kDone) return;
  if (step == JobStep::kAfterFiring) {
    after_firing_.push_back({shard_.mark_time_us(), std::move(job)});
    return;
  }
  if (step == JobStep::kMore) jobs_blocked_ = false;
  jobs_.push_back(std::move(job));
}

// Asked again after each entry, since a mark uses up all requests.
void ShardWorker::RequestMark() {
  const int64_t next_us = shard_.NextFireUs();
  if (next_us != kNever) marks_->RequestMark(next_us);
}

void ShardWorker::OnAlert(storage::AlertWrite write) {
  alerts_.push_back(std::move(write));
  if (alerts_.size() >= kAlertsPerPush) Flush();
}

void ShardWorker::Flush() {
  if (!alerts_.empty()) recorder_.Push(std::exchange(alerts_, {}));
}

}  // namespace lapse::monitors
