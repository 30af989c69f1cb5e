// One key of a follow_up monitor: places its events, judges them, and shows what is judged.
#ifndef LAPSE_MONITORS_FOLLOW_UP_KEY_H_
#define LAPSE_MONITORS_FOLLOW_UP_KEY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "monitors/follow_up.h"
#include "monitors/follow_up_event.h"
#include "monitors/follow_up_fold.h"
#include "monitors/follow_up_recent.h"
#include "monitors/key_state.h"

namespace lapse::internal::v1 {
class FollowUpKeyState;
}

namespace lapse::monitors {

// Of the expectations that have ended and can no longer change, the newest stay listed until the
// key is forgotten.
inline constexpr size_t kMaxListedEnded = 16;

class FollowUpKey final : public KeyState {
 public:
  // `rules` outlives it.
  explicit FollowUpKey(const FollowUpRules& rules) : rules_(rules) {}

  // follow_up_codec.cc. DATA_LOSS for bytes that Serialize cannot have written.
  static absl::StatusOr<std::unique_ptr<FollowUpKey>> Parse(const FollowUpRules& rules,
                                                            std::string_view bytes);
  void Serialize(std::string* out) const override;

  void OnEvent(const KeyEvent& event, const Now& now, Output& out) override;
  void OnMark(const Now& now, Output& out) override;
  // Also the mark at which the key can be forgotten, where nothing else is awaited.
  int64_t NextMarkUs(const Now& now) const override;
  void CancelPending(lapse::v1::VerdictReason reason, const Now& now, Output& out) override;
  bool CloseAlert(int64_t primary_sequence, const std::string& note, const Now& now,
                  Output& out) override;
  bool IsLive() const override { return live_count_ > 0; }
  bool IsForgettable(const Now& now) const override;
  void ForEach(absl::FunctionRef<void(const ListedExpectation&)> visit) const override;

 private:
  using Expectations = absl::InlinedVector<PlacedEventRef, 2>;
  // A mark that a primary waits for; void where it no longer does (Expectation::wake_us).
  struct Timer {
    int64_t mark_us = 0;
    PlacedEvent* primary = nullptr;
  };

  PlacedEventRef Place(const KeyEvent& event, const Now& now, Output& out) const;
  int64_t FireTimeUs(const KeyEvent& event, const Now& now) const;

  // Judging: each sets what the current result says of the primaries concerned, in order.
  Primaries JudgeInOrder(PlacedEvent& event);
  Primaries JudgeAgain();
  void ResetJudgements(Primaries& concerned);
  void Settle();
  void SettleFinal(int64_t horizon_us);
  void Fix(PlacedEvent& primary);

  // Showing.
  void Show(PlacedEvent& primary, const Now& now, Output& out);
  void AddExpectation(PlacedEvent& primary);
  void Fire(PlacedEvent& primary, const Now& now, Output& out);
  void CloseByAge(PlacedEvent& primary, const Now& now, Output& out);
  void CloseBeyondLimit(const Now& now, Output& out);
  void MakeFinal(PlacedEvent& primary);

  // Keeping track of what is awaited and what can go.
  void Track(PlacedEvent& primary);
  int64_t CloseTimeUs(const PlacedEvent& primary) const;
  int64_t WakeUs(const PlacedEvent& primary) const;
  void PushTimer(PlacedEvent& primary);
  Timer PopTimer();
  void DropStaleTimers();
  void DropEnded();
  size_t UnlistedCount() const;

  // follow_up_codec.cc.
  class Decoder;
  void CollectEvents(absl::InlinedVector<const PlacedEvent*, 8>& events) const;

  const FollowUpRules& rules_;
  RecentEvents recent_;
  // Over the events before the recent ones; over all of them.
  FollowUpFold settled_;
  FollowUpFold current_;
  // Every expectation that can change, and the newest of those that cannot; in order of primaries.
  // Owns what the folds and timers point to.
  Expectations expectations_;
  // A heap.
  absl::InlinedVector<Timer, 1> timers_;
  int64_t last_sequence_ = 0;
  int64_t last_receive_time_us_ = 0;
  // H when the last expectation became final: once it is settled, none of them is judged again.
  int64_t final_until_us_ = kNoneFinal;
  size_t live_count_ = 0;
  size_t droppable_count_ = 0;

  static constexpr int64_t kNoneFinal = -1;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_FOLLOW_UP_KEY_H_
