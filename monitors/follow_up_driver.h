// Drives one follow_up key in tests: feeds it events and marks in seconds, gathers what it shows,
// and checks of each transition that it goes on from the one before.
#ifndef LAPSE_MONITORS_FOLLOW_UP_DRIVER_H_
#define LAPSE_MONITORS_FOLLOW_UP_DRIVER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "monitors/follow_up.h"
#include "monitors/key_state.h"

namespace lapse::monitors {

// Within 60 s, no grace, tolerance 10 s, skew 1 s, KEEP_FIRST, unless a test says otherwise.
FollowUpRules TestRules(
    lapse::v1::FollowUp::OnRepeat on_repeat = lapse::v1::FollowUp::ON_REPEAT_KEEP_FIRST);

int64_t Micros(double seconds);

// What was told of one expectation.
struct Told {
  lapse::v1::Verdict verdict = lapse::v1::VERDICT_UNSPECIFIED;
  lapse::v1::VerdictReason reason = lapse::v1::VERDICT_REASON_UNSPECIFIED;
  std::string ended_by;
  // In seconds; negative for none.
  double elapsed = -1;
  double lateness = -1;
  std::vector<Transition> transitions;
  // The changes of its alert: version n is at n - 1.
  std::vector<AlertEffect> alerts;

  // STATE_UNSPECIFIED and REASON_UNSPECIFIED where there is no alert.
  AlertEffect alert() const { return alerts.empty() ? AlertEffect() : alerts.back(); }
};

class FollowUpDriver {
 public:
  explicit FollowUpDriver(const FollowUpRules& rules);

  // An event with the id `id`, that occurred at `time` and is received now; a `time` ahead of now
  // first brings the key to it. Ids are unique in a test.
  void Primary(double time, const std::string& id) { Event(Role::kPrimary, time, id); }
  void Secondary(double time, const std::string& id) { Event(Role::kSecondary, time, id); }
  void Cancel(double time, const std::string& id) { Event(Role::kCancel, time, id); }
  void Event(Role role, double time, const std::string& id, const std::string& source = "test");

  // Brings the mark to `time`, stopping at each mark that the key asks for.
  void MarkTo(double time);
  // One mark alone, committed at `write`: as after a restart.
  void JumpTo(double mark, double write);
  void MarkAll() { MarkTo(100'000'000); }

  void CancelPending(lapse::v1::VerdictReason reason);
  bool CloseAlert(const std::string& id, const std::string& note);
  bool CloseAlertOf(int64_t primary_sequence, const std::string& note = "");

  // Of a primary; of one that never opened, all unspecified.
  const Told& Of(const std::string& id) { return told_[id]; }
  lapse::v1::Verdict VerdictOf(const std::string& id) { return Of(id).verdict; }
  const std::map<std::string, Told>& told() const { return told_; }
  // Every transition, in the order in which they were told.
  const std::vector<Transition>& transitions() const { return output_.transitions; }
  int64_t ignored() const { return output_.ignored; }
  int64_t stragglers() const { return output_.stragglers; }

  KeyState& key() { return *key_; }
  Now now() const { return now_; }
  int64_t NextMarkUs() const { return key_->NextMarkUs(now_); }
  std::vector<ListedExpectation> List() const;
  std::string Bytes() const;
  // Serializes the key and goes on with what is parsed from that.
  void Reparse();

 private:
  void Gather(size_t from);
  void Gather(const Transition& transition);
  void GatherAlert(const Transition& transition, Told& told);

  // Kept in place: the key refers to it.
  std::unique_ptr<FollowUpRules> rules_;
  std::unique_ptr<KeyState> key_;
  Now now_;
  Output output_;
  int64_t last_sequence_ = 0;
  std::map<int64_t, std::string> ids_;
  std::map<std::string, Told> told_;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_FOLLOW_UP_DRIVER_H_
