// Decides which time mark an entry of the log carries.
#ifndef LAPSE_STORAGE_TIME_MARKS_H_
#define LAPSE_STORAGE_TIME_MARKS_H_

#include <cstdint>

namespace lapse::storage {

// A reading of both clocks, in microseconds.
struct ClockReading {
  int64_t wall_us = 0;
  int64_t steady_us = 0;
};

// The rules of EventLog's class comment, free of threads and clocks. Used by one thread at a time.
class TimeMarks {
 public:
  struct Options {
    int64_t settle_us = 0;
    bool detect_gaps = true;
  };
  static constexpr int64_t kMaxHoldFactor = 4;
  // Marks that nobody asked for.
  static constexpr int64_t kNoRequest = INT64_MAX;

  // `last_mark_us` is that of the last entry, 0 for a new log.
  TimeMarks(Options options, int64_t last_mark_us) : options_(options), last_us_(last_mark_us) {}

  // Serving starts: marks are held for the settle time.
  void Start(const ClockReading& now);

  // Takes note of the time. True where there was a gap since the last call: more than `expected_us`
  // and limits::kGapUs passed, or the wall clock was stepped by more than limits::kGapUs. Marks are
  // then held anew; but of standstill after standstill, as on a disk that is slow for good, only
  // those that begin within kMaxHoldFactor settle times of the first hold them, and later ones
  // again only when the marks have caught up. An `expected_us` of INT64_MAX finds steps alone.
  bool Observe(const ClockReading& now, int64_t expected_us);

  // The mark of an entry that is committed now, where nothing received before `oldest_waiting_us`
  // still waits.
  int64_t MarkAt(const ClockReading& now, int64_t oldest_waiting_us, int64_t requested_us) const;
  // An entry with `mark_us` is in the log; `wall_us` is what the clock said when the mark was
  // decided.
  void Logged(int64_t mark_us, int64_t wall_us);

  // Whether an entry is due for its mark's sake.
  bool IsDue(const ClockReading& now, int64_t requested_us) const;
  // The wall time at which IsDue may become true.
  int64_t NextDueUs(const ClockReading& now, int64_t requested_us) const;

  // Marks are held, or have not yet come up to the clock since.
  bool is_catching_up() const { return catching_up_; }

 private:
  bool IsHeld(const ClockReading& now) const { return now.steady_us < held_until_steady_us_; }
  void Hold(const ClockReading& now);
  // Holds for a standstill of `stall_us`.
  void HoldForStall(const ClockReading& now, int64_t stall_us);

  const Options options_;
  int64_t last_us_;
  ClockReading observed_;
  int64_t held_until_steady_us_ = INT64_MIN;
  // Standstills that begin at this time or later hold nothing.
  int64_t hold_limit_steady_us_ = INT64_MIN;
  // The longest standstill that held nothing, since the marks last stood at the clock.
  int64_t ignored_stall_us_ = 0;
  // Since a hold, until a mark reaches the clock.
  bool catching_up_ = false;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_TIME_MARKS_H_
