#include "base/process_tuning.h"

#include <malloc.h>

#include "absl/synchronization/mutex.h"

namespace lapse {

void TuneProcess() {
  mallopt(M_MMAP_THRESHOLD, 16 << 20);
  mallopt(M_TRIM_THRESHOLD, 32 << 20);
  mallopt(M_ARENA_MAX, 4);
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

}  // namespace lapse
