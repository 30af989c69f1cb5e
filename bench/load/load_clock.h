// When a load sends, and what of it is measured.
#ifndef LAPSE_BENCH_LOAD_LOAD_CLOCK_H_
#define LAPSE_BENCH_LOAD_LOAD_CLOCK_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/clock.h"

namespace lapse::bench {

struct LoadPlan {
  // Events a second over all streams; 0: each is sent as soon as it may be under way.
  double events_per_second = 0;
  // How long is measured, after the warm-up; 0: until `events` are accepted.
  int64_t duration_us = 0;
  int64_t warm_up_us = 0;
  // Where over 0, ends when so many were accepted.
  int64_t events = 0;
};

// Gives each request the time at which it is to be sent. A request that cannot be sent then keeps
// its time, so that its latency counts the wait. One thread at a time; times are steady ones.
class LoadClock {
 public:
  LoadClock(const LoadPlan& plan, int64_t events_per_request)
      : plan_(plan), start_us_(RealClock().SteadyUs()) {
    if (plan.events_per_second > 0) {
      interval_us_ = 1e6 * static_cast<double>(events_per_request) / plan.events_per_second;
    }
  }

  int64_t NowUs() const { return RealClock().SteadyUs(); }
  int64_t start_us() const { return start_us_; }

  // When the next request is to be sent; not after now where no rate is kept.
  int64_t NextUs() const {
    return start_us_ + static_cast<int64_t>(interval_us_ * static_cast<double>(taken_));
  }
  // Takes its turn: the time its latency counts from.
  int64_t Take(int64_t now_us) {
    const int64_t scheduled_us = interval_us_ > 0 ? NextUs() : now_us;
    ++taken_;
    return scheduled_us;
  }

  // The measured part of the run.
  int64_t measure_from_us() const { return start_us_ + plan_.warm_up_us; }
  int64_t measure_until_us() const {
    return plan_.duration_us > 0 ? measure_from_us() + plan_.duration_us : INT64_MAX;
  }
  bool IsMeasured(int64_t time_us) const {
    return time_us >= measure_from_us() && time_us < measure_until_us();
  }
  // How many requests were to be sent before `time_us` and have not taken their turn; none where no
  // rate is kept.
  int64_t UnsentAt(int64_t time_us) const {
    if (interval_us_ <= 0 || time_us <= NextUs()) return 0;
    const auto until = static_cast<double>(time_us - start_us_);
    return std::max<int64_t>(0, static_cast<int64_t>(std::ceil(until / interval_us_)) - taken_);
  }
  bool IsOver(int64_t now_us, int64_t accepted) const {
    return now_us >= measure_until_us() || (plan_.events > 0 && accepted >= plan_.events);
  }

 private:
  LoadPlan plan_;
  int64_t start_us_;
  double interval_us_ = 0;
  int64_t taken_ = 0;
};

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_LOAD_LOAD_CLOCK_H_
