// What the verdicts and alerts must be, by a method that is slow and simple and shares no code with
// monitors/: keep every event, and after each one judge the whole key anew, row by row of the table
// in docs/design/time-and-matching.md.
//
// Holds for keys that never reach a limit (limits::kMaxOpenPerKey and the like), and for less than
// 30 days.
#ifndef LAPSE_TEST_SIMULATION_ORACLE_H_
#define LAPSE_TEST_SIMULATION_ORACLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lapse/v1/alert.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "test/simulation/reference_log.h"

namespace lapse::simulation {

enum class Part { kPrimary, kSecondary, kCancel };

struct Rules {
  int64_t within_us = 0;
  int64_t grace_us = 0;
  int64_t tolerance_us = 0;
  int64_t skew_us = 0;
  lapse::v1::FollowUp::OnRepeat on_repeat = lapse::v1::FollowUp::ON_REPEAT_KEEP_FIRST;
};

struct KeyedEvent {
  Part part = Part::kPrimary;
  int64_t sequence = 0;
  int64_t time_us = 0;
  // Its place among the others: its time, or for a straggler the largest before it.
  int64_t order_us = 0;
  // Of a primary: its expectation fires at the first mark after it.
  int64_t fire_us = 0;
  std::string source;
  std::string id;

  bool straggler() const { return order_us != time_us; }
};

// What the table says of a primary.
enum class Judged { kNotOpened, kOpen, kMissed, kMet, kLate, kCancelledLate, kCancelled, kShed };

struct Judgement {
  Judged judged = Judged::kNotOpened;
  // Index of the event that ended it; -1 for none.
  int by = -1;
};

struct AlertModel {
  // Each change's state and reason, oldest first.
  std::vector<std::pair<lapse::v1::Alert::State, lapse::v1::Alert::Reason>> changes;
  int64_t fire_time_us = 0;
  int64_t resolve_time_us = 0;
  bool detected_late = false;
};

struct ExpectationModel {
  std::string key;
  int64_t revision = 0;
  int64_t primary_sequence = 0;
  int64_t due_us = 0;
  int64_t grace_us = 0;
  lapse::v1::Verdict verdict = lapse::v1::VERDICT_UNSPECIFIED;
  lapse::v1::VerdictReason reason = lapse::v1::VERDICT_REASON_UNSPECIFIED;
  int64_t ending_sequence = 0;
  int64_t elapsed_us = -1;
  int64_t lateness_us = -1;
  AlertModel alert;

  bool fired = false;
  bool final = false;
  // Events up to it still find it in the table, once it is final.
  int64_t final_sequence = 0;
  Judgement last;
};

struct Books {
  int64_t opened = 0;
  std::map<lapse::v1::Verdict, int64_t> by_verdict;
  int64_t ignored = 0;
  int64_t no_key = 0;
  int64_t stragglers = 0;
};

// One key of one revision.
class KeyModel {
 public:
  KeyModel(const Rules& rules, std::string key, int64_t revision)
      : rules_(rules), key_(std::move(key)), revision_(revision) {}

  struct Now {
    int64_t mark_us = 0;
    int64_t write_us = 0;
    int64_t settle_us = 0;
    int64_t retention_us = 0;
  };

  void Take(const ReferenceEvent& event, Part part, const Now& now, Books& books);
  void Mark(const Now& now);
  // Nothing is live, and no event was received for the retention: the next one is the first.
  bool IsForgotten(const Now& now) const;
  void CancelPending(lapse::v1::VerdictReason reason);
  void Close(int64_t primary_sequence, const Now& now);
  // Something is pending or firing, and not final.
  bool IsLive() const;

  const std::map<int64_t, ExpectationModel>& expectations() const { return expectations_; }

 private:
  KeyedEvent Place(const ReferenceEvent& event, Part part, const Now& now) const;
  std::vector<Judgement> Judge() const;
  void Show(const std::vector<Judgement>& judgements, lapse::v1::Alert::Reason firing_reason,
            const Now& now);
  void ShowOne(ExpectationModel& one, const KeyedEvent& primary,
               lapse::v1::Alert::Reason firing_reason, const Now& now);
  void SetVerdict(ExpectationModel& one, const KeyedEvent& primary) const;
  void ChangeAlert(ExpectationModel& one, lapse::v1::Alert::Reason reason, const Now& now);

  Rules rules_;
  std::string key_;
  int64_t revision_;
  // The latest of its events.
  int64_t receive_time_us_ = 0;
  // In order.
  std::vector<KeyedEvent> events_;
  // By the primary's sequence.
  std::map<int64_t, ExpectationModel> expectations_;
};

struct MonitorModel {
  std::string name;
  std::string uid;
  // 0: deleted.
  int64_t in_force = 0;
  bool disabled = false;
  std::map<int64_t, lapse::v1::FollowUp> conditions;
  std::map<std::pair<int64_t, std::string>, KeyModel> keys;
  // Keys that are not kept any more, by revision: their books and alerts stay.
  std::vector<std::pair<int64_t, KeyModel>> forgotten;
  // But for what is counted over its expectations.
  Books books;
};

class Oracle {
 public:
  // Entries in order.
  void Apply(const ReferenceEntry& entry);

  int64_t position() const { return position_; }
  // By uid.
  const std::map<std::string, MonitorModel>& monitors() const { return monitors_; }
  static Books BooksOf(const MonitorModel& monitor);

 private:
  void Forget(MonitorModel& monitor) const;
  void ApplyControl(const lapse::internal::v1::ControlRecord& control);
  void ApplyEvent(const ReferenceEvent& event, MonitorModel& monitor);
  void ApplyEvent(const ReferenceEvent& event, int64_t revision,
                  const lapse::v1::FollowUp& condition, MonitorModel& monitor);

  int64_t position_ = 0;
  KeyModel::Now now_;
  std::map<std::string, MonitorModel> monitors_;
};

}  // namespace lapse::simulation

#endif  // LAPSE_TEST_SIMULATION_ORACLE_H_
