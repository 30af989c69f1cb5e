#include "notifiers/retry_policy.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/fingerprint.h"
#include "base/limits.h"

namespace lapse::notifiers {

using lapse::v1::Delivery;

int64_t BackoffUs(SendOutcome outcome, int failure_count, uint64_t seed) {
  int64_t wait_us =
      outcome == SendOutcome::kMisconfigured ? limits::kFirstSlowRetryUs : limits::kFirstRetryUs;
  for (int i = 1; i < failure_count && wait_us < limits::kLastRetryUs; ++i) wait_us *= 2;
  wait_us = std::min(wait_us, limits::kLastRetryUs);
  const uint64_t random = FingerprintOf(seed, {absl::StrCat(failure_count)}).low;
  return wait_us - static_cast<int64_t>(random % static_cast<uint64_t>(wait_us / 4));
}

TryDecision DecideAfterTry(SendOutcome outcome, int try_count, int64_t create_time_us,
                           int64_t now_us, uint64_t seed) {
  if (outcome == SendOutcome::kSent) return {Delivery::STATE_SENT, 0};
  const bool too_old = now_us - create_time_us >= limits::kMaxDeliveryAgeUs;
  if (outcome == SendOutcome::kRefused || too_old) return {Delivery::STATE_DEAD, 0};
  return {Delivery::STATE_PENDING, now_us + BackoffUs(outcome, try_count, seed)};
}

}  // namespace lapse::notifiers
