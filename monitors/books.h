// What is counted of a monitor, kept for each partition of its keys; a monitor's books are the sum
// over partitions.
#ifndef LAPSE_MONITORS_BOOKS_H_
#define LAPSE_MONITORS_BOOKS_H_

#include <cstdint>

#include "lapse/internal/v1/checkpoint.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/books_histogram.h"
#include "monitors/key_state.h"

namespace lapse::monitors {

// The counts of lapse.v1.MonitorStats, with its meanings.
struct Books {
  int64_t opened = 0;
  int64_t met = 0;
  int64_t late = 0;
  int64_t missed = 0;
  int64_t cancelled = 0;
  int64_t shed = 0;
  int64_t withdrawn = 0;
  int64_t pending = 0;
  int64_t ignored = 0;
  int64_t no_key = 0;
  int64_t stragglers = 0;
  int64_t conflicts = 0;
  int64_t received_late = 0;
  int64_t superseded = 0;
  DurationHistogram elapsed;

  // Moves the expectation from its old verdict to its new one.
  void Count(const Transition& transition);
  void AddAll(const Books& other);
  // Everything but `monitor` and `log_position`.
  void FillStats(lapse::v1::MonitorStats* stats) const;

  void ToProto(lapse::internal::v1::BooksState* proto) const;
  // False for what ToProto cannot have written.
  bool FromProto(const lapse::internal::v1::BooksState& proto);
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_BOOKS_H_
