// Keys of a follow_up monitor at rest.
//
// A key that nothing but its events made what it is, and no more than two of them, is kept as those
// events; it thaws by being told them again. So is a primary whose deadline has passed. Any other
// is kept as its FollowUpKeyState, with packed summaries.
//
//   events    | times of each | summary of each, that of the last event first |
//   fired     | times | when it fired, from its deadline on | summary |
//   state     | live | next mark, where live | last receive time | size | FollowUpKeyState |
#ifndef LAPSE_MONITORS_FOLLOW_UP_FROZEN_H_
#define LAPSE_MONITORS_FOLLOW_UP_FROZEN_H_

#include <memory>
#include <string_view>

#include "monitors/follow_up.h"
#include "monitors/frozen_key.h"

namespace lapse::monitors {

class FollowUpFreezer final : public KeyFreezer {
 public:
  // Stand in checkpoints: they never change.
  enum Form : FrozenForm {
    // A primary that is open.
    kOpen = 1,
    // A secondary, or a cancel, that found nothing.
    kSecondary = 2,
    kCancel = 3,
    // A primary, and what ended it in order and in time.
    kMet = 4,
    kCancelled = 5,
    // A primary whose deadline has passed; its alert is firing.
    kFired = 6,
    kState = 8,
  };

  // `rules` outlive it.
  explicit FollowUpFreezer(const FollowUpRules& rules) : rules_(rules) {}

  FrozenForm OnFirstEvent(const KeyEvent& event, std::string_view key, const Now& now,
                          PackContext& context, ByteWriter& to, Output& out) const override;
  FrozenForm OnEvent(const FrozenKey& from, const KeyEvent& event, const Now& now,
                     PackContext& context, ByteWriter& to, Output& out) const override;
  FrozenForm OnMark(const FrozenKey& from, const Now& now, PackContext& context, ByteWriter& to,
                    Output& out) const override;
  FrozenForm Freeze(const KeyState& state, std::string_view key, PackContext& context,
                    ByteWriter& to) const override;
  absl::StatusOr<std::unique_ptr<KeyState>> Thaw(const FrozenKey& frozen,
                                                 const PackContext& context) const override;
  RestingKey Look(const FrozenKey& frozen, const PackContext& context) const override;
  void ForEach(const FrozenKey& frozen, const PackContext& context,
               absl::FunctionRef<void(const ListedExpectation&)> visit) const override;

 private:
  int64_t FireTimeUs(const EventTimes& primary) const;
  Transition Opened(const EventTimes& primary) const;
  int64_t CloseTimeUs(const EventTimes& primary) const;
  Transition Fired(const EventTimes& primary, int64_t write_time_us) const;
  Transition Ended(const EventTimes& primary, const EventTimes& by, Role role) const;
  absl::StatusOr<std::unique_ptr<KeyState>> ThawEvents(const FrozenKey& frozen,
                                                       const PackContext& context) const;
  absl::StatusOr<std::unique_ptr<KeyState>> ThawState(const FrozenKey& frozen,
                                                      const PackContext& context) const;

  const FollowUpRules& rules_;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_FOLLOW_UP_FROZEN_H_
