#include "bench/workload/generator.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/names.h"
#include "base/proto_time.h"
#include "bench/workload/arrivals.h"

namespace lapse::bench {
namespace {

using google::protobuf::util::MessageDifferencer;
using lapse::v1::FollowUp;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;

constexpr Shape kShapes[] = {Shape::kPayments, Shape::kOrders, Shape::kDrivers};

class GeneratorTest : public testing::TestWithParam<Shape> {
 protected:
  static WorkloadOptions Options() { return {.shape = GetParam(), .event_count = 12'000}; }
};

INSTANTIATE_TEST_SUITE_P(Shapes, GeneratorTest, testing::ValuesIn(kShapes),
                         [](const testing::TestParamInfo<Shape>& info) {
                           return std::string(ShapeName(info.param));
                         });

bool SameArrivals(const Workload& a, const Workload& b) {
  return std::equal(a.arrivals.begin(), a.arrivals.end(), b.arrivals.begin(), b.arrivals.end(),
                    [](const Arrival& x, const Arrival& y) {
                      return x.arrival_us == y.arrival_us && x.event == y.event && x.copy == y.copy;
                    });
}

bool SameEvents(const Workload& a, const Workload& b) {
  return std::equal(a.events.begin(), a.events.end(), b.events.begin(), b.events.end(),
                    [](const lapse::v1::Event& x, const lapse::v1::Event& y) {
                      return MessageDifferencer::Equals(x, y);
                    });
}

void ExpectWithinTolerance(const Workload& workload) {
  const std::vector<int64_t> out_of_place_us = OutOfPlaceUs(workload);
  const int64_t most_us = *std::max_element(out_of_place_us.begin(), out_of_place_us.end());
  for (const WorkloadMonitor& watched : workload.monitors) {
    const FollowUp& rule = watched.monitor.follow_up();
    const int64_t tolerance_us = rule.has_reorder_tolerance() ? ToMicros(rule.reorder_tolerance())
                                                              : limits::kDefaultReorderToleranceUs;
    EXPECT_LE(most_us, tolerance_us) << watched.monitor.name();
  }
}

// Every event arrives, once not as a copy, in its time; copies come after.
void ExpectComplete(const Workload& workload) {
  std::set<int64_t> arrived;
  int64_t last_us = 0;
  for (const Arrival& arrival : workload.arrivals) {
    EXPECT_EQ(arrived.count(arrival.event), arrival.copy ? 1 : 0);
    arrived.insert(arrival.event);
    EXPECT_GE(arrival.arrival_us, ToMicros(workload.events[arrival.event].occur_time()));
    EXPECT_GE(arrival.arrival_us, last_us);
    last_us = arrival.arrival_us;
  }
  EXPECT_EQ(arrived.size(), workload.events.size());
  EXPECT_GT(workload.end_time_us, last_us + limits::kDefaultSettleUs);
}

int64_t CountOutOfPlace(const Workload& workload) {
  const std::vector<int64_t> out_of_place_us = OutOfPlaceUs(workload);
  return std::count_if(out_of_place_us.begin(), out_of_place_us.end(),
                       [](int64_t us) { return us > 0; });
}

TEST_P(GeneratorTest, SameSeedGivesTheSameWorkloadAndAnotherSeedAnother) {
  const Workload first = GenerateWorkload(Options());
  const Workload second = GenerateWorkload(Options());
  EXPECT_TRUE(SameEvents(first, second));
  EXPECT_TRUE(SameArrivals(first, second));
  WorkloadOptions options = Options();
  options.seed = 2;
  EXPECT_FALSE(SameEvents(first, GenerateWorkload(options)));
}

TEST_P(GeneratorTest, HasExactlyTheEventsAskedForAndTheCopies) {
  const Workload workload = GenerateWorkload(Options());
  EXPECT_EQ(workload.arrivals.size(), 12'000);
  EXPECT_EQ(workload.events.size(), 9'600);
  ExpectComplete(workload);
}

TEST_P(GeneratorTest, EventsAreDistinctOrderedAndWithinTheLimits) {
  const Workload workload = GenerateWorkload(Options());
  std::set<std::pair<std::string, std::string>> ids;
  int64_t last_us = 0;
  for (const lapse::v1::Event& event : workload.events) {
    EXPECT_TRUE(ids.emplace(event.source(), event.id()).second);
    EXPECT_EQ(event.id().size(), 36);
    EXPECT_EQ(event.id()[14], '4');
    EXPECT_THAT(event.id()[19], AllOf(Ge('8'), Le('b')));
    EXPECT_GE(event.attributes_size(), 5);
    EXPECT_GE(ToMicros(event.occur_time()), last_us);
    last_us = ToMicros(event.occur_time());
  }
}

TEST_P(GeneratorTest, RatesHold) {
  struct Rate {
    const char* name;
    double WorkloadOptions::*option;
    int64_t WorkloadCounts::*count;
    int64_t WorkloadCounts::*of;
  };
  const std::vector<Rate> rates = {
      {"lost", &WorkloadOptions::lost_rate, &WorkloadCounts::lost, &WorkloadCounts::planned},
      {"late", &WorkloadOptions::late_rate, &WorkloadCounts::late, &WorkloadCounts::hops},
      {"skewed", &WorkloadOptions::skewed_rate, &WorkloadCounts::skewed, &WorkloadCounts::hops},
      {"cancelled", &WorkloadOptions::cancelled_rate, &WorkloadCounts::cancelled_journeys,
       &WorkloadCounts::journeys},
  };
  for (const Rate& rate : rates) {
    for (const double wanted : {0.0, 0.05, 0.3}) {
      WorkloadOptions options = Options();
      options.*rate.option = wanted;
      const WorkloadCounts counts = GenerateWorkload(options).counts;
      const double got =
          static_cast<double>(counts.*rate.count) / static_cast<double>(counts.*rate.of);
      EXPECT_NEAR(got, wanted, wanted * 0.2) << rate.name;
    }
  }
}

TEST_P(GeneratorTest, KeysAreReusedAtTheirRateAndMissingAtTheirs) {
  WorkloadOptions options = Options();
  options.key_reuse_rate = 0.3;
  options.no_key_rate = 0.05;
  const Workload workload = GenerateWorkload(options);
  // 0.3 + 0.3² + 0.3³ further journeys a key.
  EXPECT_NEAR(static_cast<double>(workload.counts.reused_journeys) /
                  static_cast<double>(workload.counts.keys),
              0.417, 0.05);
  const int64_t no_key = std::count(workload.key_numbers.begin(), workload.key_numbers.end(), -1);
  EXPECT_NEAR(static_cast<double>(no_key) / 9'600, 0.05, 0.01);
  for (size_t i = 0; i < workload.events.size(); ++i) {
    const std::string& attribute =
        workload.monitors[0].monitor.follow_up().primary().key_attribute();
    EXPECT_EQ(workload.events[i].attributes().count(attribute),
              workload.key_numbers[i] < 0 ? 0 : 1);
  }
}

TEST_P(GeneratorTest, DisorderReachesTheToleranceAndKeepsToIt) {
  WorkloadOptions options = Options();
  options.reordered_rate = 0.5;
  options.delayed_rate = 0.05;
  const Workload workload = GenerateWorkload(options);
  ExpectWithinTolerance(workload);
  const std::vector<int64_t> out_of_place_us = OutOfPlaceUs(workload);
  EXPECT_EQ(*std::max_element(out_of_place_us.begin(), out_of_place_us.end()), kWorkloadDisorderUs);
  EXPECT_GT(CountOutOfPlace(workload), 100);
}

TEST_P(GeneratorTest, WithoutDisorderOnlySkewAndJourneysUnderWayPutEventsOutOfPlace) {
  WorkloadOptions options = Options();
  options.reordered_rate = options.delayed_rate = 0;
  const int64_t calm = CountOutOfPlace(GenerateWorkload(options));
  options.reordered_rate = 0.5;
  EXPECT_GT(CountOutOfPlace(GenerateWorkload(options)), 3 * calm);
}

TEST_P(GeneratorTest, EveryArrivalOrderHasTheSameEventsWithinTolerance) {
  const Workload original = GenerateWorkload({.shape = GetParam(), .event_count = 2'000});
  Workload before = original;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Workload workload = original;
    ReorderWithinTolerance(seed, workload);
    EXPECT_TRUE(SameEvents(original, workload));
    EXPECT_FALSE(SameArrivals(before, workload));
    EXPECT_EQ(workload.arrivals.size(), original.arrivals.size());
    ExpectComplete(workload);
    ExpectWithinTolerance(workload);
    before = std::move(workload);
  }
}

TEST_P(GeneratorTest, MonitorsHaveValidNamesAndEveryOnRepeatOnEveryHop) {
  const Workload workload = GenerateWorkload({.shape = GetParam(), .event_count = 10});
  std::map<std::pair<std::string, std::string>, std::set<FollowUp::OnRepeat>> on_repeats;
  std::set<std::string> names;
  int filtered = 0;
  for (const WorkloadMonitor& watched : workload.monitors) {
    const FollowUp& rule = watched.monitor.follow_up();
    EXPECT_TRUE(names.insert(watched.monitor.name()).second) << watched.monitor.name();
    const absl::StatusOr<std::string> id =
        ParseResourceName(kMonitorCollection, watched.monitor.name(), "name");
    ASSERT_TRUE(id.ok()) << id.status();
    EXPECT_TRUE(ValidateResourceId(*id, "id").ok()) << *id;
    EXPECT_EQ(rule.primary().filter().empty(), watched.accepts_primary == nullptr);
    filtered += watched.accepts_primary != nullptr;
    on_repeats[{rule.primary().event_type(), rule.secondary().event_type()}].insert(
        rule.on_repeat());
  }
  EXPECT_EQ(filtered, 1);
  for (const auto& [hop, seen] : on_repeats) {
    EXPECT_THAT(seen,
                testing::IsSupersetOf({FollowUp::ON_REPEAT_KEEP_FIRST, FollowUp::ON_REPEAT_RESTART,
                                       FollowUp::ON_REPEAT_STACK}));
  }
}

TEST_P(GeneratorTest, TimeScaleShortensJourneysAndRulesAlike) {
  WorkloadOptions options = Options();
  options.time_scale = 0.01;
  options.duration_us = 0;
  const Workload workload = GenerateWorkload(options);
  ExpectComplete(workload);
  ExpectWithinTolerance(workload);
  for (const WorkloadMonitor& watched : workload.monitors) {
    EXPECT_LE(ToMicros(watched.monitor.follow_up().within()), limits::kMicrosPerMinute);
    EXPECT_TRUE(watched.monitor.follow_up().has_reorder_tolerance());
  }
  EXPECT_LT(workload.end_time_us - options.start_time_us, 15 * limits::kMicrosPerMinute);
}

TEST_P(GeneratorTest, ShiftMovesEveryTimeAlike) {
  const Workload original = GenerateWorkload({.shape = GetParam(), .event_count = 500});
  Workload shifted = original;
  ShiftTimes(-1'234'567, shifted);
  EXPECT_EQ(shifted.end_time_us, original.end_time_us - 1'234'567);
  for (size_t i = 0; i < original.events.size(); ++i) {
    EXPECT_EQ(ToMicros(shifted.events[i].occur_time()),
              ToMicros(original.events[i].occur_time()) - 1'234'567);
  }
  ExpectComplete(shifted);
  EXPECT_EQ(OutOfPlaceUs(shifted), OutOfPlaceUs(original));
}

TEST_P(GeneratorTest, HotKeyHasTheFirstStepsAskedFor) {
  WorkloadOptions options = Options();
  options.hot_key_primaries = 1'100;
  options.lost_rate = options.no_key_rate = 0;
  const Workload workload = GenerateWorkload(options);
  const std::string& first = workload.monitors[0].monitor.follow_up().primary().event_type();
  int64_t count = 0;
  for (size_t i = 0; i < workload.events.size(); ++i) {
    count += workload.key_numbers[i] == 0 && workload.events[i].type() == first;
  }
  EXPECT_EQ(count, 1'100);
}

TEST(WorkloadOptionsTest, RefusesWhatIsOutOfRangeByName) {
  EXPECT_TRUE(ValidateOptions({}).ok());
  const std::vector<std::pair<WorkloadOptions, const char*>> cases = {
      {{.event_count = 0}, "event_count"},       {{.start_time_us = -1}, "start_time"},
      {{.duration_us = -1}, "duration"},         {{.time_scale = 0}, "time_scale"},
      {{.lost_rate = 0.95}, "lost_rate"},        {{.late_rate = 1.1}, "late_rate"},
      {{.skewed_rate = -0.1}, "skewed_rate"},    {{.duplicate_rate = 1.0}, "duplicate_rate"},
      {{.reordered_rate = 2}, "reordered_rate"}, {{.delayed_rate = 2}, "delayed_rate"},
      {{.key_reuse_rate = 2}, "key_reuse_rate"}, {{.cancelled_rate = 2}, "cancelled_rate"},
      {{.no_key_rate = 2}, "no_key_rate"},       {{.hot_key_primaries = -1}, "hot_key_primaries"},
  };
  for (const auto& [options, name] : cases) {
    const absl::Status status = ValidateOptions(options);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(status.message()), HasSubstr(name));
  }
}

TEST(WorkloadOptionsTest, ShapesHaveNames) {
  for (const Shape shape : kShapes) {
    const absl::StatusOr<Shape> parsed = ParseShape(ShapeName(shape));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, shape);
  }
  EXPECT_EQ(ParseShape("taxis").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace lapse::bench
