#include "monitors/books.h"

#include <cmath>
#include <random>
#include <vector>

#include "base/proto_time.h"
#include "gtest/gtest.h"

namespace lapse::monitors {
namespace {

using lapse::v1::Verdict;

Transition Move(Verdict from, Verdict to, int64_t elapsed_us = -1, int64_t previous_us = -1) {
  Transition transition;
  transition.from = from;
  transition.to = to;
  transition.elapsed_us = elapsed_us;
  transition.previous_elapsed_us = previous_us;
  return transition;
}

TEST(BooksTest, EveryVerdictHasItsCount) {
  struct Case {
    Verdict verdict;
    int64_t Books::*count;
  };
  const Case cases[] = {
      {lapse::v1::VERDICT_PENDING, &Books::pending},
      {lapse::v1::VERDICT_MET, &Books::met},
      {lapse::v1::VERDICT_LATE, &Books::late},
      {lapse::v1::VERDICT_MISSED, &Books::missed},
      {lapse::v1::VERDICT_CANCELLED, &Books::cancelled},
      {lapse::v1::VERDICT_SHED, &Books::shed},
      {lapse::v1::VERDICT_WITHDRAWN, &Books::withdrawn},
  };
  for (const Case& c : cases) {
    Books books;
    books.Count(Move(lapse::v1::VERDICT_UNSPECIFIED, c.verdict));
    EXPECT_EQ(books.opened, 1);
    EXPECT_EQ(books.*c.count, 1) << c.verdict;
    books.Count(Move(c.verdict, c.verdict));
    EXPECT_EQ(books.*c.count, 1) << "only the alert changed";
    EXPECT_EQ(books.opened, 1);
  }
}

TEST(BooksTest, AReplacedVerdictTakesItsElapsedTimeBack) {
  Books books;
  books.Count(Move(lapse::v1::VERDICT_UNSPECIFIED, lapse::v1::VERDICT_PENDING));
  books.Count(Move(lapse::v1::VERDICT_PENDING, lapse::v1::VERDICT_MET, 5'000'000));
  books.Count(Move(lapse::v1::VERDICT_MET, lapse::v1::VERDICT_LATE, 9'000'000, 5'000'000));
  EXPECT_EQ(books.met, 0);
  EXPECT_EQ(books.late, 1);
  EXPECT_EQ(books.elapsed.count(), 1);
  EXPECT_NEAR(*books.elapsed.Percentile(0.5), 9'000'000, 450'000);
  books.Count(Move(lapse::v1::VERDICT_LATE, lapse::v1::VERDICT_CANCELLED, -1, 9'000'000));
  EXPECT_EQ(books.elapsed.count(), 0);
  EXPECT_TRUE(books.elapsed.counts().empty());
}

TEST(BooksTest, AlertsResolvedAfterTheFactAreCounted) {
  Books books;
  Transition transition = Move(lapse::v1::VERDICT_MISSED, lapse::v1::VERDICT_MET);
  transition.has_alert = true;
  transition.alert.reason = lapse::v1::Alert::REASON_RECEIVED_LATE;
  books.Count(transition);
  transition.alert.reason = lapse::v1::Alert::REASON_SUPERSEDED;
  books.Count(transition);
  EXPECT_EQ(books.received_late, 1);
  EXPECT_EQ(books.superseded, 1);
}

TEST(BooksTest, SurvivesSerialization) {
  Books books;
  books.Count(Move(lapse::v1::VERDICT_UNSPECIFIED, lapse::v1::VERDICT_MET, 123'456));
  books.no_key = 3;
  books.conflicts = 4;
  lapse::internal::v1::BooksState proto;
  books.ToProto(&proto);
  Books read;
  ASSERT_TRUE(read.FromProto(proto));
  lapse::v1::MonitorStats expected;
  lapse::v1::MonitorStats actual;
  books.FillStats(&expected);
  read.FillStats(&actual);
  EXPECT_EQ(expected.SerializeAsString(), actual.SerializeAsString());
  EXPECT_EQ(actual.no_key(), 3);
  EXPECT_EQ(actual.conflicts(), 4);
}

TEST(BooksTest, ImpossibleBooksAreRefused) {
  lapse::internal::v1::BooksState proto;
  Books books;
  proto.set_met(-1);
  EXPECT_FALSE(books.FromProto(proto));
  proto.set_met(1);
  proto.add_elapsed_buckets(5);
  EXPECT_FALSE(books.FromProto(proto));
  proto.add_elapsed_counts(0);
  EXPECT_FALSE(books.FromProto(proto));
  proto.set_elapsed_counts(0, 1);
  EXPECT_TRUE(books.FromProto(proto));
  proto.set_elapsed_buckets(0, 1'000'000);
  EXPECT_FALSE(books.FromProto(proto));
}

TEST(BooksTest, PercentilesAreUnsetWhereNothingWasMeasured) {
  lapse::v1::MonitorStats stats;
  Books().FillStats(&stats);
  EXPECT_FALSE(stats.has_elapsed_p50());
}

TEST(DurationHistogramTest, PercentilesAreWithinFivePercent) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> durations(12, 3);
  DurationHistogram histogram;
  std::vector<int64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<int64_t>(durations(random)));
    histogram.Add(values.back(), 1);
  }
  std::sort(values.begin(), values.end());
  for (const double fraction : {0.01, 0.5, 0.95, 0.99, 1.0}) {
    const size_t rank = static_cast<size_t>(std::ceil(fraction * values.size()));
    const double exact = static_cast<double>(values[rank - 1]);
    EXPECT_NEAR(*histogram.Percentile(fraction), exact, exact * 0.05) << fraction;
  }
}

TEST(DurationHistogramTest, TakesTheWholeRange) {
  for (const int64_t value : {int64_t{0}, int64_t{1}, int64_t{15}, int64_t{16}, INT64_MAX}) {
    DurationHistogram histogram;
    histogram.Add(value, 1);
    EXPECT_NEAR(static_cast<double>(*histogram.Percentile(1)), static_cast<double>(value),
                static_cast<double>(value) * 0.05);
    EXPECT_TRUE(DurationHistogram::IsValid(histogram.counts()));
    histogram.Add(value, -1);
    EXPECT_TRUE(histogram.counts().empty());
  }
}

}  // namespace
}  // namespace lapse::monitors
