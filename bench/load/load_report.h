// What a load measured, and its JSON.
#ifndef LAPSE_BENCH_LOAD_LOAD_REPORT_H_
#define LAPSE_BENCH_LOAD_LOAD_REPORT_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bench/load/load_clock.h"

namespace lapse::bench {

// One thread at a time.
class Latencies {
 public:
  void Add(int64_t latency_us) { values_us_.push_back(latency_us); }
  size_t count() const { return values_us_.size(); }
  // `share` from 0 to 1; 0 where there are none. Milliseconds.
  double AtMs(double share);

 private:
  std::vector<int64_t> values_us_;
  bool sorted_ = false;
};

struct LoadReport {
  // Events acknowledged within the measured time, which it took.
  int64_t events = 0;
  int64_t elapsed_us = 0;
  // Over the whole run, warm-up included.
  int64_t accepted = 0;
  int64_t duplicates = 0;
  int64_t rejected = 0;
  // That were to be sent within the measured time, and were not: the server, or this, was behind.
  int64_t unsent = 0;
  // Refused requests and calls by code, such as RESOURCE_EXHAUSTED.
  std::map<std::string, int64_t> errors;
  std::string first_error;
  // From when a request was to be sent, or was sent where no rate is kept, to its ack; of those
  // that were to be sent within the measured time. What is unsent counts as if answered at its end.
  Latencies ack;
  double mean_event_bytes = 0;

  // The run is over at `now_us`, and `clock` tells what was not sent.
  void AddUnsent(LoadClock& clock, int64_t events_per_request, int64_t now_us);
  void AddError(int code, const std::string& message);
  // An object of one line.
  std::string ToJson();
};

// The name of a grpc status code.
std::string CodeName(int code);

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_LOAD_LOAD_REPORT_H_
