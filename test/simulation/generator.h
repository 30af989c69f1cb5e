// Draws what happens in a life: by its seed alone.
#ifndef LAPSE_TEST_SIMULATION_GENERATOR_H_
#define LAPSE_TEST_SIMULATION_GENERATOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "lapse/v1/event.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "test/simulation/node.h"

namespace lapse::simulation {

// SplitMix64: the same numbers everywhere.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}

  uint64_t Next();
  // From 0 to limit - 1.
  int64_t Below(int64_t limit) { return static_cast<int64_t>(Next() % limit); }
  // Both ends included.
  int64_t Between(int64_t low, int64_t high) { return low + Below(high - low + 1); }
  // Once in so many.
  bool OneIn(int64_t times) { return Below(times) == 0; }

 private:
  uint64_t state_;
};

// A life's events and monitors.
class Generator {
 public:
  explicit Generator(uint64_t seed);

  int64_t duplicate_window_events() const { return duplicate_window_events_; }
  // As of one start: shards, sizes and intervals change from one to the next.
  NodeOptions NextOptions();
  // A batch for the time `now_us`: new events, in and out of order, and copies of earlier ones.
  std::vector<lapse::v1::Event> NextBatch(int64_t now_us);
  lapse::v1::FollowUp NextCondition();
  Dice& dice() { return dice_; }

 private:
  lapse::v1::Event NewEvent(int64_t now_us);
  lapse::v1::Event Copy();
  void SetTime(int64_t now_us, lapse::v1::Event& event);
  void SetKeys(lapse::v1::Event& event);

  Dice dice_;
  const int64_t duplicate_window_events_;
  const int64_t key_count_;
  int64_t next_id_ = 1;
  std::vector<lapse::v1::Event> sent_;
};

}  // namespace lapse::simulation

#endif  // LAPSE_TEST_SIMULATION_GENERATOR_H_
