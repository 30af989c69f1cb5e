// The matcher against an oracle that shares no code with it: three workloads, twenty orders in
// which the same events arrive, several shard counts, live and replayed from the log.
//
// By default each workload and order runs in one of several ways, which take turns, with 40,000
// events. LAPSE_CONFORMANCE_FULL=1 runs all of them with 100,000, some with a monitor for each
// on_repeat. A failure says by which variables it can be run alone.
#include <gtest/gtest.h>

#include <array>
#include <compare>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/limits.h"
#include "bench/workload/generator.h"
#include "spdlog/spdlog.h"
#include "test/conformance/compare.h"
#include "test/conformance/runs.h"
#include "test/conformance/scenario.h"

namespace lapse::conformance {
namespace {

using bench::Shape;

constexpr int64_t kFullEvents = 100'000;
constexpr int64_t kEvents = 40'000;
constexpr int kArrivalOrders = 20;
constexpr int kCrowdedOrders = 2;
constexpr std::array<int, 3> kShardCounts = {1, 2, 7};
// More than a key's stack can hold, so that some are shed.
constexpr int64_t kHotKeyPrimaries = 1'200;
// No key is forgotten: every verdict can be asked for at the end.
constexpr int64_t kForeverUs = 365 * limits::kMicrosPerDay;

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  int64_t value = otherwise;
  if (text != nullptr && !absl::SimpleAtoi(text, &value)) ADD_FAILURE() << name << "=" << text;
  return value;
}

bool IsFull() { return FromEnvironment("LAPSE_CONFORMANCE_FULL", 0) != 0; }

// Of three orders in a row each shard count has its turn.
int InTurn(int turn) { return kShardCounts[turn % kShardCounts.size()]; }

struct Kind {
  Shape shape = Shape::kOrders;
  // Each hop has a monitor for each on_repeat; otherwise one of the three, in turn.
  bool wide = false;
  // One key has more than its stack can hold, and keys that are idle are forgotten.
  bool crowded = false;

  auto operator<=>(const Kind&) const = default;
};

bench::WorkloadOptions OptionsOf(const Kind& kind) {
  bench::WorkloadOptions options;
  options.shape = kind.shape;
  options.seed = FromEnvironment("LAPSE_CONFORMANCE_SEED", 1);
  options.event_count =
      FromEnvironment("LAPSE_CONFORMANCE_EVENTS", IsFull() ? kFullEvents : kEvents);
  options.hot_key_primaries = kind.crowded ? kHotKeyPrimaries : 0;
  options.every_on_repeat = kind.wide;
  return options;
}

// Made once for all orders.
Scenario& ScenarioOf(const Kind& kind, int order) {
  static auto* const scenarios = new std::map<Kind, Scenario>;
  auto found = scenarios->find(kind);
  if (found == scenarios->end()) {
    found = scenarios->emplace(kind, MakeScenario(OptionsOf(kind))).first;
  }
  SetArrivalOrder(order, found->second);
  return found->second;
}

// A live run, and a replay of what it logged.
struct Plan {
  int live_shards = 1;
  int replay_shards = 1;
  // From checkpoints made on the way; otherwise from nothing but the log.
  bool from_middle = false;
};

std::vector<Plan> PlansOf(int order) {
  const int64_t only = FromEnvironment("LAPSE_CONFORMANCE_SHARDS", 0);
  const int count = only > 0 || IsFull() ? static_cast<int>(kShardCounts.size()) : 1;
  std::vector<Plan> plans;
  for (int i = 0; i < count; ++i) {
    const Plan plan = {InTurn(order + i), InTurn(order / 3 + i), (order + i) % 2 == 1};
    if (only == 0 || plan.live_shards == only) plans.push_back(plan);
  }
  return plans;
}

std::vector<Shape> Shapes() {
  const char* name = std::getenv("LAPSE_CONFORMANCE_SHAPE");
  if (name == nullptr) return {Shape::kPayments, Shape::kOrders, Shape::kDrivers};
  const absl::StatusOr<Shape> shape = bench::ParseShape(name);
  return shape.ok() ? std::vector<Shape>{*shape} : std::vector<Shape>{};
}

std::vector<int> Orders(int count) {
  const int64_t only = FromEnvironment("LAPSE_CONFORMANCE_ORDER", -1);
  if (only >= 0) return {static_cast<int>(only)};
  std::vector<int> orders;
  for (int order = 0; order < count; ++order) orders.push_back(order);
  return orders;
}

using Param = std::tuple<int, Shape>;

class ConformanceTest : public testing::TestWithParam<Param> {
 protected:
  static void SetUpTestSuite() { spdlog::set_level(spdlog::level::warn); }

  void RunAll() {
    const Scenario& scenario = ScenarioOf(kind(), order());
    const std::vector<Plan> plans = PlansOf(order());
    ASSERT_FALSE(plans.empty()) << "LAPSE_CONFORMANCE_SHARDS is 1, 2 or 7";
    for (const Plan& plan : plans) ASSERT_NO_FATAL_FAILURE(Run(scenario, plan));
  }

