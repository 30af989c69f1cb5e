// Universally unique identifiers whose order is that of their making (UUID version 7, RFC 9562).
#ifndef LAPSE_BASE_UUID_H_
#define LAPSE_BASE_UUID_H_

#include <cstdint>
#include <random>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"

namespace lapse {

// 64 bits of the system's entropy.
uint64_t RandomSeed();

// Thread-safe. Every id of one generator is greater than the one before, also where the clock steps
// back.
class UuidGenerator {
 public:
  // `clock` outlives the generator. Equal seeds and times give equal ids; a server uses
  // RandomSeed().
  UuidGenerator(Clock& clock, uint64_t seed) : clock_(clock), random_(seed) {}

  // 36 characters in lower case, such as 01932c07-209c-7d3a-8e21-5b1c4e0a9f66.
  std::string Next();

 private:
  Clock& clock_;
  Mutex mutex_;
  std::mt19937_64 random_;
  int64_t time_ms_ = 0;
  // Counts within a millisecond; 12 bits.
  uint32_t counter_ = 0;
};

}  // namespace lapse

#endif  // LAPSE_BASE_UUID_H_
