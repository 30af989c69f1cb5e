// What a condition keeps for one key of one monitor revision, and the pure decisions on it. This is
// the wall between the kinds of conditions (follow_up now; sequence, heartbeat, frequency,
// unexpected, aggregate later) and the shard, which knows only keys, events, times and transitions.
// docs/design/conditions.md shows how each kind is kept, timed and replayed behind it.
#ifndef LAPSE_MONITORS_KEY_STATE_H_
#define LAPSE_MONITORS_KEY_STATE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "lapse/v1/alert.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "storage/event_view.h"

namespace lapse::monitors {

// In the order in which events at the same time are judged.
enum class Role : uint8_t { kPrimary = 0, kSecondary = 1, kCancel = 2 };

// An event in the role it plays for the key at hand. `event` is valid during the call only.
struct KeyEvent {
  Role role = Role::kPrimary;
  int64_t sequence = 0;
  int64_t time_us = 0;
  int64_t receive_time_us = 0;
  const storage::EventView* event = nullptr;
};

// "Now", as the log has it: a decision never reads a clock.
struct Now {
  // The time mark that the key has been brought to: OnMark has this entry's mark; OnEvent has the
  // mark of the entry before.
  int64_t mark_time_us = 0;
  // The wall clock at the commit of the entry at hand.
  int64_t write_time_us = 0;
  // From the last ServerStart of the log.
  int64_t settle_us = 0;
  int64_t idle_key_retention_us = 0;
};

// What happens to the alert of an expectation, as part of a transition.
struct AlertEffect {
  lapse::v1::Alert::State state = lapse::v1::Alert::STATE_UNSPECIFIED;
  lapse::v1::Alert::Reason reason = lapse::v1::Alert::REASON_UNSPECIFIED;
  // Counts the alert's changes, from 1. A pure function of the log, which is what makes storing
  // alerts idempotent.
  int64_t version = 0;
  // Whether notifiers are told.
  bool notify = false;
  // 0 where it never fired.
  int64_t fire_time_us = 0;
  int64_t resolve_time_us = 0;
  bool detected_late = false;
  std::string close_note;
};

// One change of one expectation. Transitions are told in the order in which they happened.
struct Transition {
  int64_t primary_sequence = 0;
  // As the books count it. VERDICT_UNSPECIFIED in `from`: it has just been opened. Equal where only
  // the alert changes.
  lapse::v1::Verdict from = lapse::v1::VERDICT_UNSPECIFIED;
  lapse::v1::Verdict to = lapse::v1::VERDICT_UNSPECIFIED;
  lapse::v1::VerdictReason reason = lapse::v1::VERDICT_REASON_UNSPECIFIED;
  int64_t primary_time_us = 0;
  int64_t due_us = 0;
  // -1 where it has none. `previous_elapsed_us` is what `from` had, so that percentiles can take it
  // back.
  int64_t elapsed_us = -1;
  int64_t previous_elapsed_us = -1;
  int64_t lateness_us = -1;
  int64_t ending_sequence = 0;
  // Serialized lapse.v1.EventSummary; `secondary` is empty where no event amended it. Filled only
  // with `alert`.
  std::string primary_summary;
  std::string secondary_summary;
  bool has_alert = false;
  AlertEffect alert;
};

// What a decision gives out. Counters are added to the monitor's books in this key's partition.
struct Output {
  std::vector<Transition> transitions;
  int64_t ignored = 0;
  int64_t stragglers = 0;
};

// An expectation as a listing shows it; `alert_version` is 0 where no alert was made.
struct ListedExpectation {
  int64_t primary_sequence = 0;
  int64_t primary_time_us = 0;
  int64_t due_us = 0;
  lapse::v1::Verdict verdict = lapse::v1::VERDICT_UNSPECIFIED;
  lapse::v1::VerdictReason reason = lapse::v1::VERDICT_REASON_UNSPECIFIED;
  int64_t ending_sequence = 0;
  int64_t elapsed_us = -1;
  int64_t lateness_us = -1;
  int64_t alert_version = 0;
};

inline constexpr int64_t kNever = INT64_MAX;

// The state of one key. Used by one thread at a time. Methods are deterministic: the same calls on
// the same state give the same state and output, which is what a replay relies on.
class KeyState {
 public:
  virtual ~KeyState() = default;

  // An event arrives for this key, in log order.
  virtual void OnEvent(const KeyEvent& event, const Now& now, Output& out) = 0;

  // The time mark has come to now.mark_time_us: fires what is past, closes what is too old.
  virtual void OnMark(const Now& now, Output& out) = 0;

  // The mark at which OnMark has next something to do; kNever where nothing. After OnMark(now) it
  // is greater than now.mark_time_us. A mark fires a deadline when it is greater than due + grace.
  virtual int64_t NextMarkUs(const Now& now) const = 0;

  // The monitor was disabled or deleted: what is PENDING becomes CANCELLED with `reason`.
  virtual void CancelPending(lapse::v1::VerdictReason reason, const Now& now, Output& out) = 0;

  // An alert is closed by hand. Returns false where this key has no such firing alert (the close
  // changes nothing).
  virtual bool CloseAlert(int64_t primary_sequence, const std::string& note, const Now& now,
                          Output& out) = 0;

  // Whether an old revision must still see secondaries and cancels for this key.
  virtual bool IsLive() const = 0;

  // Whether the key can be forgotten: nothing is pending or amendable and the last event is
  // idle_key_retention past.
  virtual bool IsForgettable(const Now& now) const = 0;

  virtual void ForEach(absl::FunctionRef<void(const ListedExpectation&)> visit) const = 0;

  // For checkpoints. Equal states serialize to equal bytes.
  virtual void Serialize(std::string* out) const = 0;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_KEY_STATE_H_
