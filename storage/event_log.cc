#include "storage/event_log.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "base/uuid.h"
#include "spdlog/spdlog.h"
#include "storage/chunk_store_errors.h"
#include "storage/duplicate_window.h"
#include "storage/duplicate_window_file.h"
#include "storage/duplicate_window_recovery.h"
#include "storage/event_log_answers.h"
#include "storage/event_log_group.h"
#include "storage/event_log_queue.h"
#include "storage/time_marks.h"

namespace lapse::storage {
namespace {

using lapse::internal::v1::ControlRecord;

// The thread looks at the clocks this often at least, to notice that the process stood still.
constexpr int64_t kMaxWaitUs = 250 * limits::kMicrosPerMilli;
// After a full disk, until the next try to log a time mark.
constexpr int64_t kMarkRetryUs = limits::kMicrosPerSecond;
constexpr int64_t kStoppedRetryUs = 10 * limits::kMicrosPerSecond;
constexpr int64_t kStoppingRetryUs = limits::kMicrosPerSecond;
// What counts as many requests, and how many events they have at most: larger ones are better
// written at once.
constexpr size_t kManyRequests = 8;
constexpr size_t kMaxLingerEvents = 1'000;
// Callers who have not come again by then are not awaited.
constexpr int64_t kRecentUs = 10 * limits::kMicrosPerMilli;
constexpr size_t kSavedEntriesAtOnce = 16'384;

// An event whose id is the server's matches nothing.
std::vector<EventDigest> DigestsOf(uint64_t seed, const EventBatch& batch,
                                   const std::vector<int>& server_id_indexes) {
  std::vector<EventDigest> digests;
  digests.reserve(batch.events().size());
  for (const EventView& event : batch.events()) digests.push_back(DigestOf(seed, event));
  for (const int index : server_id_indexes) digests[index].key = Fingerprint();
  return digests;
}

// What a client gets for a failed write.
absl::Status AnswerFor(const absl::Status& write_error) {
  if (IsDiskFull(write_error)) return write_error;
  return Unavailable("LOG_STOPPED", std::string(write_error.message()), kStoppedRetryUs);
}

absl::Status Stopping() {
  return Unavailable("LOG_STOPPING", "the server is stopping", kStoppingRetryUs);
}

class EventLogThread : public EventLog {
 public:
  EventLogThread(EventLogOptions options, ChunkStore& store, Clock& clock)
      : options_(std::move(options)),
        store_(store),
        clock_(clock),
        uuids_(clock, options_.id_seed == 0 ? RandomSeed() : options_.id_seed),
        marks_({options_.settle_us, options_.detect_gaps}, store.LastMarkTimeUs()),
        window_(std::max<size_t>(options_.duplicate_window_events, 1)) {}

  ~EventLogThread() override { Stop(); }

  absl::Status Recover();

  absl::Status Start(LogFollower& follower) override;
  absl::Status Append(EventBatch events, AppendCallback done) override;
  absl::Status AppendControl(ControlRecord control, ControlCallback done) override;
  void RequestMark(int64_t at_us) override;
  void Stop() override;
  absl::Status SaveDuplicateWindow() override;
  bool IsBehind() const override { return is_behind_.load(std::memory_order_relaxed); }
  EventLogMetrics Metrics() const override;

 private:
  ClockReading Now() { return {clock_.NowUs(), clock_.SteadyUs()}; }
  void PushServerStart(ControlCallback done);
  absl::Status Push(QueuedRequest&& request);
  // With mutex_ held.
  absl::Status CheckAcceptingLocked() const;

  // All of these on the log's thread.
  void Run();
  bool WaitForWork(MutexLock& lock);
  void Linger(MutexLock& lock);
  bool MarkIsDueLocked(const ClockReading& now) const;
  void NoteTime(int64_t expected_us);
  LogGroup TakeGroupLocked();
  void Process(LogGroup group);
  bool MustWrite(const LogGroup& group) const;
  absl::Status Write(LogGroup& group);
  void Undo(LogGroup& group, const absl::Status& error);
  void NoteCommitted(const LogGroup& group);
  void CountWindowLocked();

  const EventLogOptions options_;
  ChunkStore& store_;
  Clock& clock_;
  UuidGenerator uuids_;
  LogFollower* follower_ = nullptr;

