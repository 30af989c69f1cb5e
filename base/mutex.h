// A thin wrapper of std::mutex and std::condition_variable with the names of the field. The core
// uses it instead of absl::Mutex because Debian's abseil is not built for ThreadSanitizer.
#ifndef LAPSE_BASE_MUTEX_H_
#define LAPSE_BASE_MUTEX_H_

#include <condition_variable>
#include <mutex>

namespace lapse {

using Mutex = std::mutex;
using MutexLock = std::unique_lock<std::mutex>;
using CondVar = std::condition_variable;

}  // namespace lapse

#endif  // LAPSE_BASE_MUTEX_H_
