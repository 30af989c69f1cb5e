// Keys at rest against keys that are never frozen: random events, mostly in order, and what else
// happens to keys. A failure names its seed.
#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "monitors/partition.h"
#include "monitors/test_monitors.h"
#include "storage/event_batch.h"

namespace lapse::monitors {
namespace {

constexpr uint64_t kSeed = 7;

std::shared_ptr<const CompiledMonitor> RandomRevision(std::mt19937_64& random) {
  lapse::v1::Monitor monitor = OrderMonitor();
  lapse::v1::FollowUp& rules = *monitor.mutable_follow_up();
  SetDuration(static_cast<int64_t>(1 + random() % 30) * kSecond, rules.mutable_within());
  SetDuration(static_cast<int64_t>(random() % 2 * (random() % 40)) * kSecond,
              rules.mutable_grace());
  SetDuration(static_cast<int64_t>(random() % 20) * kSecond, rules.mutable_reorder_tolerance());
  SetDuration(static_cast<int64_t>(random() % 4) * kSecond, rules.mutable_clock_skew());
  rules.set_on_repeat(static_cast<lapse::v1::FollowUp::OnRepeat>(1 + random() % 3));
  return *CompiledMonitor::Compile(monitor);
}

class PartitionProperty {
 public:
  explicit PartitionProperty(uint64_t seed) : random_(seed) {
    now_.mark_time_us = now_.write_time_us = At(1'000);
    now_.settle_us = 5 * kSecond;
    now_.idle_key_retention_us = 3'600 * kSecond;
  }

  void Run() {
    for (int i = 0; i < 60 && !testing::Test::HasFailure(); ++i) {
      if (Below(3) == 0) AdvanceTo(now_.mark_time_us + Below(40) * kSecond);
      if (Below(12) == 0) CancelPending(RandomKey());
      if (Below(12) == 0) CloseAlerts(RandomKey());
      if (Below(15) == 0) Reparse();
      SendEvent();
      Compare();
    }
  }

 private:
  int64_t Below(int64_t end) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(end));
  }
  std::string RandomKey() { return "order-" + std::to_string(10'000 + Below(4)); }
  Fingerprint Of(const std::string& key) const { return revision_->KeyFingerprint(kSeed, key); }

  Partition::Placed Frozen(const std::string& key) {
    Partition::Placed placed;
    placed.place = partition_.Find(Of(key));
    if (placed.place != Partition::kNowhere) placed.key = partition_.Look(placed.place);
    return placed;
  }

  void SendEvent() {
    const std::string key = RandomKey();
    const int64_t kind = Below(20);
    const Role role = kind < 9 ? Role::kPrimary : kind < 18 ? Role::kSecondary : Role::kCancel;
    const std::string types[] = {"created", "delivered", "cancelled"};
    const int64_t age_us = Below(4) == 0 ? Below(60) * kSecond : Below(2) * kSecond;
    const int64_t time_us = now_.mark_time_us - age_us;
    lapse::v1::Event event = MakeEvent(types[static_cast<int>(role)], key, 0);
    SetTimestamp(time_us, event.mutable_occur_time());
    event.set_id("event-" + std::to_string(Below(1'000)) + "-" + std::to_string(sequence_));
    const auto batch = storage::EventBatch::Of(event);
    const KeyEvent told{role, ++sequence_, time_us, now_.mark_time_us, &batch.events()[0]};
    std::unique_ptr<KeyState>& state = states_[key];
    if (state == nullptr) state = revision_->NewKey();
    state->OnEvent(told, now_, expected_);
    const Fingerprint fingerprint = Of(key);
    partition_.OnEvent(Frozen(key), Partition::KeyName(partition_, fingerprint, *revision_, key),
                       told, now_, actual_);
  }

  // Stops at each mark that a key waits for.
  void AdvanceTo(int64_t mark_us) {
    for (auto& [key, state] : states_) {
      while (state->IsLive() && state->NextMarkUs(now_) <= mark_us) {
        Now now = now_;
        now.mark_time_us = now.write_time_us = state->NextMarkUs(now_);
        // Now and then much later, as after a restart.
        if (Below(8) == 0) now.mark_time_us += Below(10) * kSecond;
        now.write_time_us = now.mark_time_us;
        state->OnMark(now, expected_);
        const Partition::Placed frozen = Frozen(key);
        partition_.OnMark(frozen, partition_.InfoAt(frozen.place), now, actual_);
      }
    }
    now_.mark_time_us = now_.write_time_us = mark_us;
  }

  template <typename Decision>
  void Decide(const std::string& key, Decision decision) {
    decision(*states_[key], expected_);
    const Partition::Placed frozen = Frozen(key);
    partition_.Decide(frozen, partition_.InfoAt(frozen.place),
                      [&](KeyState& state) { decision(state, actual_); });
  }

  void CancelPending(const std::string& key) {
    if (states_.count(key) == 0) return;
    Decide(key, [this](KeyState& state, Output& out) {
      state.CancelPending(lapse::v1::VERDICT_REASON_MONITOR_DISABLED, now_, out);
    });
  }

  void CloseAlerts(const std::string& key) {
    if (states_.count(key) == 0) return;
    std::vector<int64_t> sequences;
    states_[key]->ForEach(
        [&](const ListedExpectation& listed) { sequences.push_back(listed.primary_sequence); });
    for (const int64_t sequence : sequences) {
      Decide(key,
             [&](KeyState& state, Output& out) { state.CloseAlert(sequence, "note", now_, out); });
    }
  }

  void Reparse() {
    auto parsed = Partition::Parse(partition_.Serialize(), kSeed, 0, [this](const auto&, int64_t) {
      return absl::StatusOr<const CompiledMonitor*>(revision_.get());
    });
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    partition_ = *std::move(parsed);
  }

  void Compare() {
    ASSERT_EQ(actual_.transitions.size(), expected_.transitions.size());
    for (size_t i = 0; i < actual_.transitions.size(); ++i) {
      CompareTransitions(actual_.transitions[i], expected_.transitions[i]);
    }
    EXPECT_EQ(actual_.ignored, expected_.ignored);
    EXPECT_EQ(actual_.stragglers, expected_.stragglers);
    for (const auto& [key, state] : states_) {
      CompareKeys(key, *state);
    }
    actual_ = expected_ = Output();
  }

  static void CompareTransitions(const Transition& actual, const Transition& expected) {
    EXPECT_EQ(actual.primary_sequence, expected.primary_sequence);
    EXPECT_EQ(actual.from, expected.from);
    EXPECT_EQ(actual.to, expected.to);
    EXPECT_EQ(actual.reason, expected.reason);
    EXPECT_EQ(actual.primary_time_us, expected.primary_time_us);
    EXPECT_EQ(actual.due_us, expected.due_us);
    EXPECT_EQ(actual.elapsed_us, expected.elapsed_us);
    EXPECT_EQ(actual.previous_elapsed_us, expected.previous_elapsed_us);
    EXPECT_EQ(actual.lateness_us, expected.lateness_us);
    EXPECT_EQ(actual.ending_sequence, expected.ending_sequence);
    EXPECT_EQ(actual.primary_summary, expected.primary_summary);
    EXPECT_EQ(actual.secondary_summary, expected.secondary_summary);
    EXPECT_EQ(actual.has_alert, expected.has_alert);
    EXPECT_EQ(actual.alert.version, expected.alert.version);
    EXPECT_EQ(actual.alert.reason, expected.alert.reason);
    EXPECT_EQ(actual.alert.notify, expected.alert.notify);
    EXPECT_EQ(actual.alert.fire_time_us, expected.alert.fire_time_us);
  }

  void CompareKeys(const std::string& key, const KeyState& state) {
    const Partition::Placed frozen = Frozen(key);
    ASSERT_NE(frozen.place, Partition::kNowhere);
    EXPECT_EQ(frozen.key.live, state.IsLive());
    if (state.IsLive()) {
      EXPECT_EQ(frozen.key.next_mark_us, state.NextMarkUs(now_));
    }
    EXPECT_EQ(frozen.key.last_receive_time_us, state.LastReceiveTimeUs());
    std::vector<int64_t> listed;
    partition_.ForEachExpectation(frozen.place, [&](const ListedExpectation& expectation) {
      listed.push_back(expectation.primary_sequence * 100 + expectation.verdict);
    });
    std::vector<int64_t> expected;
    state.ForEach([&](const ListedExpectation& expectation) {
      expected.push_back(expectation.primary_sequence * 100 + expectation.verdict);
    });
    EXPECT_EQ(listed, expected);
    // Thawing puts the key to rest in another form, so that the usual ones would be seldom met.
    if (Below(8) != 0) return;
    std::string bytes;
    std::string expected_bytes;
    state.Serialize(&expected_bytes);
    partition_.Decide(frozen, partition_.InfoAt(frozen.place),
                      [&](KeyState& thawed) { thawed.Serialize(&bytes); });
    EXPECT_EQ(bytes, expected_bytes);
  }

  std::mt19937_64 random_;
  const std::shared_ptr<const CompiledMonitor> revision_ = RandomRevision(random_);
  Partition partition_{kSeed};
  std::map<std::string, std::unique_ptr<KeyState>> states_;
  Now now_;
  int64_t sequence_ = 0;
  Output actual_;
  Output expected_;
};

TEST(PartitionPropertyTest, AKeyAtRestDoesWhatAKeyDoes) {
  for (uint64_t seed = 1; seed <= 1'000 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    PartitionProperty(seed).Run();
  }
}

}  // namespace
}  // namespace lapse::monitors
