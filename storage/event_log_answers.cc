#include "storage/event_log_answers.h"

#include <utility>

namespace lapse::storage {
namespace {

// Fewer are answered sooner than a thread is woken.
constexpr size_t kFewRequests = 4;
// Groups; an answer takes far less time than a commit.
constexpr size_t kMaxWaiting = 4;

}  // namespace

void EventLogAnswers::Start() {
  thread_ = std::thread([this] { Run(); });
}

void EventLogAnswers::Answer(LogGroup group, LogPosition position) {
  {
    MutexLock lock(mutex_);
    if (!waiting_.empty() || group.requests.size() >= kFewRequests) {
      changed_.wait(lock, [this] { return waiting_.size() < kMaxWaiting; });
      waiting_.push_back({std::move(group), position});
      changed_.notify_all();
      return;
    }
  }
  group.Answer(position);
}

void EventLogAnswers::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void EventLogAnswers::Run() {
  MutexLock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    {
      // Stays in the queue, empty: until it is answered no later group is.
      Waiting first = std::move(waiting_.front());
      lock.unlock();
      first.group.Answer(first.position);
    }
    lock.lock();
    waiting_.pop_front();
    changed_.notify_all();
  }
}

}  // namespace lapse::storage
