// When a delivery is tried again and when it is given up. Pure.
#ifndef LAPSE_NOTIFIERS_RETRY_POLICY_H_
#define LAPSE_NOTIFIERS_RETRY_POLICY_H_

#include <cstdint>

#include "lapse/v1/notifier.pb.h"
#include "notifiers/channel.h"

namespace lapse::notifiers {

struct TryDecision {
  lapse::v1::Delivery::State state = lapse::v1::Delivery::STATE_PENDING;
  // Only with STATE_PENDING.
  int64_t next_try_time_us = 0;
};

// The wait after the `failure_count`-th failure in a row (from 1): doubles from
// limits::kFirstRetryUs, or kFirstSlowRetryUs where `outcome` is kMisconfigured, up to
// kLastRetryUs, less up to a quarter that follows from `seed`, so that those who failed together do
// not return together.
int64_t BackoffUs(SendOutcome outcome, int failure_count, uint64_t seed);

// `try_count` counts the try that came to `outcome`. SENT; DEAD where it was refused or the
// delivery is limits::kMaxDeliveryAgeUs old; otherwise PENDING.
TryDecision DecideAfterTry(SendOutcome outcome, int try_count, int64_t create_time_us,
                           int64_t now_us, uint64_t seed);

}  // namespace lapse::notifiers

#endif  // LAPSE_NOTIFIERS_RETRY_POLICY_H_
