// Waiting for what other threads do, with a bound that only a hang exceeds.
#ifndef LAPSE_TEST_CONFORMANCE_WAITING_H_
#define LAPSE_TEST_CONFORMANCE_WAITING_H_

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"

namespace lapse::conformance {

inline constexpr std::chrono::seconds kLongestWait{120};

// DEADLINE_EXCEEDED, naming what was waited for, where it does not come.
inline absl::Status WaitUntil(MutexLock& lock, CondVar& changed, const char* what,
                              absl::FunctionRef<bool()> holds) {
  if (changed.wait_for(lock, kLongestWait, holds)) return absl::OkStatus();
  return absl::DeadlineExceededError(what);
}

// The answer to one call, given by another thread, at any time.
template <typename T>
class Answer {
 public:
  auto Callback() {
    return [state = state_](absl::StatusOr<T> value) {
      MutexLock lock(state->mutex);
      state->value = std::move(value);
      state->changed.notify_all();
    };
  }

  // Once.
  absl::StatusOr<T> Wait() {
    MutexLock lock(state_->mutex);
    const absl::Status status =
        WaitUntil(lock, state_->changed, "an answer", [this] { return state_->value.has_value(); });
    if (!status.ok()) return status;
    return *std::move(state_->value);
  }

 private:
  struct State {
    Mutex mutex;
    CondVar changed;
    std::optional<absl::StatusOr<T>> value;
  };

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace lapse::conformance

#endif  // LAPSE_TEST_CONFORMANCE_WAITING_H_