  mutable Mutex mutex_;
  CondVar work_;
  EventLogQueue queue_;
  // Set with mutex_ held.
  std::atomic<bool> is_behind_ = false;
  bool started_ = false;
  bool stopping_ = false;
  // While stopping: what is still queued then is not written any more.
  int64_t stop_by_steady_us_ = INT64_MAX;
  absl::Status stopped_;
  // Of the last group; and, while the thread waits, how many it is to be woken for.
  size_t last_requests_ = 0;
  int64_t last_group_steady_us_ = 0;
  size_t awaited_requests_ = 1;
  int64_t requested_mark_us_ = TimeMarks::kNoRequest;
  // Marks up to it are logged, or on their way.
  int64_t mark_floor_us_ = 0;
  int64_t last_mark_us_ = 0;
  EventLogMetrics metrics_;

  // The log's thread alone.
  TimeMarks marks_;
  std::vector<ConflictingCopy> waiting_conflicts_;
  int64_t mark_retry_steady_us_ = INT64_MIN;

  Mutex window_mutex_;
  DuplicateWindow window_;
  // What of the window is in the log.
  LogPosition durable_position_ = 0;
  int64_t durable_sequence_ = 1;

  Mutex save_mutex_;
  EventLogAnswers answers_;
  std::thread thread_;
};

absl::Status EventLogThread::Recover() {
  RETURN_IF_ERROR(RecoverDuplicateWindow(options_.duplicate_window_path, store_,
                                         options_.duplicate_window_events, clock_.NowUs(),
                                         window_));
  durable_position_ = store_.LastPosition();
  durable_sequence_ = store_.NextSequence();
  last_mark_us_ = mark_floor_us_ = store_.LastMarkTimeUs();
  MutexLock lock(mutex_);
  CountWindowLocked();
  return absl::OkStatus();
}

absl::Status EventLogThread::Start(LogFollower& follower) {
  auto logged = std::make_shared<std::promise<absl::Status>>();
  std::future<absl::Status> result = logged->get_future();
  {
    MutexLock lock(mutex_);
    if (started_ || stopping_)
      return absl::FailedPreconditionError("the event log was started before");
    follower_ = &follower;
    marks_.Start(Now());
    PushServerStart(
        [logged](absl::StatusOr<LogPosition> position) { logged->set_value(position.status()); });
    started_ = true;
    answers_.Start();
    thread_ = std::thread([this] { Run(); });
  }
  absl::Status status = result.get();
  if (!status.ok()) Stop();
  return status;
}

void EventLogThread::PushServerStart(ControlCallback done) {
  QueuedRequest request;
  request.control.mutable_server_start()->set_settle_us(options_.settle_us);
  request.control.mutable_server_start()->set_idle_key_retention_us(options_.idle_key_retention_us);
  request.control_done = std::move(done);
  // The queue is empty: it fits.
  queue_.Push(std::move(request), clock_.NowUs(), mark_floor_us_).IgnoreError();
}

absl::Status EventLogThread::CheckAcceptingLocked() const {
  if (!stopped_.ok()) return AnswerFor(stopped_);
  if (stopping_) return Stopping();
  if (!started_) return Unavailable("LOG_NOT_STARTED", "the server is starting", kStoppingRetryUs);
  return absl::OkStatus();
}

absl::Status EventLogThread::Push(QueuedRequest&& request) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(CheckAcceptingLocked());
  RETURN_IF_ERROR(queue_.Push(std::move(request), clock_.NowUs(), mark_floor_us_));
  is_behind_ = queue_.IsHalfFull();
  if (queue_.requests() >= awaited_requests_) work_.notify_one();
  return absl::OkStatus();
}

absl::Status EventLogThread::Append(EventBatch events, AppendCallback done) {
  const size_t count = events.events().size();
  if (count == 0 || count > limits::kMaxChunkEvents) {
    return absl::InvalidArgumentError(
        absl::StrCat("1 to ", limits::kMaxChunkEvents, " events, not ", count));
  }
  QueuedRequest request;
  request.server_id_indexes = events.GiveIds([this] { return uuids_.Next(); });
  request.events = std::move(events);
  request.digests = DigestsOf(store_.Seed(), request.events, request.server_id_indexes);
  request.bytes = request.events.ByteSize();
  request.done = std::move(done);
  return Push(std::move(request));
}

absl::Status EventLogThread::AppendControl(ControlRecord control, ControlCallback done) {
  QueuedRequest request;
  request.bytes = control.ByteSizeLong();
  request.control = std::move(control);
  request.control_done = std::move(done);
  return Push(std::move(request));
}

void EventLogThread::RequestMark(int64_t at_us) {
  MutexLock lock(mutex_);
  // A mark that reaches it is on the follower's way already.
  if (at_us <= last_mark_us_ || at_us >= requested_mark_us_) return;
  requested_mark_us_ = at_us;
  work_.notify_one();
}

void EventLogThread::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    stop_by_steady_us_ = std::min(stop_by_steady_us_, clock_.SteadyUs() + limits::kStopLogUs);
    work_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  answers_.Stop();
}

