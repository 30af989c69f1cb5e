#include "cli/human.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace lapse::cli {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kHour = 3600 * kSecond;
constexpr int64_t kDay = 24 * kHour;

TEST(ParseDuration, ReadsNumbersWithUnits) {
  const struct {
    const char* text;
    int64_t micros;
  } cases[] = {
      {"45m", 45 * 60 * kSecond},
      {"10s", 10 * kSecond},
      {"1h30m", 90 * 60 * kSecond},
      {"1d", kDay},
      {"365d", 365 * kDay},
      {"1.5h", 90 * 60 * kSecond},
      {"500ms", kSecond / 2},
      {"7us", 7},
      {"2700s", 2700 * kSecond},
      {"0.1s", 100'000},
      {"1d2h3m4s5ms6us", kDay + 2 * kHour + 184 * kSecond + 5006},
      {"0", 0},
      {"0s", 0},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<int64_t> parsed = ParseDuration(c.text);
    ASSERT_TRUE(parsed.ok()) << c.text << ": " << parsed.status();
    EXPECT_EQ(*parsed, c.micros) << c.text;
  }
}

TEST(ParseDuration, RefusesWhatIsNone) {
  for (const char* text : {"", "45", "m", "45 m", "45min", "-5s", "30m1h", "5s5s", "1..5h", "1h ",
                           "abc", "1e3s", "10001d", "99999999999999999999d", "infs", "nans"}) {
    EXPECT_EQ(ParseDuration(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(ExactDuration, IsReadBackUnchanged) {
  const struct {
    int64_t micros;
    const char* text;
  } cases[] = {
      {0, "0s"},
      {1, "1us"},
      {1'500'000, "1s500ms"},
      {45 * 60 * kSecond, "45m"},
      {90 * 60 * kSecond, "1h30m"},
      {kDay, "1d"},
      {kDay + 1, "1d1us"},
      {10 * kSecond, "10s"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ExactDuration(c.micros), c.text);
    EXPECT_EQ(*ParseDuration(c.text), c.micros);
  }
  EXPECT_EQ(ExactDuration(-1'500'000), "-1s500ms");
}

TEST(ShortDuration, ShowsTheTwoLargestUnits) {
  const struct {
    int64_t micros;
    const char* text;
  } cases[] = {
      {0, "0s"},
      {850, "850us"},
      {12'345, "12ms"},
      {999'999, "999ms"},
      {3'200'000, "3.2s"},
      {3'000'000, "3s"},
      {59'999'999, "59.9s"},
      {60 * kSecond, "1m"},
      {245 * kSecond, "4m05s"},
      {kHour, "1h"},
      {90 * 60 * kSecond, "1h30m"},
      {kHour + 5 * 60 * kSecond, "1h05m"},
      {kDay, "1d"},
      {2 * kDay + 4 * kHour + 59 * kSecond, "2d4h"},
      {-3'200'000, "-3.2s"},
  };
  for (const auto& c : cases) EXPECT_EQ(ShortDuration(c.micros), c.text);
}

TEST(ShortTime, LeavesTheDateOutOnTheSameLocalDay) {
  const absl::TimeZone india = absl::FixedTimeZone(5 * 3600 + 1800);
  // 2024-11-22 08:33:07 UTC.
  const int64_t time = 1'732'264'387 * kSecond + 999'999;
  EXPECT_EQ(ShortTime(time, time + kHour, absl::UTCTimeZone()), "08:33:07");
  EXPECT_EQ(ShortTime(time, time + kHour, india), "14:03:07");
  EXPECT_EQ(ShortTime(time, time + kDay, india), "2024-11-22 14:03:07");
  // The same day in UTC, the next one in India.
  EXPECT_EQ(ShortTime(time, time + 12 * kHour, absl::UTCTimeZone()), "08:33:07");
  EXPECT_EQ(ShortTime(time, time + 12 * kHour, india), "2024-11-22 14:03:07");
}

TEST(ParseTime, ReadsRfc3339AndHowLongAgo) {
  const int64_t now = 1'732'264'387 * kSecond;
  EXPECT_EQ(*ParseTime("2024-11-22T08:33:07Z", 0), now);
  EXPECT_EQ(*ParseTime("2024-11-22T14:03:07.5+05:30", 0), now + kSecond / 2);
  EXPECT_EQ(*ParseTime("10m ago", now), now - 600 * kSecond);
  EXPECT_EQ(*ParseTime("-10m", now), now - 600 * kSecond);
  for (const char* text : {"", "10m", "yesterday", "2024-11-22", "- ago", "-"}) {
    EXPECT_EQ(ParseTime(text, now).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(Grouped, PutsCommasBetweenThousands) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1000), "1,000");
  EXPECT_EQ(Grouped(1234567), "1,234,567");
  EXPECT_EQ(Grouped(-1234567), "-1,234,567");
  EXPECT_EQ(Grouped(-123), "-123");
}

TEST(Printable, ShowsControlCharactersAndBrokenUtf8AsText) {
  const struct {
    std::string text, shown;
  } cases[] = {
      {"order A-17", "order A-17"},
      {"Zürich 東京 🚚", "Zürich 東京 🚚"},
      {"a\nb", "a\\nb"},
      {"\x1b[31mred", "\\x1b[31mred"},
      {std::string("nul\0", 4), "nul\\x00"},
      {"\x7f", "\\x7f"},
      {"\xc2\x9b", "\\xc2\\x9b"},
      {"\xff", "\\xff"},
      {"cut \xe6\x9d", "cut \\xe6\\x9d"},
      {"\xc0\xaf", "\\xc0\\xaf"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
      {"turn \u202e back", "turn \\xe2\\x80\\xae back"},
  };
  for (const auto& c : cases) EXPECT_EQ(Printable(c.text), c.shown);
}

TEST(IsUtf8, KnowsWholeCharacters) {
  for (const char* text : {"", "order", "Zürich 東京 🚚", "\x1b"}) EXPECT_TRUE(IsUtf8(text)) << text;
  for (const char* text : {"\xff", "a\xe6\x9d", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80"}) {
    EXPECT_FALSE(IsUtf8(text)) << Printable(text);
  }
}

TEST(Truncated, CutsByCharactersAndSaysSo) {
  EXPECT_EQ(Truncated("order", 5), "order");
  EXPECT_EQ(Truncated("orders", 5), "orde…");
  EXPECT_EQ(Truncated("Zürich", 3), "Zü…");
  EXPECT_EQ(Truncated("東京都", 2), "東…");
  EXPECT_EQ(Truncated("order", 1), "…");
  EXPECT_EQ(Truncated("order", 0), "");
  EXPECT_EQ(DisplayWidth("Zürich"), 6u);
}

}  // namespace
}  // namespace lapse::cli
