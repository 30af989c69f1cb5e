#include "storage/sealed_sort.h"

#include <algorithm>
#include <random>

#include "gtest/gtest.h"

namespace lapse::storage {
namespace {

struct Numbered {
  uint32_t number = 0;
  uint32_t place = 0;

  bool operator==(const Numbered&) const = default;
};

TEST(SealedSortTest, IsAsAStableSortByComparing) {
  std::mt19937_64 random(1);
  for (const uint64_t range : {uint64_t{1}, uint64_t{5}, uint64_t{5'000}, uint64_t{1} << 32}) {
    for (const size_t count : {size_t{0}, size_t{1}, size_t{2}, size_t{3'000}}) {
      std::vector<Numbered> values(count);
      for (size_t i = 0; i < count; ++i) {
        values[i] = {static_cast<uint32_t>(random() % range), static_cast<uint32_t>(i)};
      }
      std::vector<Numbered> expected = values;
      std::stable_sort(expected.begin(), expected.end(),
                       [](const Numbered& a, const Numbered& b) { return a.number < b.number; });
      SortByNumber(&values, [](const Numbered& value) { return value.number; });
      EXPECT_EQ(values, expected);
    }
  }
}

TEST(SealedSortTest, EndsOfTheRangeAreSorted) {
  std::vector<uint32_t> values = {UINT32_MAX, 0, 1u << 31, 1u << 22, 1u << 11, UINT32_MAX - 1, 1};
  SortByNumber(&values, [](uint32_t value) { return value; });
  EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
}

}  // namespace
}  // namespace lapse::storage
