// Knows every open stream, so that a draining server can end them: Server::Shutdown waits for each.
#ifndef LAPSE_SERVER_STREAM_REGISTRY_H_
#define LAPSE_SERVER_STREAM_REGISTRY_H_

#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/mutex.h"

namespace lapse::server {

// A stream that the server can end. The registry owns it from Add until its OnDone calls Remove.
class Drainable {
 public:
  virtual ~Drainable() = default;
  // Takes nothing new, answers what is under way, then ends with UNAVAILABLE. Returns at once.
  virtual void Drain() = 0;
  // Called about once a second, with Clock::SteadyUs().
  virtual void Tick(int64_t steady_us) = 0;
};

// Thread-safe.
class StreamRegistry {
 public:
  // Returns false, keeping nothing, where the server drains or `max_streams` are open.
  bool Add(std::shared_ptr<Drainable> stream);
  // May destroy the stream.
  void Remove(Drainable* stream);
  // Drains every stream; later Adds fail.
  void DrainAll();
  void TickAll(int64_t steady_us);
  size_t size() const;

  explicit StreamRegistry(size_t max_streams) : max_streams_(max_streams) {}

 private:
  std::vector<std::shared_ptr<Drainable>> Snapshot() const;

  const size_t max_streams_;
  mutable Mutex mutex_;
  bool draining_ = false;
  absl::flat_hash_map<Drainable*, std::shared_ptr<Drainable>> streams_;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_STREAM_REGISTRY_H_
