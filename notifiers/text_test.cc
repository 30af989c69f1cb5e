#include "notifiers/text.h"

#include <string>

#include "gtest/gtest.h"

namespace lapse::notifiers {
namespace {

TEST(OneLineTest, ShowsWhatCouldBreakOrTurnALineAsEscapes) {
  const struct {
    std::string text;
    std::string expected;
  } kCases[] = {
      {"plain", "plain"},
      {"a\r\nBcc: x@y.z", "a\\r\\nBcc: x@y.z"},
      {std::string("nul\0byte", 8), "nul\\u0000byte"},
      {"tab\there", "tab\\there"},
      {"\x1b[31mred", "\\u001b[31mred"},
      {"del\x7f", "del\\u007f"},
      {"c1 \xC2\x85 next line", "c1 \\u0085 next line"},
      {"\xE2\x80\xA8line separator", "\\u2028line separator"},
      {"\xE2\x80\xAE"
       "desrever",
       "\\u202edesrever"},
      {"zero\xE2\x80\x8Bwidth", "zero\\u200bwidth"},
      {"Gr\xC3\xBC\xC3\x9F"
       "e \xE6\x9D\xB1\xE4\xBA\xAC \xF0\x9F\x9A\x9A",
       "Gr\xC3\xBC\xC3\x9F"
       "e \xE6\x9D\xB1\xE4\xBA\xAC \xF0\x9F\x9A\x9A"},
  };
  for (const auto& c : kCases) EXPECT_EQ(OneLine(c.text, 1'000), c.expected) << c.text;
}

TEST(OneLineTest, ReplacesBytesThatAreNotUtf8) {
  const std::string kReplacement = "\xEF\xBF\xBD";
  EXPECT_EQ(OneLine("a\xFF"
                    "b",
                    100),
            "a" + kReplacement + "b");
  EXPECT_EQ(OneLine("\xC3", 100), kReplacement);
  // Overlong newline, a surrogate, and beyond the last code point.
  EXPECT_EQ(OneLine("\xC0\x8A", 100), kReplacement + kReplacement);
  EXPECT_EQ(OneLine("\xED\xA0\x80", 100), kReplacement + kReplacement + kReplacement);
  EXPECT_EQ(OneLine("\xF4\x90\x80\x80", 100),
            kReplacement + kReplacement + kReplacement + kReplacement);
}

TEST(OneLineTest, CutsBetweenCharactersWithinTheLimit) {
  const std::string kEllipsis = "\xE2\x80\xA6";
  EXPECT_EQ(OneLine("abcdef", 6), "abcdef");
  EXPECT_EQ(OneLine("abcdefg", 6), "abc" + kEllipsis);
  // The second character would leave the ellipsis no room.
  EXPECT_EQ(OneLine("\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC", 6), "\xC3\xBC" + kEllipsis);
  EXPECT_EQ(OneLine("a\n\n\n", 6), "a\\n" + kEllipsis);
  for (size_t max = 3; max < 40; ++max) {
    EXPECT_LE(OneLine("some long text \xF0\x9F\x9A\x9A of many \r\n parts", max).size(), max);
  }
}

TEST(HtmlEscapeTest, EscapesAllThatMeansSomethingInHtml) {
  EXPECT_EQ(HtmlEscape("<a href=\"x\" b='y'>&amp;</a>"),
            "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;");
}

TEST(FormatDurationTest, TakesTheUnitThatReadsBest) {
  const struct {
    int64_t us;
    std::string expected;
  } kCases[] = {
      {0, "0 ms"},
      {350'000, "350 ms"},
      {999'999, "999 ms"},
      {1'000'000, "1 s"},
      {3'200'000, "3.2 s"},
      {59'999'999, "59.9 s"},
      {60'000'000, "1 min"},
      {2'700'000'000, "45 min"},
      {65'000'000, "1 min 5 s"},
      {3'600'000'000, "1 h"},
      {3'900'000'000, "1 h 5 min"},
      {86'400'000'000, "1 d"},
      {183'600'000'000, "2 d 3 h"},
      {-3'200'000, "-3.2 s"},
  };
  for (const auto& c : kCases) EXPECT_EQ(FormatDuration(c.us), c.expected) << c.us;
}

TEST(FormatUtcTest, ShowsMillisecondsAndZone) {
  EXPECT_EQ(FormatUtc(1'772'366'405'250'000), "2026-03-01 12:00:05.250 UTC");
}

TEST(FormatValueTest, ShowsEachKindInOneLine) {
  lapse::v1::Value value;
  EXPECT_EQ(FormatValue(value, 100), "");
  value.set_string_value("a\nb");
  EXPECT_EQ(FormatValue(value, 100), "a\\nb");
  value.set_bool_value(true);
  EXPECT_EQ(FormatValue(value, 100), "true");
  value.set_int64_value(-42);
  EXPECT_EQ(FormatValue(value, 100), "-42");
  value.set_double_value(12.5);
  EXPECT_EQ(FormatValue(value, 100), "12.5");
}

}  // namespace
}  // namespace lapse::notifiers
