#include "monitors/books_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace lapse::monitors {
namespace {

constexpr int kSubBits = 4;
constexpr int64_t kSubBuckets = 1 << kSubBits;
// Of INT64_MAX: 59 powers of two above the exact range.
constexpr int32_t kBucketCount = (63 - kSubBits + 1) * kSubBuckets;

// Whole numbers only: a bucket must be the same whenever its count is taken back.
int32_t BucketOf(int64_t duration_us) {
  const uint64_t value = static_cast<uint64_t>(std::max<int64_t>(duration_us, 0));
  if (value < kSubBuckets) return static_cast<int32_t>(value);
  const int shift = std::bit_width(value) - 1 - kSubBits;
  const int64_t sub = static_cast<int64_t>(value >> shift) - kSubBuckets;
  return static_cast<int32_t>((shift + 1) * kSubBuckets + sub);
}

int64_t MiddleOf(int32_t bucket) {
  if (bucket < kSubBuckets) return bucket;
  const int shift = bucket / kSubBuckets - 1;
  const int64_t low = (kSubBuckets + bucket % kSubBuckets) << shift;
  return low + ((int64_t{1} << shift) - 1) / 2;
}

}  // namespace

void DurationHistogram::Add(int64_t duration_us, int64_t delta) {
  AddToBucket(BucketOf(duration_us), delta);
}

void DurationHistogram::AddToBucket(int32_t bucket, int64_t delta) {
  count_ += delta;
  const auto at =
      std::lower_bound(counts_.begin(), counts_.end(), std::make_pair(bucket, INT64_MIN));
  if (at == counts_.end() || at->first != bucket) {
    counts_.insert(at, {bucket, delta});
  } else if ((at->second += delta) == 0) {
    counts_.erase(at);
  }
}

void DurationHistogram::AddAll(const DurationHistogram& other) {
  for (const auto& [bucket, count] : other.counts_) AddToBucket(bucket, count);
}

std::optional<int64_t> DurationHistogram::Percentile(double fraction) const {
  if (count_ <= 0) return std::nullopt;
  int64_t rank = static_cast<int64_t>(std::ceil(fraction * static_cast<double>(count_)));
  rank = std::clamp<int64_t>(rank, 1, count_);
  for (const auto& [bucket, count] : counts_) {
    rank -= count;
    if (rank <= 0) return MiddleOf(bucket);
  }
  return MiddleOf(counts_.back().first);
}

bool DurationHistogram::IsValid(const Counts& counts) {
  int32_t last = -1;
  for (const auto& [bucket, count] : counts) {
    if (bucket <= last || bucket >= kBucketCount || count <= 0) return false;
    last = bucket;
  }
  return true;
}

DurationHistogram DurationHistogram::FromCounts(Counts counts) {
  DurationHistogram histogram;
  histogram.counts_ = std::move(counts);
  for (const auto& [bucket, count] : histogram.counts_) histogram.count_ += count;
  return histogram;
}

}  // namespace lapse::monitors
