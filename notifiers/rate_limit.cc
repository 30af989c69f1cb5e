#include "notifiers/rate_limit.h"

#include <algorithm>

#include "base/limits.h"

namespace lapse::notifiers {

SendPlan RateLimit::Plan(int64_t now_us, int64_t due_count) {
  Forget(now_us);
  if (due_count == 0) {
    overflowed_ = false;
    return {SendPlan::Action::kIdle, 0};
  }
  if (sent_us_.size() >= limits::kMaxMailsPerMinute) {
    overflowed_ = true;
    return {SendPlan::Action::kWait, sent_us_.front() + limits::kMicrosPerMinute};
  }
  if (overflowed_ && due_count > 1) return {SendPlan::Action::kMakeDigest, 0};
  return {SendPlan::Action::kSendOne, 0};
}

void RateLimit::Add(int64_t time_us) {
  sent_us_.insert(std::upper_bound(sent_us_.begin(), sent_us_.end(), time_us), time_us);
  if (sent_us_.size() > limits::kMaxMailsPerMinute) sent_us_.pop_front();
}

void RateLimit::Forget(int64_t now_us) {
  // The wall clock stepped back: what seems to come cannot be later than now, or it would block for
  // as long as the step.
  for (int64_t& time_us : sent_us_) time_us = std::min(time_us, now_us);
  while (!sent_us_.empty() && now_us - sent_us_.front() >= limits::kMicrosPerMinute) {
    sent_us_.pop_front();
  }
}

}  // namespace lapse::notifiers