  bool crowded_ = false;

 private:
  int order() const { return std::get<0>(GetParam()); }
  Shape shape() const { return std::get<1>(GetParam()); }
  Kind kind() const {
    return {.shape = shape(), .wide = IsFull() && order() % 4 == 0, .crowded = crowded_};
  }

  std::string Title(const Plan& plan) const {
    return absl::StrFormat("%s, order %d, live on %d shards, %s on %d", bench::ShapeName(shape()),
                           order(), plan.live_shards,
                           plan.from_middle ? "recovered midway" : "replayed", plan.replay_shards);
  }

  std::string HowToRunAlone(const Plan& plan) const {
    const bench::WorkloadOptions options = OptionsOf(kind());
    return absl::StrCat(
        "alone: --gtest_filter=*", crowded_ ? "Crowded*" : "Every*",
        " LAPSE_CONFORMANCE_FULL=", IsFull() ? 1 : 0,
        " LAPSE_CONFORMANCE_SHAPE=", bench::ShapeName(shape()),
        " LAPSE_CONFORMANCE_SEED=", options.seed, " LAPSE_CONFORMANCE_EVENTS=", options.event_count,
        " LAPSE_CONFORMANCE_ORDER=", order(), " LAPSE_CONFORMANCE_SHARDS=", plan.live_shards);
  }

  LiveOptions LiveOptionsOf(const Plan& plan) const {
    return {.shard_count = plan.live_shards,
            .idle_key_retention_us = crowded_ ? limits::kDefaultIdleKeyRetentionUs : kForeverUs,
            .window = order() % 4 < 2 ? 1 : 8,
            .keep_middle = plan.from_middle};
  }

  void Run(const Scenario& scenario, const Plan& plan) const;
  Counts CheckLive(const Scenario& scenario, const LiveRun& live, const Plan& plan) const;
  void CheckReplay(const Scenario& scenario, const LiveRun& live, const Plan& plan) const;
};

Counts ConformanceTest::CheckLive(const Scenario& scenario, const LiveRun& live,
                                  const Plan& plan) const {
  Differences differences;
  const Counts counts =
      CompareWithOracle(scenario, live.event_of_sequence, live.outcome, !crowded_, differences);
  EXPECT_EQ(differences.count(), 0) << differences.Text() << HowToRunAlone(plan);
  return counts;
}

void ConformanceTest::CheckReplay(const Scenario& scenario, const LiveRun& live,
                                  const Plan& plan) const {
  const absl::StatusOr<Outcome> replayed =
      plan.from_middle ? ReplayFromMiddle(scenario, live, plan.replay_shards)
                       : ReplayAll(scenario, live, plan.replay_shards);
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  Differences differences;
  CompareOutcomes(scenario, live.outcome, *replayed, differences);
  EXPECT_EQ(differences.count(), 0) << differences.Text() << HowToRunAlone(plan);
}

void ConformanceTest::Run(const Scenario& scenario, const Plan& plan) const {
  SCOPED_TRACE(Title(plan));
  const auto live = RunLive(scenario, LiveOptionsOf(plan));
  ASSERT_TRUE(live.ok()) << live.status();
  const Counts counts = CheckLive(scenario, **live, plan);
  ASSERT_NO_FATAL_FAILURE(CheckReplay(scenario, **live, plan));
  absl::PrintF(
      "%s: %d verdicts and %d alerts; apart: %d withdrawn, %d received late, %d superseded; %d not "
      "listed, %d rejudged, %d detected late\n",
      Title(plan), counts.verdicts, counts.alerts, counts.withdrawn, counts.received_late,
      counts.superseded, counts.unlisted, counts.rejudged, counts.detected_late);
}

TEST_P(ConformanceTest, EveryVerdictAndAlertIsTheOracles) { RunAll(); }

class CrowdedConformanceTest : public ConformanceTest {};

TEST_P(CrowdedConformanceTest, BooksAndAlertsAreTheOracles) {
  crowded_ = true;
  RunAll();
}

std::string NameOf(const testing::TestParamInfo<Param>& info) {
  return absl::StrFormat("%s_order%02d", bench::ShapeName(std::get<1>(info.param)),
                         std::get<0>(info.param));
}

// In this order each of Bazel's three shards has one shape.
INSTANTIATE_TEST_SUITE_P(Workloads, ConformanceTest,
                         testing::Combine(testing::ValuesIn(Orders(kArrivalOrders)),
                                          testing::ValuesIn(Shapes())),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Workloads, CrowdedConformanceTest,
                         testing::Combine(testing::ValuesIn(Orders(kCrowdedOrders)),
                                          testing::ValuesIn(Shapes())),
                         NameOf);

}  // namespace
}  // namespace lapse::conformance