void EventLogThread::Run() {
  MutexLock lock(mutex_);
  while (WaitForWork(lock)) {
    LogGroup group = TakeGroupLocked();
    const bool too_late = clock_.SteadyUs() > stop_by_steady_us_;
    lock.unlock();
    if (too_late) {
      group.FailAll(Stopping());
    } else {
      Process(std::move(group));
    }
    lock.lock();
  }
}

// False at the end.
bool EventLogThread::WaitForWork(MutexLock& lock) {
  for (;;) {
    if (!queue_.empty()) {
      Linger(lock);
      return true;
    }
    if (stopping_) return false;
    const ClockReading now = Now();
    if (MarkIsDueLocked(now)) return true;
    const int64_t due_us = stopped_.ok() ? marks_.NextDueUs(now, requested_mark_us_) : INT64_MAX;
    // A retry after a full disk is due earlier than it may be done: then the longest wait will do.
    const bool must_pause = now.steady_us < mark_retry_steady_us_;
    const int64_t wait_us =
        must_pause ? kMaxWaitUs
                   : std::clamp(due_us, now.wall_us, now.wall_us + kMaxWaitUs) - now.wall_us;
    clock_.WaitUntil(lock, work_, now.wall_us + wait_us);
    if (marks_.Observe(Now(), wait_us)) ++metrics_.gaps;
  }
}

// Until there are as many requests as in the last group.
void EventLogThread::Linger(MutexLock& lock) {
  if (options_.linger_us == 0 || last_requests_ < kManyRequests) return;
  const int64_t now_us = clock_.SteadyUs();
  if (now_us - last_group_steady_us_ > kRecentUs) return;
  const int64_t end_us = now_us + options_.linger_us;
  awaited_requests_ = last_requests_;
  while (queue_.requests() < awaited_requests_ && !stopping_) {
    const int64_t left_us = end_us - clock_.SteadyUs();
    if (left_us <= 0) break;
    clock_.WaitUntil(lock, work_, clock_.NowUs() + left_us);
  }
  awaited_requests_ = 1;
}

bool EventLogThread::MarkIsDueLocked(const ClockReading& now) const {
  if (!stopped_.ok() || now.steady_us < mark_retry_steady_us_) return false;
  return marks_.IsDue(now, requested_mark_us_);
}

void EventLogThread::NoteTime(int64_t expected_us) {
  if (!marks_.Observe(Now(), expected_us)) return;
  MutexLock lock(mutex_);
  ++metrics_.gaps;
}

LogGroup EventLogThread::TakeGroupLocked() {
  LogGroup group;
  const size_t queued_events = queue_.events();
  group.requests = queue_.TakeGroup();
  last_requests_ = queued_events <= kMaxLingerEvents ? group.requests.size() : 0;
  is_behind_ = queue_.IsHalfFull();
  const ClockReading now = Now();
  last_group_steady_us_ = now.steady_us;
  // A stop since the loop last looked must hold the marks before one is decided.
  if (marks_.Observe(now, 0)) ++metrics_.gaps;
  group.wall_us = now.wall_us;
  group.mark_is_due = MarkIsDueLocked(now);
  group.entry = std::make_shared<LogEntry>();
  group.entry->mark_time_us = marks_.MarkAt(now, queue_.OldestReceiveTimeUs(), requested_mark_us_);
  group.entry->write_time_us = std::max(now.wall_us, group.entry->mark_time_us);
  mark_floor_us_ = std::max(mark_floor_us_, group.entry->mark_time_us);
  return group;
}

void EventLogThread::Process(LogGroup group) {
  // Only this thread changes it.
  if (!stopped_.ok()) return group.FailAll(AnswerFor(stopped_));
  {
    MutexLock lock(window_mutex_);
    group.Place(store_.LastPosition() + 1, window_);
  }
  LogPosition position = store_.LastPosition();
  const bool write = MustWrite(group);
  if (write) {
    const absl::Status status = Write(group);
    // A stop within the commit looks like a slow disk; in both cases senders hold back what they
    // have.
    NoteTime(0);
    if (!status.ok()) {
      Undo(group, status);
      return group.FailAll(AnswerFor(status));
    }
    position = group.entry->position;
  }
  NoteCommitted(group);
  std::shared_ptr<LogEntry> entry = std::move(group.entry);
  answers_.Answer(std::move(group), position);
  if (write) follower_->OnEntry(std::move(entry));
  // A follower that holds the log back has senders hold back what they have, too. While catching up
  // it is expected to, and to hold the marks for it would never come to an end.
  NoteTime(marks_.is_catching_up() ? INT64_MAX : 0);
}

