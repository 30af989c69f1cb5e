// The matcher against an oracle that shares no code with it: three workloads, twenty orders in
// which the same events arrive, several shard counts, live and replayed from the log.
//
// By default each workload and order runs in one of nine ways, which take turns;
// LAPSE_CONFORMANCE_FULL=1 runs all of them. A failure says by which variables it can be run alone.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <tuple>
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

constexpr int kArrivalOrders = 20;
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

bench::WorkloadOptions OptionsOf(Shape shape) {
  bench::WorkloadOptions options;
  options.shape = shape;
  options.seed = FromEnvironment("LAPSE_CONFORMANCE_SEED", 1);
  options.event_count = FromEnvironment("LAPSE_CONFORMANCE_EVENTS", 100'000);
  options.hot_key_primaries = kHotKeyPrimaries;
  // Otherwise each hop has one of the three, in turn.
  options.every_on_repeat = IsFull();
  return options;
}

// Made once for all orders.
Scenario& ScenarioOf(Shape shape, int order) {
  static auto* const scenarios = new std::map<Shape, Scenario>;
  auto found = scenarios->find(shape);
  if (found == scenarios->end()) {
    found = scenarios->emplace(shape, MakeScenario(OptionsOf(shape))).first;
  }
  SetArrivalOrder(order, found->second);
  return found->second;
}

// A live run, and replays of what it logged.
struct Plan {
  int live_shards = 1;
  // 0: none.
  int replay_all_shards = 0;
  int replay_middle_shards = 0;
};

std::vector<Plan> AllPlans() {
  std::vector<Plan> plans;
  for (size_t i = 0; i < kShardCounts.size(); ++i) {
    plans.push_back({kShardCounts[i], kShardCounts[(i + 1) % 3], kShardCounts[(i + 2) % 3]});
  }
  return plans;
}

// Of three orders in a row each shard count is live once; of nine, each is replayed in both ways.
Plan PlanInTurn(int order) {
  Plan plan;
  plan.live_shards = kShardCounts[order % 3];
  const int shards = kShardCounts[(order + order / 3) % 3];
  (order % 2 == 0 ? plan.replay_all_shards : plan.replay_middle_shards) = shards;
  return plan;
}

std::vector<Plan> PlansOf(int order) {
  const int64_t shards = FromEnvironment("LAPSE_CONFORMANCE_SHARDS", 0);
  std::vector<Plan> plans;
  for (const Plan& plan : AllPlans()) {
    if (plan.live_shards == shards) plans.push_back(plan);
  }
  if (!plans.empty()) return plans;
  return IsFull() ? AllPlans() : std::vector<Plan>{PlanInTurn(order)};
}

std::vector<Shape> Shapes() {
  const char* name = std::getenv("LAPSE_CONFORMANCE_SHAPE");
  if (name == nullptr) return {Shape::kPayments, Shape::kOrders, Shape::kDrivers};
  const absl::StatusOr<Shape> shape = bench::ParseShape(name);
  return shape.ok() ? std::vector<Shape>{*shape} : std::vector<Shape>{};
}

std::vector<int> Orders() {
  const int64_t only = FromEnvironment("LAPSE_CONFORMANCE_ORDER", -1);
  if (only >= 0) return {static_cast<int>(only)};
  std::vector<int> orders;
  for (int order = 0; order < kArrivalOrders; ++order) orders.push_back(order);
  return orders;
}

class ConformanceTest : public testing::TestWithParam<std::tuple<int, Shape>> {
 protected:
  static void SetUpTestSuite() { spdlog::set_level(spdlog::level::warn); }

  int order() const { return std::get<0>(GetParam()); }
  Shape shape() const { return std::get<1>(GetParam()); }

  std::string Title(const Plan& plan, const std::string& way) const {
    return absl::StrFormat("%s, order %d, live on %d shards%s", bench::ShapeName(shape()), order(),
                           plan.live_shards, way);
  }

  std::string HowToRunAlone(const Plan& plan) const {
    const bench::WorkloadOptions options = OptionsOf(shape());
    return absl::StrCat(
        "alone: LAPSE_CONFORMANCE_SHAPE=", bench::ShapeName(shape()),
        " LAPSE_CONFORMANCE_SEED=", options.seed, " LAPSE_CONFORMANCE_EVENTS=", options.event_count,
        " LAPSE_CONFORMANCE_ORDER=", order(), " LAPSE_CONFORMANCE_SHARDS=", plan.live_shards);
  }

  void ExpectNone(const Differences& differences, const Plan& plan, const std::string& way) const {
    EXPECT_EQ(differences.count(), 0)
        << Title(plan, way) << ": " << differences.Text() << HowToRunAlone(plan);
  }

  // Every fourth order lets idle keys go, as servers do.
  bool Forgets() const { return order() % 4 == 3; }

  LiveOptions LiveOptionsOf(const Plan& plan) const {
    return {.shard_count = plan.live_shards,
            .idle_key_retention_us = Forgets() ? limits::kDefaultIdleKeyRetentionUs : kForeverUs,
            .window = order() % 2 == 0 ? 1 : 8,
            .keep_middle = plan.replay_middle_shards > 0};
  }

  void RunPlan(const Scenario& scenario, const Plan& plan) const;
  void CheckLive(const Scenario& scenario, const LiveRun& live, const Plan& plan) const;
  void CheckReplay(const Scenario& scenario, const LiveRun& live,
                   const absl::StatusOr<Outcome>& replayed, const Plan& plan,
                   const std::string& way) const;
};

void ConformanceTest::CheckLive(const Scenario& scenario, const LiveRun& live,
                                const Plan& plan) const {
  Differences differences;
  const Counts counts =
      CompareWithOracle(scenario, live.event_of_sequence, live.outcome, Forgets(), differences);
  ExpectNone(differences, plan, "");
  absl::PrintF(
      "%s: %d verdicts (%d not listed) and %d alerts compared; apart: %d withdrawn, %d received "
      "late, %d superseded; %d rejudged, %d detected late\n",
      Title(plan, ""), counts.verdicts, counts.unlisted, counts.alerts, counts.withdrawn,
      counts.received_late, counts.superseded, counts.rejudged, counts.detected_late);
}

void ConformanceTest::CheckReplay(const Scenario& scenario, const LiveRun& live,
                                  const absl::StatusOr<Outcome>& replayed, const Plan& plan,
                                  const std::string& way) const {
  ASSERT_TRUE(replayed.ok()) << Title(plan, way) << ": " << replayed.status();
  Differences differences;
  CompareOutcomes(scenario, live.outcome, *replayed, differences);
  ExpectNone(differences, plan, way);
}

void ConformanceTest::RunPlan(const Scenario& scenario, const Plan& plan) const {
  const auto live = RunLive(scenario, LiveOptionsOf(plan));
  ASSERT_TRUE(live.ok()) << Title(plan, "") << ": " << live.status();
  CheckLive(scenario, **live, plan);
  if (plan.replay_all_shards > 0) {
    CheckReplay(scenario, **live, ReplayAll(scenario, **live, plan.replay_all_shards), plan,
                absl::StrCat(", replayed on ", plan.replay_all_shards));
  }
  if (plan.replay_middle_shards > 0) {
    CheckReplay(scenario, **live, ReplayFromMiddle(scenario, **live, plan.replay_middle_shards),
                plan, absl::StrCat(", recovered midway on ", plan.replay_middle_shards));
  }
}

TEST_P(ConformanceTest, VerdictsAndAlertsAreTheOracles) {
  const Scenario& scenario = ScenarioOf(shape(), order());
  for (const Plan& plan : PlansOf(order())) {
    ASSERT_NO_FATAL_FAILURE(RunPlan(scenario, plan));
  }
}

// In this order each of Bazel's three shards has one shape.
INSTANTIATE_TEST_SUITE_P(Workloads, ConformanceTest,
                         testing::Combine(testing::ValuesIn(Orders()), testing::ValuesIn(Shapes())),
                         [](const testing::TestParamInfo<ConformanceTest::ParamType>& info) {
                           return absl::StrFormat("%s_order%02d",
                                                  bench::ShapeName(std::get<1>(info.param)),
                                                  std::get<0>(info.param));
                         });

}  // namespace
}  // namespace lapse::conformance
