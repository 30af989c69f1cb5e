// The condition follow_up: the secondary must follow the primary within a time, for the same key,
// unless cancelled. The rules are those of docs/design/time-and-matching.md, word for word.
#ifndef LAPSE_MONITORS_FOLLOW_UP_H_
#define LAPSE_MONITORS_FOLLOW_UP_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/key_state.h"

namespace lapse::monitors {

// The rules of one monitor revision, in microseconds. Immutable; outlives its keys.
struct FollowUpRules {
  int64_t within_us = 0;
  int64_t grace_us = 0;
  int64_t reorder_tolerance_us = 0;
  int64_t clock_skew_us = 0;
  lapse::v1::FollowUp::OnRepeat on_repeat = lapse::v1::FollowUp::ON_REPEAT_KEEP_FIRST;
};

// Defaults are filled in.
FollowUpRules MakeFollowUpRules(const lapse::v1::FollowUp& condition);

std::unique_ptr<KeyState> NewFollowUpKey(const FollowUpRules& rules);

// From KeyState::Serialize. DATA_LOSS for bytes that it cannot have written; never crashes.
absl::StatusOr<std::unique_ptr<KeyState>> ParseFollowUpKey(const FollowUpRules& rules,
                                                           absl::string_view bytes);

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_FOLLOW_UP_H_