bool EventLogThread::MustWrite(const LogGroup& group) const {
  const LogEntry& entry = *group.entry;
  // Copies alone are answered without a write; what they report waits for the next entry, but not
  // without bound.
  return !entry.events.empty() || !entry.controls.empty() || group.mark_is_due ||
         waiting_conflicts_.size() + group.conflicts.size() >= limits::kMaxChunkEvents;
}

absl::Status EventLogThread::Write(LogGroup& group) {
  LogEntry& entry = *group.entry;
  RETURN_IF_ERROR(store_.Append(entry));
  entry.conflicts = std::exchange(waiting_conflicts_, {});
  entry.conflicts.insert(entry.conflicts.end(), group.conflicts.begin(), group.conflicts.end());
  marks_.Logged(entry.mark_time_us, group.wall_us);
  return absl::OkStatus();
}

void EventLogThread::Undo(LogGroup& group, const absl::Status& error) {
  {
    MutexLock lock(window_mutex_);
    window_.UndoFrom(group.entry->first_sequence);
  }
  mark_retry_steady_us_ = clock_.SteadyUs() + kMarkRetryUs;
  if (IsDiskFull(error)) {
    spdlog::warn("the event log could not write: {}", std::string(error.message()));
    return;
  }
  spdlog::critical("the event log stops writing: {}", std::string(error.message()));
  MutexLock lock(mutex_);
  stopped_ = error;
  metrics_.stopped = true;
}

void EventLogThread::NoteCommitted(const LogGroup& group) {
  const LogEntry& entry = *group.entry;
  const bool written = store_.LastPosition() == entry.position;
  if (written) {
    MutexLock lock(window_mutex_);
    durable_position_ = entry.position;
    durable_sequence_ = entry.first_sequence + static_cast<int64_t>(entry.events.size());
  } else {
    waiting_conflicts_.insert(waiting_conflicts_.end(), group.conflicts.begin(),
                              group.conflicts.end());
  }
  MutexLock lock(mutex_);
  metrics_.accepted_events += static_cast<int64_t>(entry.events.size());
  metrics_.duplicate_events += group.duplicates;
  metrics_.conflicting_events += static_cast<int64_t>(group.conflicts.size());
  if (!written) return;
  ++metrics_.commits;
  last_mark_us_ = entry.mark_time_us;
  if (requested_mark_us_ <= last_mark_us_) requested_mark_us_ = TimeMarks::kNoRequest;
  CountWindowLocked();
}

// Only this thread changes the window, so that reading it needs no lock here.
void EventLogThread::CountWindowLocked() {
  const int64_t oldest = window_.OldestSequence(clock_.NowUs());
  metrics_.duplicate_window_events = window_.next_sequence() - oldest;
  metrics_.duplicate_window_oldest_us =
      oldest < window_.next_sequence() ? window_.ReceiveTimeUs(oldest) : 0;
}

absl::Status EventLogThread::SaveDuplicateWindow() {
  if (options_.duplicate_window_path.empty())
    return absl::FailedPreconditionError("no path for the duplicate window");
  MutexLock save_lock(save_mutex_);
  DuplicateWindowWriter::Header header{.seed = store_.Seed()};
  int64_t end = 0;
  {
    MutexLock lock(window_mutex_);
    header.position = durable_position_;
    header.first_sequence = std::min(window_.OldestSequence(clock_.NowUs()), durable_sequence_);
    end = durable_sequence_;
  }
  header.count = end - header.first_sequence;
  ASSIGN_OR_RETURN(const auto writer,
                   DuplicateWindowWriter::Create(options_.duplicate_window_path, header));
  std::vector<DuplicateWindow::Entry> entries;
  for (int64_t from = header.first_sequence; from < end;
       from += static_cast<int64_t>(entries.size())) {
    entries.clear();
    // In parts, so that the log waits for a copy of some thousand entries at most.
    MutexLock lock(window_mutex_);
    const int64_t to = std::min<int64_t>(end, from + kSavedEntriesAtOnce);
    if (!window_.Copy(from, to, &entries))
      return absl::AbortedError("events came faster than the window was saved");
    lock.unlock();
    RETURN_IF_ERROR(writer->Add(entries));
  }
  return writer->Finish();
}

EventLogMetrics EventLogThread::Metrics() const {
  MutexLock lock(mutex_);
  EventLogMetrics metrics = metrics_;
  metrics.queued_events = queue_.events();
  return metrics;
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventLog>> EventLog::Open(EventLogOptions options, ChunkStore& store,
                                                         Clock& clock) {
  auto log = std::make_unique<EventLogThread>(std::move(options), store, clock);
  RETURN_IF_ERROR(log->Recover());
  return log;
}

}  // namespace lapse::storage
