// One key of a follow_up monitor: places its events, judges them, and shows what is judged.
#ifndef LAPSE_MONITORS_FOLLOW_UP_KEY_H_
#define LAPSE_MONITORS_FOLLOW_UP_KEY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "monitors/follow_up.h"
#include "monitors/follow_up_event.h"
#include "monitors/follow_up_fold.h"
#include "monitors/follow_up_recent.h"
#include "monitors/follow_up_tracker.h"
#include "monitors/key_state.h"

namespace lapse::monitors {

class FollowUpKey final : public KeyState {
 public:
  // `rules` outlives it.
  explicit FollowUpKey(const FollowUpRules& rules) : rules_(rules) {}

  void OnEvent(const KeyEvent& event, const Now& now, Output& out) override;
  // As OnEvent; `summary` is the event's, which is not looked at.
  void OnSummarized(const KeyEvent& event, std::string summary, const Now& now, Output& out);
  void OnMark(const Now& now, Output& out) override;
  // Where nothing is live, the mark at which the key can be forgotten.
  int64_t NextMarkUs(const Now& now) const override;
  void CancelPending(lapse::v1::VerdictReason reason, const Now& now, Output& out) override;
  bool CloseAlert(int64_t primary_sequence, const std::string& note, const Now& now,
                  Output& out) override;
  bool IsLive() const override { return tracker_.live_count() > 0; }
  bool IsForgettable(const Now& now) const override;
  int64_t LastReceiveTimeUs() const override { return last_receive_time_us_; }
  // Of those that have ended, the newest kMaxListedEnded.
  void ForEach(absl::FunctionRef<void(const ListedExpectation&)> visit) const override;
  void Serialize(std::string* out) const override;

  // What its size grows with; an event may count twice.
  size_t EventCount() const { return recent_.size() + tracker_.expectations().size(); }

 private:
  friend class FollowUpCodec;

  PlacedEventRef Place(const KeyEvent& event, std::string summary, const Now& now,
                       Output& out) const;
  int64_t FireTimeUs(const KeyEvent& event, const Now& now) const;

  // Each sets what the current result says, and returns the primaries concerned, in order.
  Primaries JudgeInOrder(PlacedEvent& event);
  Primaries JudgeAgain();
  Primaries ResetJudgements();

  // Moves what nothing can change any more into the settled part.
  void Settle();
  void SettleFinal();
  void Fix(PlacedEvent& primary);

  void Show(PlacedEvent& primary, const Now& now, Output& out);
  void Fire(PlacedEvent& primary, const Now& now, Output& out);
  void CloseByAge(PlacedEvent& primary, const Now& now, Output& out);
  void CloseBeyondLimits(const Now& now, Output& out);
  // The caller then takes it out of the current result.
  void MakeFinal(PlacedEvent& primary);

  // After every change of a primary that has an expectation.
  void Track(PlacedEvent& primary);
  int64_t WakeUs(const PlacedEvent& primary) const;

  static constexpr int64_t kNoneFinal = -1;

  const FollowUpRules& rules_;
  RecentEvents recent_;
  // Over the events before the recent ones, and over all. Both point into tracker_.
  FollowUpFold settled_;
  FollowUpFold current_;
  ExpectationTracker tracker_;
  int64_t last_sequence_ = 0;
  int64_t last_receive_time_us_ = 0;
  // H when the last expectation became final: once that is settled, none of them is judged again.
  int64_t final_until_us_ = kNoneFinal;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_FOLLOW_UP_KEY_H_
