// Random events against a reference that shares nothing with the judge: it sorts, and walks the
// table. A failure names its seed.
#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/follow_up_driver.h"

namespace lapse::monitors {
namespace {

using lapse::v1::Alert;
using lapse::v1::FollowUp;

// All times are whole seconds, so that many are equal.
struct TestEvent {
  Role role = Role::kPrimary;
  int time = 0;
  std::string id;
  // Where the event stands: its time, or H for a straggler.
  int order = 0;

  bool straggler() const { return order != time; }
};

struct Rules {
  int within = 20;
  int grace = 0;
  int tolerance = 10;
  int skew = 2;
  FollowUp::OnRepeat on_repeat = FollowUp::ON_REPEAT_KEEP_FIRST;

  FollowUpRules ForKey() const {
    return {.within_us = Micros(within),
            .grace_us = Micros(grace),
            .reorder_tolerance_us = Micros(tolerance),
            .clock_skew_us = Micros(skew),
            .on_repeat = on_repeat};
  }
};

struct Expected {
  lapse::v1::Verdict verdict = lapse::v1::VERDICT_PENDING;
  std::string ended_by;
  int elapsed = -1;
  int lateness = -1;
};

// The reference. An expectation is PENDING while open, MISSED while amendable; `ended_by` is set on
// a MISSED one that was cancelled late.
class Reference {
 public:
  explicit Reference(const Rules& rules) : rules_(rules) {}

  std::map<std::string, Expected> Judge(std::vector<TestEvent> events) {
    std::sort(events.begin(), events.end(), [](const TestEvent& a, const TestEvent& b) {
      return std::tie(a.order, a.role, a.id) < std::tie(b.order, b.role, b.id);
    });
    for (const TestEvent& event : events) Step(event);
    std::map<std::string, Expected> result;
    for (const Opened& opened : opened_) result[opened.primary.id] = opened.expected;
    return result;
  }

 private:
  struct Opened {
    TestEvent primary;
    Expected expected;

    bool open() const { return expected.verdict == lapse::v1::VERDICT_PENDING; }
    bool amendable() const {
      return expected.verdict == lapse::v1::VERDICT_MISSED && expected.ended_by.empty();
    }
  };

  int Due(const TestEvent& primary) const { return primary.time + rules_.within; }

  void Step(const TestEvent& event) {
    for (Opened& opened : opened_) {
      if (opened.open() && Due(opened.primary) < event.order) {
        opened.expected.verdict = lapse::v1::VERDICT_MISSED;
      }
    }
    if (event.role == Role::kPrimary) Primary(event);
    if (event.role == Role::kSecondary) Secondary(event);
    if (event.role == Role::kCancel) Cancel(event);
  }

  void Primary(const TestEvent& event) {
    const bool any_open =
        std::any_of(opened_.begin(), opened_.end(), [](const Opened& o) { return o.open(); });
    if (any_open && rules_.on_repeat == FollowUp::ON_REPEAT_KEEP_FIRST) return;
    if (any_open && rules_.on_repeat == FollowUp::ON_REPEAT_RESTART) {
      for (Opened& opened : opened_) {
        if (opened.open()) opened.expected = {lapse::v1::VERDICT_CANCELLED, event.id};
      }
    }
    opened_.push_back({event, {}});
    if (!any_open && has_unmatched_ && unmatched_.time >= event.time - rules_.skew) {
      has_unmatched_ = false;
      End(opened_.back(), unmatched_, unmatched_.time <= Due(event));
    }
  }

  void Secondary(const TestEvent& event) {
    Opened* open = nullptr;
    Opened* missed = nullptr;
    for (Opened& opened : opened_) {
      if (!Touches(event, opened)) continue;
      if (opened.open() && open == nullptr) open = &opened;
      if (opened.amendable()) missed = &opened;
    }
    if (open != nullptr) {
      End(*open, event, true);
    } else if (missed != nullptr) {
      End(*missed, event, event.straggler() && event.time <= Due(missed->primary));
    } else {
      unmatched_ = event;
      has_unmatched_ = true;
    }
  }

