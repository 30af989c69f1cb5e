#include "server/entry_fan_out.h"

#include <utility>

namespace lapse::server {
namespace {

// One that is being handed on, one that is ready; more would only hide that the matcher is behind.
constexpr size_t kMaxEntries = 2;
// Handed on sooner than a thread is woken.
constexpr size_t kFewEvents = 64;

}  // namespace

EntryFanOut::EntryFanOut(EventTypes& types, storage::LogFollower& matcher)
    : types_(types), matcher_(matcher), thread_([this] { Run(); }) {}

void EntryFanOut::OnEntry(std::shared_ptr<const storage::LogEntry> entry) {
  MutexLock lock(mutex_);
  if (entries_.empty() && entry->events.size() <= kFewEvents) return HandOn(std::move(entry));
  changed_.wait(lock, [this] { return entries_.size() < kMaxEntries; });
  entries_.push_back(std::move(entry));
  changed_.notify_all();
}

void EntryFanOut::HandOn(std::shared_ptr<const storage::LogEntry> entry) {
  types_.Count(*entry);
  matcher_.OnEntry(std::move(entry));
}

void EntryFanOut::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void EntryFanOut::Run() {
  MutexLock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !entries_.empty(); });
    if (entries_.empty()) return;
    std::shared_ptr<const storage::LogEntry> entry = entries_.front();
    lock.unlock();
    HandOn(std::move(entry));
    lock.lock();
    // Only now: until it is handed on it counts as waiting.
    entries_.pop_front();
    changed_.notify_all();
  }
}

}  // namespace lapse::server
