#include "server/stream_registry.h"

#include <utility>

namespace lapse::server {

bool StreamRegistry::Add(std::shared_ptr<Drainable> stream) {
  MutexLock lock(mutex_);
  if (draining_ || streams_.size() >= max_streams_) return false;
  Drainable* const key = stream.get();
  streams_.emplace(key, std::move(stream));
  return true;
}

void StreamRegistry::Remove(Drainable* stream) {
  std::shared_ptr<Drainable> last;
  MutexLock lock(mutex_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  // Destroyed after the lock is released.
  last = std::move(found->second);
  streams_.erase(found);
  lock.unlock();
}

std::vector<std::shared_ptr<Drainable>> StreamRegistry::Snapshot() const {
  MutexLock lock(mutex_);
  std::vector<std::shared_ptr<Drainable>> streams;
  streams.reserve(streams_.size());
  for (const auto& [key, stream] : streams_) streams.push_back(stream);
  return streams;
}

void StreamRegistry::DrainAll() {
  {
    MutexLock lock(mutex_);
    draining_ = true;
  }
  for (const auto& stream : Snapshot()) stream->Drain();
}

void StreamRegistry::TickAll(int64_t steady_us) {
  for (const auto& stream : Snapshot()) stream->Tick(steady_us);
}

size_t StreamRegistry::size() const {
  MutexLock lock(mutex_);
  return streams_.size();
}

}  // namespace lapse::server