  void Cancel(const TestEvent& event) {
    for (Opened& opened : opened_) {
      if (!Touches(event, opened)) continue;
      if (opened.open()) {
        opened.expected = {lapse::v1::VERDICT_CANCELLED, event.id};
      } else if (opened.amendable()) {
        opened.expected.ended_by = event.id;
      }
    }
  }

  bool Touches(const TestEvent& event, const Opened& opened) const {
    return !event.straggler() || opened.primary.time <= event.time + rules_.skew;
  }

  void End(Opened& opened, const TestEvent& by, bool in_time) const {
    opened.expected = {in_time ? lapse::v1::VERDICT_MET : lapse::v1::VERDICT_LATE, by.id,
                       std::max(0, by.time - opened.primary.time),
                       in_time ? -1 : by.time - Due(opened.primary)};
  }

  Rules rules_;
  std::vector<Opened> opened_;
  TestEvent unmatched_;
  bool has_unmatched_ = false;
};

class Random {
 public:
  explicit Random(int seed) : engine_(seed) {}
  // From 0 to below `end`.
  int Below(int end) { return static_cast<int>(engine_() % end); }
  bool OneIn(int n) { return Below(n) == 0; }

 private:
  std::mt19937 engine_;
};

Rules RandomRules(Random& random) {
  Rules rules;
  rules.within = 1 + random.Below(30);
  rules.grace = random.OneIn(2) ? 0 : random.Below(40);
  rules.tolerance = random.OneIn(5) ? 0 : random.Below(20);
  rules.skew = random.Below(4);
  rules.on_repeat = static_cast<FollowUp::OnRepeat>(1 + random.Below(3));
  return rules;
}

std::vector<TestEvent> RandomEvents(Random& random) {
  std::vector<TestEvent> events;
  const int count = 2 + random.Below(30);
  const int span = 20 + random.Below(150);
  for (int i = 0; i < count; ++i) {
    const int kind = random.Below(20);
    TestEvent event;
    event.role = kind < 9 ? Role::kPrimary : kind < 17 ? Role::kSecondary : Role::kCancel;
    event.time = 1'000 + random.Below(span);
    event.order = event.time;
    event.id = "e" + std::to_string(random.Below(1'000)) + "-" + std::to_string(i);
    events.push_back(event);
  }
  return events;
}

// An arrival order in which no event is out of place by more than `tolerance`.
std::vector<TestEvent> Arrive(std::vector<TestEvent> events, int tolerance, Random& random) {
  std::vector<TestEvent> arrived;
  while (!events.empty()) {
    const auto oldest =
        std::min_element(events.begin(), events.end(),
                         [](const TestEvent& a, const TestEvent& b) { return a.time < b.time; });
    const int limit = oldest->time + tolerance;
    size_t pick = random.Below(static_cast<int>(events.size()));
    while (events[pick].time > limit) pick = (pick + 1) % events.size();
    arrived.push_back(events[pick]);
    events.erase(events.begin() + static_cast<long>(pick));
  }
  return arrived;
}

// Any order; stragglers get their place.
std::vector<TestEvent> ArriveAnyhow(std::vector<TestEvent> events, int tolerance, Random& random) {
  for (size_t i = events.size(); i > 1; --i) {
    std::swap(events[i - 1], events[random.Below(static_cast<int>(i))]);
  }
  int newest = 0;
  for (TestEvent& event : events) {
    if (newest - event.time > tolerance) event.order = newest;
    newest = std::max(newest, event.order);
  }
  return events;
}

void CheckAlert(const std::string& id, const Told& told, const Expected& expected) {
  const AlertEffect alert = told.alert();
  if (told.verdict == lapse::v1::VERDICT_MISSED && expected.ended_by.empty()) {
    EXPECT_EQ(alert.state, Alert::STATE_FIRING) << id;
  } else if (told.verdict == lapse::v1::VERDICT_MISSED) {
    EXPECT_EQ(alert.reason, Alert::REASON_CANCELLED_LATE) << id;
  } else if (told.verdict == lapse::v1::VERDICT_LATE) {
    EXPECT_EQ(alert.reason, Alert::REASON_FOLLOWED_LATE) << id;
  } else if (alert.version > 0) {
    EXPECT_EQ(alert.reason, told.verdict == lapse::v1::VERDICT_WITHDRAWN
                                ? Alert::REASON_SUPERSEDED
                                : Alert::REASON_RECEIVED_LATE)
        << id;
  }
}

void Check(FollowUpDriver& driver, const std::vector<TestEvent>& events,
           const std::map<std::string, Expected>& expected) {
  for (const TestEvent& event : events) {
    if (event.role != Role::kPrimary) continue;
    const Told& told = driver.Of(event.id);
    const auto found = expected.find(event.id);
    if (found == expected.end()) {
      EXPECT_TRUE(told.verdict == lapse::v1::VERDICT_UNSPECIFIED ||
                  told.verdict == lapse::v1::VERDICT_WITHDRAWN)
          << event.id << " is " << told.verdict;
      CheckAlert(event.id, told, {});
      continue;
    }
    Expected want = found->second;
    if (want.verdict == lapse::v1::VERDICT_PENDING) want.verdict = lapse::v1::VERDICT_MISSED;
    EXPECT_EQ(told.verdict, want.verdict) << event.id;
    EXPECT_EQ(told.ended_by, want.ended_by) << event.id;
    EXPECT_DOUBLE_EQ(told.elapsed, want.elapsed) << event.id;
    EXPECT_DOUBLE_EQ(told.lateness, want.lateness) << event.id;
    CheckAlert(event.id, told, want);
  }
}

// Now and then time goes on before the next event arrives.
double Pause(Random& random, double now) { return random.OneIn(3) ? now + random.Below(40) : now; }

void Feed(FollowUpDriver& driver, const std::vector<TestEvent>& arrived, Random& random) {
  for (const TestEvent& event : arrived) {
    driver.MarkTo(Pause(random, driver.now().mark_time_us / 1e6));
    driver.Event(event.role, event.time, event.id, "");
  }
  driver.MarkTo(100'000);
}

std::string Describe(const std::vector<TestEvent>& arrived, const Rules& rules) {
  std::string text = "within " + std::to_string(rules.within) + " grace " +
                     std::to_string(rules.grace) + " tolerance " + std::to_string(rules.tolerance) +
                     " skew " + std::to_string(rules.skew) + " on_repeat " +
                     std::to_string(rules.on_repeat) + ":";
  for (const TestEvent& event : arrived) {
    text += std::string(" ") + "PSC"[static_cast<int>(event.role)] + std::to_string(event.time) +
            "(" + event.id + ")";
  }
  return text;
}

constexpr int kSeeds = 1'500;

TEST(FollowUpProperty, EveryArrivalOrderWithinToleranceGivesTheVerdictsOfEventTimeOrder) {
  for (int seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
    Random random(seed);
    const Rules rules = RandomRules(random);
    const std::vector<TestEvent> events = RandomEvents(random);
    const auto expected = Reference(rules).Judge(events);
    for (int order = 0; order < 5; ++order) {
      const std::vector<TestEvent> arrived = Arrive(events, rules.tolerance, random);
      SCOPED_TRACE("seed " + std::to_string(seed) + " " + Describe(arrived, rules));
      FollowUpDriver driver(rules.ForKey());
      Feed(driver, arrived, random);
      EXPECT_EQ(driver.stragglers(), 0);
      Check(driver, events, expected);
    }
  }
}

TEST(FollowUpProperty, StragglersAreJudgedInThePlaceTheyTake) {
  for (int seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
    Random random(seed);
    const Rules rules = RandomRules(random);
    const std::vector<TestEvent> arrived =
        ArriveAnyhow(RandomEvents(random), rules.tolerance, random);
    SCOPED_TRACE("seed " + std::to_string(seed) + " " + Describe(arrived, rules));
    FollowUpDriver driver(rules.ForKey());
    Feed(driver, arrived, random);
    EXPECT_EQ(driver.stragglers(), std::count_if(arrived.begin(), arrived.end(),
                                                 [](const auto& e) { return e.straggler(); }));
    Check(driver, arrived, Reference(rules).Judge(arrived));
  }
}

void ExpectSame(const Transition& a, const Transition& b) {
  EXPECT_EQ(a.primary_sequence, b.primary_sequence);
  EXPECT_EQ(a.from, b.from);
  EXPECT_EQ(a.to, b.to);
  EXPECT_EQ(a.ending_sequence, b.ending_sequence);
  EXPECT_EQ(a.elapsed_us, b.elapsed_us);
  EXPECT_EQ(a.lateness_us, b.lateness_us);
  EXPECT_EQ(a.primary_summary, b.primary_summary);
  EXPECT_EQ(a.secondary_summary, b.secondary_summary);
  EXPECT_EQ(a.has_alert, b.has_alert);
  EXPECT_EQ(a.alert.reason, b.alert.reason);
  EXPECT_EQ(a.alert.version, b.alert.version);
  EXPECT_EQ(a.alert.notify, b.alert.notify);
  EXPECT_EQ(a.alert.fire_time_us, b.alert.fire_time_us);
}

void ExpectSame(FollowUpDriver& a, FollowUpDriver& b) {
  ASSERT_EQ(a.transitions().size(), b.transitions().size());
  for (size_t i = 0; i < a.transitions().size(); ++i) {
    ExpectSame(a.transitions()[i], b.transitions()[i]);
  }
  EXPECT_EQ(a.ignored(), b.ignored());
  EXPECT_EQ(a.NextMarkUs(), b.NextMarkUs());
  EXPECT_EQ(a.Bytes(), b.Bytes());
  EXPECT_EQ(a.List().size(), b.List().size());
}

// One step of both, the same: an event, or now and then what an operator does.
void Step(FollowUpDriver& driver, const TestEvent& event, Random random) {
  driver.MarkTo(Pause(random, driver.now().mark_time_us / 1e6));
  if (random.OneIn(12)) driver.CancelPending(lapse::v1::VERDICT_REASON_MONITOR_DISABLED);
  if (random.OneIn(3)) {
    const std::vector<ListedExpectation> listed = driver.List();
    for (const ListedExpectation& expectation : listed) {
      if (expectation.verdict != lapse::v1::VERDICT_MISSED || random.OneIn(2)) continue;
      driver.CloseAlertOf(expectation.primary_sequence);
    }
  }
  driver.Event(event.role, event.time, event.id, "");
}

// What is parsed judges everything recent again, so this also holds the judging of one event in
// order to the judging of all.
TEST(FollowUpProperty, SerializingAndParsingAtAnyPointChangesNothing) {
  for (int seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
    Random random(seed);
    const Rules rules = RandomRules(random);
    const std::vector<TestEvent> arrived =
        random.OneIn(2) ? ArriveAnyhow(RandomEvents(random), rules.tolerance, random)
                        : Arrive(RandomEvents(random), rules.tolerance, random);
    SCOPED_TRACE("seed " + std::to_string(seed) + " " + Describe(arrived, rules));
    FollowUpDriver kept(rules.ForKey());
    FollowUpDriver parsed(rules.ForKey());
    for (const TestEvent& event : arrived) {
      Step(kept, event, random);
      Step(parsed, event, random);
      if (random.OneIn(2)) parsed.Reparse();
      ExpectSame(kept, parsed);
      if (testing::Test::HasFailure()) return;
    }
    kept.MarkAll();
    parsed.MarkAll();
    ExpectSame(kept, parsed);
    EXPECT_FALSE(kept.key().IsLive());
    EXPECT_TRUE(kept.key().IsForgettable(kept.now()));
    EXPECT_EQ(kept.NextMarkUs(), kNever);
  }
}

}  // namespace
}  // namespace lapse::monitors
