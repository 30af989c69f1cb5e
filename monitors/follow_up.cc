#include "monitors/follow_up.h"

#include <string_view>

#include "base/limits.h"
#include "base/proto_time.h"
#include "monitors/follow_up_codec.h"
#include "monitors/follow_up_key.h"

namespace lapse::monitors {

FollowUpRules MakeFollowUpRules(const lapse::v1::FollowUp& condition) {
  FollowUpRules rules;
  rules.within_us = ToMicros(condition.within());
  rules.grace_us = ToMicros(condition.grace());
  rules.reorder_tolerance_us = condition.has_reorder_tolerance()
                                   ? ToMicros(condition.reorder_tolerance())
                                   : limits::kDefaultReorderToleranceUs;
  rules.clock_skew_us =
      condition.has_clock_skew() ? ToMicros(condition.clock_skew()) : limits::kDefaultClockSkewUs;
  if (condition.on_repeat() != lapse::v1::FollowUp::ON_REPEAT_UNSPECIFIED) {
    rules.on_repeat = condition.on_repeat();
  }
  return rules;
}

std::unique_ptr<KeyState> NewFollowUpKey(const FollowUpRules& rules) {
  return std::make_unique<FollowUpKey>(rules);
}

absl::StatusOr<std::unique_ptr<KeyState>> ParseFollowUpKey(const FollowUpRules& rules,
                                                           absl::string_view bytes) {
  return FollowUpCodec::Parse(rules, std::string_view(bytes.data(), bytes.size()));
}

}  // namespace lapse::monitors
