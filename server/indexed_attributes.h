// Which attributes events can be found by: those that the server was told to index, and every
// monitor's keys.
#ifndef LAPSE_SERVER_INDEXED_ATTRIBUTES_H_
#define LAPSE_SERVER_INDEXED_ATTRIBUTES_H_

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "lapse/v1/monitor.pb.h"
#include "storage/chunk_store.h"

namespace lapse::server {

// Thread-safe. Only grows: a monitor that is deleted leaves its keys indexed until the next start.
class IndexedAttributeSet {
 public:
  // `chunks` outlives this.
  IndexedAttributeSet(storage::ChunkStore& chunks, const std::vector<std::string>& configured)
      : chunks_(chunks), names_(configured.begin(), configured.end()) {
    chunks_.SetIndexedAttributes({names_.begin(), names_.end()});
  }

  void AddKeysOf(const lapse::v1::Monitor& monitor) {
    MutexLock lock(mutex_);
    const size_t before = names_.size();
    for (const lapse::v1::EventPattern* pattern :
         {&monitor.follow_up().primary(), &monitor.follow_up().secondary(),
          &monitor.follow_up().cancel()}) {
      if (!pattern->key_attribute().empty()) names_.insert(pattern->key_attribute());
    }
    if (names_.size() != before) chunks_.SetIndexedAttributes({names_.begin(), names_.end()});
  }

  bool Contains(const std::string& name) const {
    MutexLock lock(mutex_);
    return names_.contains(name);
  }

 private:
  storage::ChunkStore& chunks_;
  mutable Mutex mutex_;
  std::set<std::string> names_;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_INDEXED_ATTRIBUTES_H_
