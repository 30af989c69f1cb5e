// A backfill of old events for one key kept every one of them and judged all of them again for
// each: memory without bound, and a shard that stood still.

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "monitors/follow_up_driver.h"
#include "storage/event_batch.h"

namespace lapse::monitors {
namespace {

size_t SizeOf(const KeyState& key) {
  std::string state;
  key.Serialize(&state);
  return state.size();
}

TEST(HotKey, ABackfillOfOneKeyKeepsNoMoreThanTheLimit) {
  FollowUpRules rules;
  rules.within_us = 10 * limits::kMicrosPerSecond;
  rules.reorder_tolerance_us = 10 * limits::kMicrosPerSecond;
  const auto key = NewFollowUpKey(rules);
  lapse::v1::Event event;
  event.set_type("begun");
  constexpr int64_t kNow = 1'700'000'000 * limits::kMicrosPerSecond;
  constexpr int kBackfill = 3 * static_cast<int>(limits::kMaxRecentPerKey);
  const Now now{.mark_time_us = kNow, .write_time_us = kNow};
  Output output;
  size_t size_at_limit = 0;
  for (int i = 0; i <= kBackfill; ++i) {
    event.set_id(std::to_string(i));
    // The first one is now; the others are of the day before, so all of them stand at its place.
    const int64_t time_us = i == 0 ? kNow : kNow - limits::kMicrosPerDay + i;
    // Cancels of nothing: they change no verdict and still have their place in the order.
    key->OnEvent({.role = Role::kCancel,
                  .sequence = i + 1,
                  .time_us = time_us,
                  .receive_time_us = kNow,
                  .event = &storage::EventBatch::Of(event).events()[0]},
                 now, output);
    if (i + 1 == static_cast<int>(limits::kMaxRecentPerKey)) size_at_limit = SizeOf(*key);
  }
  EXPECT_EQ(output.stragglers, kBackfill);
  // Three times as many events take no more than the limit's worth, but for longer ids.
  EXPECT_LT(SizeOf(*key), size_at_limit * 5 / 4);
}

}  // namespace
}  // namespace lapse::monitors
