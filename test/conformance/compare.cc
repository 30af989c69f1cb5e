#include "test/conformance/compare.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/proto_time.h"

namespace lapse::conformance {
namespace {

using bench::ExpectedVerdict;
using lapse::v1::Alert;
using lapse::v1::Expectation;
using lapse::v1::MonitorStats;

bool IsSetApart(const Alert& alert) {
  return alert.reason() == Alert::REASON_RECEIVED_LATE ||
         alert.reason() == Alert::REASON_SUPERSEDED;
}

bool IsFiringReason(Alert::Reason reason) {
  return reason == Alert::REASON_DEADLINE_PASSED || reason == Alert::REASON_REJUDGED;
}

std::string EventName(const Scenario& scenario, int64_t event) {
  if (event < 0) return "none";
  const lapse::v1::Event& found = scenario.workload.events[event];
  return absl::StrCat(found.source(), "/", found.id());
}

std::string Describe(const Scenario& scenario, const ExpectedVerdict* expected) {
  if (expected == nullptr) return "no expectation";
  return absl::StrCat(lapse::v1::Verdict_Name(expected->verdict), " (",
                      lapse::v1::VerdictReason_Name(expected->reason), ") by ",
                      EventName(scenario, expected->ending_event), ", elapsed ",
                      expected->elapsed_us, " us, lateness ", expected->lateness_us, " us, alert ",
                      Alert::State_Name(expected->alert_state), " (",
                      Alert::Reason_Name(expected->alert_reason), ")");
}

// Compares one monitor's part of an outcome.
class MonitorComparison {
 public:
  MonitorComparison(const Scenario& scenario, const std::vector<int64_t>& event_of_sequence,
                    const Watched& watched, Counts& counts, Differences& differences)
      : scenario_(scenario),
        event_of_sequence_(event_of_sequence),
        watched_(watched),
        counts_(counts),
        differences_(differences),
        listed_(watched.expected.size()),
        alerted_(watched.expected.size()) {}

  void CompareBooks(const MonitorStats& stats);
  void CompareExpectation(const Expectation& shown);
  void CompareAlert(const AlertHistory& history);
  // After all of the above.
  void CompareAbsent(bool all_listed);

 private:
  int64_t EventOf(int64_t sequence) const {
    const bool known = sequence > 0 && sequence < static_cast<int64_t>(event_of_sequence_.size());
    return known ? event_of_sequence_[sequence] : -1;
  }

  // Index in watched_.expected; -1 where no expectation must have that primary.
  int64_t Find(int64_t primary_sequence) const {
    const auto found = watched_.by_primary.find(EventOf(primary_sequence));
    return found == watched_.by_primary.end() ? -1 : found->second;
  }

  bool Agrees(const ExpectedVerdict& expected, const Expectation& shown) const;
  bool EndsAgree(const ExpectedVerdict& expected, const Expectation& shown) const;
  bool Agrees(const ExpectedVerdict& expected, const Alert& alert) const;
  bool IsCancel(int64_t event) const;
  void CountChanges(const AlertHistory& history);
  void Add(const std::string& key, const std::string& what, const std::string& shown,
           const ExpectedVerdict* expected);

