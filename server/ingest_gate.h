// Shuts ingest for good when what follows it has failed: an event that can no longer be judged must
// not be acknowledged.
#ifndef LAPSE_SERVER_INGEST_GATE_H_
#define LAPSE_SERVER_INGEST_GATE_H_

#include <utility>

#include "absl/status/status.h"
#include "base/mutex.h"

namespace lapse::server {

// Thread-safe.
class IngestGate {
 public:
  // `why` goes to every caller from now on. The first close counts.
  void Close(absl::Status why) {
    MutexLock lock(mutex_);
    if (status_.ok()) status_ = std::move(why);
  }

  // OK while it is open.
  absl::Status Check() const {
    MutexLock lock(mutex_);
    return status_;
  }

 private:
  mutable Mutex mutex_;
  absl::Status status_;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_INGEST_GATE_H_
