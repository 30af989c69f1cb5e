// The state of a follow_up key, and what events then make of it: refused, or a key that goes on.
#include <algorithm>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/limits.h"
#include "monitors/follow_up.h"
#include "monitors/key_state.h"
#include "storage/event_view.h"
#include "test/fuzz/fuzz_target.h"

namespace {

using lapse::monitors::KeyState;
using lapse::monitors::Now;
using lapse::monitors::Output;
using lapse::monitors::Role;

constexpr int64_t kSecond = lapse::limits::kMicrosPerSecond;
constexpr int kMaxEvents = 24;

lapse::monitors::FollowUpRules RulesOf(uint8_t choice) {
  using lapse::v1::FollowUp;
  constexpr FollowUp::OnRepeat kOnRepeats[] = {
      FollowUp::ON_REPEAT_KEEP_FIRST, FollowUp::ON_REPEAT_RESTART, FollowUp::ON_REPEAT_STACK};
  lapse::monitors::FollowUpRules rules;
  rules.within_us = 10 * kSecond;
  rules.grace_us = choice % 2 == 0 ? 0 : 2 * kSecond;
  rules.reorder_tolerance_us = 10 * kSecond;
  rules.clock_skew_us = kSecond;
  rules.on_repeat = kOnRepeats[choice / 2 % 3];
  return rules;
}

// Events whose roles and times come from the input.
void GoOn(KeyState& key, lapse::fuzz::Input& input) {
  Output output;
  Now now{
      .mark_time_us = 1'000 * kSecond, .write_time_us = 1'000 * kSecond, .settle_us = 5 * kSecond};
  lapse::v1::Event event;
  event.set_id("x");
  event.set_source("s");
  event.set_type("t");
  const std::string bytes = event.SerializeAsString();
  lapse::storage::EventView view;
  FUZZ_CHECK(lapse::storage::EventView::Scan(bytes, &view));
  for (int i = 0; i < kMaxEvents && !input.Rest().empty(); ++i) {
    const uint8_t what = input.Byte();
    const int64_t time_us =
        now.mark_time_us + (static_cast<int8_t>(input.Byte()) - 30) * kSecond / 4;
    now.mark_time_us += what / 16 * kSecond / 4;
    now.write_time_us = now.mark_time_us;
    if (what % 8 == 7) {
      key.OnMark(now, output);
    } else if (what % 8 == 6) {
      key.CloseAlert(input.Byte(), "note", now, output);
    } else if (what % 8 == 5) {
      key.CancelPending(lapse::v1::VERDICT_REASON_MONITOR_DISABLED, now, output);
    } else {
      key.OnEvent({.role = static_cast<Role>(what % 3),
                   .sequence = 1'000'000 + i,
                   .time_us = std::min(time_us, now.mark_time_us),
                   .receive_time_us = now.mark_time_us,
                   .event = &view},
                  now, output);
    }
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lapse::fuzz::Input input(data, size);
  const lapse::monitors::FollowUpRules rules = RulesOf(input.Byte());
  const std::string bytes(input.Part());
  auto key = lapse::monitors::ParseFollowUpKey(rules, bytes);
  FUZZ_CHECK(key.ok() || absl::IsDataLoss(key.status()));
  if (!key.ok()) return 0;
  GoOn(**key, input);
  std::string written;
  (*key)->Serialize(&written);
  auto again = lapse::monitors::ParseFollowUpKey(rules, written);
  FUZZ_CHECK(again.ok());
  std::string rewritten;
  (*again)->Serialize(&rewritten);
  FUZZ_CHECK(rewritten == written);
  return 0;
}