  const Scenario& scenario_;
  const std::vector<int64_t>& event_of_sequence_;
  const Watched& watched_;
  Counts& counts_;
  Differences& differences_;
  // Which of the expected ones were shown, and had an alert.
  std::vector<bool> listed_;
  std::vector<bool> alerted_;
};

void MonitorComparison::CompareBooks(const MonitorStats& stats) {
  const bench::ExpectedBooks& books = watched_.books;
  const bool balanced = stats.opened() == stats.met() + stats.late() + stats.missed() +
                                              stats.cancelled() + stats.shed() + stats.withdrawn() +
                                              stats.pending();
  const bool same = stats.opened() == books.opened + stats.withdrawn() &&
                    stats.met() == books.met && stats.late() == books.late &&
                    stats.missed() == books.missed && stats.cancelled() == books.cancelled &&
                    stats.shed() == books.shed && stats.pending() == books.pending &&
                    stats.stragglers() == 0 && stats.conflicts() == 0;
  counts_.withdrawn += stats.withdrawn();
  if (balanced && same) return;
  differences_.Add(absl::StrCat(
      watched_.monitor.name(), balanced ? "" : ": books do not balance", ": shown\n",
      stats.DebugString(), "  expected opened ", books.opened, " and those withdrawn, met ",
      books.met, ", late ", books.late, ", missed ", books.missed, ", cancelled ", books.cancelled,
      ", shed ", books.shed, ", pending ", books.pending));
}

bool MonitorComparison::IsCancel(int64_t event) const {
  return event >= 0 && scenario_.workload.events[event].type() ==
                           watched_.monitor.follow_up().cancel().event_type();
}

bool MonitorComparison::EndsAgree(const ExpectedVerdict& expected, const Expectation& shown) const {
  const int64_t ending = EventOf(shown.ending_sequence());
  // The oracle does not say which cancel came too late.
  if (expected.alert_reason == Alert::REASON_CANCELLED_LATE) return IsCancel(ending);
  return ending == expected.ending_event && (ending >= 0 || shown.ending_sequence() == 0);
}

bool MonitorComparison::Agrees(const ExpectedVerdict& expected, const Expectation& shown) const {
  const int64_t elapsed_us = shown.has_elapsed() ? ToMicros(shown.elapsed()) : -1;
  const int64_t lateness_us = shown.has_lateness() ? ToMicros(shown.lateness()) : -1;
  return shown.verdict() == expected.verdict && shown.reason() == expected.reason &&
         shown.key() == expected.key &&
         ToMicros(shown.primary_time()) == expected.primary_time_us &&
         ToMicros(shown.due_time()) == expected.due_us && EndsAgree(expected, shown) &&
         elapsed_us == expected.elapsed_us && lateness_us == expected.lateness_us;
}

void MonitorComparison::CompareExpectation(const Expectation& shown) {
  const int64_t index = Find(shown.primary_sequence());
  if (index < 0 && shown.verdict() == lapse::v1::VERDICT_WITHDRAWN) return;
  const ExpectedVerdict* expected = index < 0 ? nullptr : &watched_.expected[index];
  if (expected != nullptr) {
    if (!listed_[index]) ++counts_.verdicts;
    const bool twice = listed_[index];
    listed_[index] = true;
    if (!twice && Agrees(*expected, shown)) return;
  }
  Add(shown.key(), absl::StrCat("expectation of sequence ", shown.primary_sequence()),
      shown.ShortDebugString(), expected);
}

void MonitorComparison::CountChanges(const AlertHistory& history) {
  if (history.last.detected_late()) ++counts_.detected_late;
  if (history.last.reason() == Alert::REASON_REJUDGED) ++counts_.rejudged;
  if (history.last.reason() == Alert::REASON_RECEIVED_LATE) ++counts_.received_late;
  if (history.last.reason() == Alert::REASON_SUPERSEDED) ++counts_.superseded;
}

bool MonitorComparison::Agrees(const ExpectedVerdict& expected, const Alert& alert) const {
  const bool firing = expected.alert_state == Alert::STATE_FIRING;
  const bool reason_agrees =
      firing ? IsFiringReason(alert.reason()) : alert.reason() == expected.alert_reason;
  const int64_t secondary = EventOf(alert.secondary_event().sequence());
  const bool secondary_agrees = expected.alert_reason == Alert::REASON_CANCELLED_LATE
                                    ? IsCancel(secondary)
                                    : secondary == expected.ending_event;
  const int64_t lateness_us = alert.has_lateness() ? ToMicros(alert.lateness()) : -1;
  return alert.state() == expected.alert_state && reason_agrees && alert.key() == expected.key &&
         ToMicros(alert.due_time()) == expected.due_us && secondary_agrees &&
         lateness_us == expected.lateness_us && alert.has_resolve_time() != firing;
}

void MonitorComparison::CompareAlert(const AlertHistory& history) {
  CountChanges(history);
  const Alert& alert = history.last;
  const int64_t index = Find(alert.primary_event().sequence());
  const ExpectedVerdict* expected = index < 0 ? nullptr : &watched_.expected[index];
  const bool wanted = expected != nullptr && expected->alert_state != Alert::STATE_UNSPECIFIED;
  if (IsSetApart(alert) && !wanted) {
    // Superseded exactly where there is no expectation after all.
    if ((alert.reason() == Alert::REASON_SUPERSEDED) == (expected == nullptr)) return;
  } else if (wanted && !alerted_[index]) {
    alerted_[index] = true;
    ++counts_.alerts;
    if (Agrees(*expected, alert)) return;
  }
  Add(alert.key(), "alert", alert.ShortDebugString(), expected);
}

void MonitorComparison::CompareAbsent(bool all_listed) {
  for (size_t i = 0; i < watched_.expected.size(); ++i) {
    const ExpectedVerdict& expected = watched_.expected[i];
    if (!alerted_[i] && expected.alert_state != Alert::STATE_UNSPECIFIED) {
      Add(expected.key, "alert", "none", &expected);
    }
    if (listed_[i]) continue;
    ++counts_.unlisted;
    if (all_listed) Add(expected.key, "expectation", "none", &expected);
  }
}

void MonitorComparison::Add(const std::string& key, const std::string& what,
                            const std::string& shown, const ExpectedVerdict* expected) {
  if (!differences_.TellsMore()) return differences_.Add("");
  differences_.Add(
      absl::StrCat(watched_.monitor.name(), ", key ", key, ", ", what, ", primary ",
                   expected == nullptr ? "unknown" : EventName(scenario_, expected->primary_event),
                   "\n  expected: ", Describe(scenario_, expected), "\n  shown: ", shown,
                   "\n  the key's events:\n", DescribeKey(scenario_, watched_, key)));
}

template <typename Message>
void CompareText(const std::string& what, const Message& live, const Message& replayed,
                 Differences& differences) {
  if (live.SerializeAsString() == replayed.SerializeAsString()) return;
  differences.Add(absl::StrCat(what, "\n  live: ", live.ShortDebugString(),
                               "\n  replayed: ", replayed.ShortDebugString()));
}

void CompareExpectations(const MonitorOutcome& live, const MonitorOutcome& replayed,
                         const std::string& name, Differences& differences) {
  if (live.expectations.size() != replayed.expectations.size()) {
    differences.Add(absl::StrCat(name, ": ", live.expectations.size(),
                                 " expectations are listed live, ", replayed.expectations.size(),
                                 " replayed"));
    return;
  }
  for (size_t i = 0; i < live.expectations.size(); ++i) {
    CompareText(name, live.expectations[i], replayed.expectations[i], differences);
  }
}

void CompareHistories(const std::string& name, const AlertHistory& live,
                      const AlertHistories& replayed, Differences& differences) {
  const auto found = replayed.find(name);
  if (found == replayed.end()) {
    differences.Add(absl::StrCat(name, " of key ", live.last.key(), " is not made by the replay"));
    return;
  }
  if (found->second.changes == live.changes) return;
  differences.Add(absl::StrCat(name, ": ", live.changes.size(), " changes live, the last ",
                               live.last.ShortDebugString(), "\n  ", found->second.changes.size(),
                               " replayed, the last ", found->second.last.ShortDebugString()));
}

}  // namespace

Counts CompareWithOracle(const Scenario& scenario, const std::vector<int64_t>& event_of_sequence,
                         const Outcome& outcome, bool all_listed, Differences& differences) {
  Counts counts;
  std::map<std::string, std::vector<const AlertHistory*>> alerts;
  for (const auto& [name, history] : outcome.alerts) {
    alerts[history.last.monitor_uid()].push_back(&history);
  }
  for (size_t i = 0; i < scenario.watched.size(); ++i) {
    const Watched& watched = scenario.watched[i];
    const MonitorOutcome& shown = outcome.monitors[i];
    MonitorComparison comparison(scenario, event_of_sequence, watched, counts, differences);
    comparison.CompareBooks(shown.stats);
    for (const Expectation& one : shown.expectations) comparison.CompareExpectation(one);
    for (const AlertHistory* history : alerts[watched.monitor.uid()]) {
      comparison.CompareAlert(*history);
    }
    comparison.CompareAbsent(all_listed);
  }
  return counts;
}

void CompareOutcomes(const Scenario& scenario, const Outcome& live, const Outcome& replayed,
                     Differences& differences) {
  for (size_t i = 0; i < scenario.watched.size(); ++i) {
    const std::string& name = scenario.watched[i].monitor.name();
    CompareText(name, live.monitors[i].stats, replayed.monitors[i].stats, differences);
    CompareExpectations(live.monitors[i], replayed.monitors[i], name, differences);
  }
  for (const auto& [name, history] : live.alerts) {
    CompareHistories(name, history, replayed.alerts, differences);
  }
  for (const auto& [name, history] : replayed.alerts) {
    if (live.alerts.contains(name)) continue;
    differences.Add(absl::StrCat(name, " of key ", history.last.key(), " is not made live"));
  }
}

}  // namespace lapse::conformance
