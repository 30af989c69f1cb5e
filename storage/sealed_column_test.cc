#include "storage/sealed_column.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lapse::storage {
namespace {

using lapse::internal::v1::DoubleColumn;
using lapse::internal::v1::IntColumn;
using lapse::internal::v1::StringColumn;

std::string Uuid(std::mt19937_64& random, char version, uint64_t time_ms = 0) {
  const uint64_t time = version == '7' ? time_ms : random() >> 16;
  return absl::StrFormat("%08x-%04x-%c%03x-%04x-%012x", time >> 16, time & 0xffff, version,
                         random() & 0xfff, 0x8000 | (random() & 0x3fff), random() >> 16);
}

void ExpectRoundTrip(const std::vector<int64_t>& values) {
  IntColumn column;
  EncodeInts(values, &column);
  const auto decoded = DecodeInts(column, static_cast<int64_t>(values.size()));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, values);
}

StringColumn ExpectTextRoundTrip(const std::vector<std::string>& values) {
  const std::vector<absl::string_view> views(values.begin(), values.end());
  StringColumn column;
  EncodeStrings(views, &column);
  const auto decoded = DecodeStrings(column, static_cast<int64_t>(values.size()));
  EXPECT_TRUE(decoded.ok()) << decoded.status();
  for (size_t i = 0; decoded.ok() && i < values.size(); ++i) {
    std::string text;
    (*decoded)->AppendTo(static_cast<int64_t>(i), &text);
    EXPECT_EQ(text, values[i]) << i;
    EXPECT_THAT((*decoded)->Find(values[i]), testing::Contains(static_cast<int64_t>(i)));
    for (const int64_t found : (*decoded)->Find(values[i])) EXPECT_EQ(values[found], values[i]);
  }
  EXPECT_TRUE(!decoded.ok() || (*decoded)->Find("not among them").empty());
  return column;
}

TEST(SealedColumnTest, IntsOfAnySizeComeBack) {
  ExpectRoundTrip(std::vector<int64_t>{});
  ExpectRoundTrip(std::vector<int64_t>{5});
  ExpectRoundTrip(std::vector<int64_t>{7, 7, 7});
  ExpectRoundTrip(std::vector<int64_t>{INT64_MIN, INT64_MAX, 0, -1, INT64_MIN});
  std::mt19937_64 random(1);
  for (int bits = 1; bits < 64; ++bits) {
    std::vector<int64_t> values;
    std::vector<int64_t> rising;
    int64_t sum = -1'000;
    for (int i = 0; i < 500; ++i) {
      values.push_back(static_cast<int64_t>(random()) >> bits);
      rising.push_back(sum += static_cast<int64_t>(random() % 1'000));
    }
    ExpectRoundTrip(values);
    ExpectRoundTrip(rising);
  }
}

TEST(SealedColumnTest, RisingIntsTakeTheBitsOfTheirSteps) {
  std::vector<int64_t> times;
  std::mt19937_64 random(1);
  for (int64_t time = 1; times.size() < 10'000; time += static_cast<int64_t>(random() % 64)) {
    times.push_back(time);
  }
  IntColumn column;
  EncodeInts(times, &column);
  EXPECT_LT(column.ByteSizeLong(), 10'000u);
}

TEST(SealedColumnTest, DoublesComeBackBitByBit) {
  for (const std::vector<double>& values :
       {std::vector<double>{0.1, 12.34, 99'999.99},
        {1, 2, 3},
        {0.1 + 0.2, 1e300, -1e-300},
        {-0.0, 0.0},
        {std::numeric_limits<double>::infinity(), std::nan("")}}) {
    DoubleColumn column;
    EncodeDoubles(values, &column);
    const auto decoded = DecodeDoubles(column, static_cast<int64_t>(values.size()));
    ASSERT_TRUE(decoded.ok());
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(std::bit_cast<uint64_t>((*decoded)[i]), std::bit_cast<uint64_t>(values[i]));
    }
  }
}

TEST(SealedColumnTest, MoneyIsKeptAsCents) {
  DoubleColumn column;
  EncodeDoubles(std::vector<double>{0.1, 12.34, 99'999.99}, &column);
  EXPECT_EQ(column.decimals(), 2);
  EXPECT_TRUE(column.has_scaled());
}

TEST(SealedColumnTest, EachKindOfStringsIsFound) {
  std::mt19937_64 random(1);
  std::vector<std::string> numbers, padded, uuids, timed, repeated, mixed;
  for (int i = 0; i < 300; ++i) {
    numbers.push_back(absl::StrCat("A-", i * 7));
    padded.push_back(absl::StrFormat("pay_%08d", i));
    uuids.push_back(Uuid(random, '4'));
    timed.push_back(Uuid(random, '7', 1'700'000'000'000 + i));
    repeated.push_back(uuids[i % 50]);
    mixed.push_back(i % 2 == 0 ? uuids[i] : absl::StrCat("x", i, i % 3 == 0 ? "\0\xff" : ""));
  }
  EXPECT_EQ(ExpectTextRoundTrip({"same", "same"}).kind_case(), StringColumn::kConstant);
  EXPECT_EQ(ExpectTextRoundTrip(numbers).kind_case(), StringColumn::kNumbered);
  EXPECT_EQ(ExpectTextRoundTrip(padded).kind_case(), StringColumn::kNumbered);
  EXPECT_EQ(ExpectTextRoundTrip(uuids).kind_case(), StringColumn::kUuids);
  EXPECT_FALSE(ExpectTextRoundTrip(uuids).uuids().has_time_ms());
  EXPECT_TRUE(ExpectTextRoundTrip(timed).uuids().has_time_ms());
  EXPECT_EQ(ExpectTextRoundTrip(repeated).kind_case(), StringColumn::kDictionary);
  EXPECT_EQ(ExpectTextRoundTrip(mixed).kind_case(), StringColumn::kPlain);
}

TEST(SealedColumnTest, StringsThatAreNearlyNumbersOrUuidsComeBack) {
  std::mt19937_64 random(1);
  const std::string uuid = Uuid(random, '4');
  std::string upper = uuid;
  upper[0] = 'A';
  std::string dashless = uuid;
  dashless[8] = '0';
  for (const std::vector<std::string>& values :
       std::vector<std::vector<std::string>>{{"", "1"},
                                             {"1", "01"},
                                             {"1", "-1"},
                                             {"0", "00"},
                                             {"a1", "a"},
                                             {"a01", "a1", "a10"},
                                             {"0", "1", "10"},
                                             {"12345678901234567890", "1"},
                                             {"999999999999999999", "1"},
                                             {uuid, upper},
                                             {uuid, dashless},
                                             {uuid, uuid.substr(1)},
                                             {"", ""},
                                             {"", "x", ""}}) {
    ExpectTextRoundTrip(values);
  }
}

TEST(SealedColumnTest, RandomStringsComeBack) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> values(1 + random() % 60);
    for (std::string& value : values) {
      value.resize(random() % (1 + round % 9));
      for (char& c : value) c = "0019ab-\0\xff"[random() % (1 + round % 9)];
    }
    ExpectTextRoundTrip(values);
  }
}

TEST(SealedColumnTest, WrongCountsAndPlanesAreDataLoss) {
  IntColumn column;
  EncodeInts(std::vector<int64_t>{1, 2, 300, 4, 5, 6}, &column);
  for (const int64_t count : {-1ll, 5ll, 7ll, 1ll << 40}) {
    EXPECT_EQ(DecodeInts(column, count).status().code(), absl::StatusCode::kDataLoss) << count;
  }
  EXPECT_EQ(DecodeStrings({}, 1).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace lapse::storage
