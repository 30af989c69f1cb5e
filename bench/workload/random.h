// Random numbers that a seed fixes on every machine and library: std's distributions differ between
// libraries.
#ifndef LAPSE_BENCH_WORKLOAD_RANDOM_H_
#define LAPSE_BENCH_WORKLOAD_RANDOM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace lapse::bench {

// SplitMix64. One thread at a time.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // From 0 to under 1.
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

  bool Chance(double probability) { return Unit() < probability; }

  // Both ends included; `low` where `high` is less.
  int64_t Between(int64_t low, int64_t high) {
    if (high <= low) return low;
    return low + static_cast<int64_t>(Next() % (static_cast<uint64_t>(high - low) + 1));
  }

  template <typename T, size_t N>
  const T& Pick(const std::array<T, N>& choices) {
    return choices[Next() % N];
  }

  // In the form of a UUIDv4.
  std::string Uuid();

 private:
  uint64_t state_;
};

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_WORKLOAD_RANDOM_H_
