#include "storage/time_marks.h"

#include <algorithm>
#include <cstdlib>

#include "base/limits.h"

namespace lapse::storage {
namespace {

constexpr int64_t kMinSliceUs = limits::kMicrosPerSecond;
// A long time is caught up in about this many slices for each factor of e.
constexpr int64_t kSliceDivisor = 100;

}  // namespace

void TimeMarks::Start(const ClockReading& now) {
  observed_ = now;
  if (last_us_ == 0) last_us_ = now.wall_us;
  Hold(now);
  catching_up_ = true;
}

void TimeMarks::Hold(const ClockReading& now) {
  if (options_.settle_us <= 0) return;
  held_until_steady_us_ = now.steady_us + options_.settle_us;
  hold_limit_steady_us_ = now.steady_us + kMaxHoldFactor * options_.settle_us;
  catching_up_ = true;
}

void TimeMarks::HoldForStall(const ClockReading& now, int64_t stall_us) {
  if (!catching_up_) return Hold(now);
  // Judged by its begin: one long standstill is no slow disk, and what waited for it must settle.
  if (now.steady_us - stall_us < hold_limit_steady_us_) {
    held_until_steady_us_ = std::max(held_until_steady_us_, now.steady_us + options_.settle_us);
  }
  if (!IsHeld(now)) ignored_stall_us_ = std::max(ignored_stall_us_, stall_us);
}

bool TimeMarks::Observe(const ClockReading& now, int64_t expected_us) {
  const int64_t passed_us = now.steady_us - observed_.steady_us;
  const int64_t stepped_us = now.wall_us - observed_.wall_us - passed_us;
  observed_ = now;
  if (!options_.detect_gaps) return false;
  const bool stood_still =
      expected_us < INT64_MAX - limits::kGapUs && passed_us > expected_us + limits::kGapUs;
  const bool stepped = std::abs(stepped_us) > limits::kGapUs;
  if (stepped) {
    Hold(now);
  } else if (stood_still) {
    HoldForStall(now, passed_us);
  }
  return stepped || stood_still;
}

int64_t TimeMarks::MarkAt(const ClockReading& now, int64_t oldest_waiting_us,
                          int64_t requested_us) const {
  if (IsHeld(now)) return last_us_;
  int64_t mark_us = std::min(now.wall_us, oldest_waiting_us);
  if (catching_up_) {
    // Where each commit takes longer than a slice, slices must be longer than commits.
    const int64_t slice_us =
        std::max({kMinSliceUs, (now.wall_us - last_us_) / kSliceDivisor, 2 * ignored_stall_us_});
    // Nothing is due before what was asked for.
    const int64_t from_us =
        requested_us == kNoRequest
            ? last_us_
            : std::clamp(requested_us, last_us_, std::max(last_us_, now.wall_us));
    mark_us = std::min(mark_us, from_us + slice_us);
  }
  return std::max(last_us_, mark_us);
}

void TimeMarks::Logged(int64_t mark_us, int64_t wall_us) {
  last_us_ = std::max(last_us_, mark_us);
  if (last_us_ < wall_us || observed_.steady_us < held_until_steady_us_) return;
  catching_up_ = false;
  ignored_stall_us_ = 0;
}

bool TimeMarks::IsDue(const ClockReading& now, int64_t requested_us) const {
  if (IsHeld(now)) return false;
  return (catching_up_ && now.wall_us > last_us_) || requested_us <= now.wall_us;
}

int64_t TimeMarks::NextDueUs(const ClockReading& now, int64_t requested_us) const {
  if (IsHeld(now)) return now.wall_us + (held_until_steady_us_ - now.steady_us);
  if (catching_up_) return std::max(now.wall_us, last_us_ + 1);
  return requested_us;
}

}  // namespace lapse::storage
