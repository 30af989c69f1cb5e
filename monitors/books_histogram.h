// A sparse histogram of durations, from which counts can be taken back.
#ifndef LAPSE_MONITORS_BOOKS_HISTOGRAM_H_
#define LAPSE_MONITORS_BOOKS_HISTOGRAM_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace lapse::monitors {

// Each power of two has 16 buckets, so that a percentile is within 3.2 % of a true one. At most 976
// buckets, of which only those in use take memory. Used by one thread at a time.
class DurationHistogram {
 public:
  // (bucket, count), by bucket.
  using Counts = std::vector<std::pair<int32_t, int64_t>>;

  // `duration_us` is at least 0. `delta` is -1 to take one back that was added before.
  void Add(int64_t duration_us, int64_t delta);
  void AddAll(const DurationHistogram& other);

  // The nearest rank's duration in microseconds; unset where nothing is counted. 0 < fraction <= 1.
  std::optional<int64_t> Percentile(double fraction) const;

  int64_t count() const { return count_; }
  const Counts& counts() const { return counts_; }

  // From counts(), which may come from a file: false where they could not have been counted here.
  static bool IsValid(const Counts& counts);
  static DurationHistogram FromCounts(Counts counts);

 private:
  void AddToBucket(int32_t bucket, int64_t delta);

  Counts counts_;
  int64_t count_ = 0;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_BOOKS_HISTOGRAM_H_
