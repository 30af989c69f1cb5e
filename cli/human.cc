#include "cli/human.h"

#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "base/limits.h"

namespace lapse::cli {
namespace {

struct Unit {
  absl::string_view name;
  int64_t micros;
};

// Largest first.
constexpr Unit kUnits[] = {
    {"d", limits::kMicrosPerDay},    {"h", limits::kMicrosPerHour},
    {"m", limits::kMicrosPerMinute}, {"s", limits::kMicrosPerSecond},
    {"ms", limits::kMicrosPerMilli}, {"us", 1},
};
constexpr size_t kUnitCount = std::size(kUnits);
constexpr int64_t kMaxDurationUs = 10'000 * limits::kMicrosPerDay;

absl::Status BadDuration(absl::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat(
      Quoted(text),
      " is no duration; write it like 45m, 10s, 1h30m or 1d (units d, h, m, s, ms, us)"));
}

absl::string_view TakeWhile(absl::string_view& text, bool (*wanted)(unsigned char)) {
  const auto end = std::find_if_not(text.begin(), text.end(), wanted);
  const absl::string_view taken = text.substr(0, end - text.begin());
  text.remove_prefix(taken.size());
  return taken;
}

bool IsNumberCharacter(unsigned char c) { return absl::ascii_isdigit(c) || c == '.'; }

size_t IndexOfUnit(absl::string_view name) {
  return std::find_if(kUnits, kUnits + kUnitCount, [&](const Unit& u) { return u.name == name; }) -
         kUnits;
}

// The length of the UTF-8 character at the start of `text`; 0 where there is none that is valid.
size_t CharacterBytes(absl::string_view text) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  const size_t bytes = lead < 0x80   ? 1
                       : lead < 0xC2 ? 0
                       : lead < 0xE0 ? 2
                       : lead < 0xF0 ? 3
                       : lead < 0xF5 ? 4
                                     : 0;
  if (bytes == 0 || bytes > text.size()) return 0;
  for (size_t i = 1; i < bytes; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xE0 && at(1) < 0xA0) || (lead == 0xF0 && at(1) < 0x90);
  const bool beyond = (lead == 0xED && at(1) > 0x9F) || (lead == 0xF4 && at(1) > 0x8F);
  return overlong || beyond ? 0 : bytes;
}

// C0, DEL, C1, and the marks that turn the direction of writing.
bool IsControl(absl::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return lead < 0x20 || lead == 0x7F;
  if (character.size() == 2) return lead == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
  return (character >= "\u200E" && character <= "\u200F") ||
         (character >= "\u2028" && character <= "\u202E") ||
         (character >= "\u2066" && character <= "\u2069");
}

}  // namespace

absl::StatusOr<int64_t> ParseDuration(absl::string_view text) {
  if (text == "0") return 0;
  absl::string_view rest = text;
  double total_us = 0;
  size_t next_unit = 0;
  while (!rest.empty()) {
    double number = 0;
    const absl::string_view digits = TakeWhile(rest, IsNumberCharacter);
    const size_t unit = IndexOfUnit(TakeWhile(rest, absl::ascii_isalpha));
    if (!absl::SimpleAtod(digits, &number) || unit == kUnitCount || unit < next_unit) {
      return BadDuration(text);
    }
    total_us += number * static_cast<double>(kUnits[unit].micros);
    next_unit = unit + 1;
  }
  if (next_unit == 0) return BadDuration(text);
  if (total_us > static_cast<double>(kMaxDurationUs)) {
    return absl::InvalidArgumentError(absl::StrCat(Quoted(text), " is over 10,000 days"));
  }
  return std::llround(total_us);
}

std::string ExactDuration(int64_t duration_us) {
  if (duration_us == 0) return "0s";
  std::string text = duration_us < 0 ? "-" : "";
  uint64_t rest = duration_us < 0 ? 0 - static_cast<uint64_t>(duration_us) : duration_us;
  for (const Unit& unit : kUnits) {
    const uint64_t count = rest / unit.micros;
    if (count > 0) absl::StrAppend(&text, count, unit.name);
    rest %= unit.micros;
  }
  return text;
}

std::string ShortDuration(int64_t duration_us) {
  if (duration_us < 0) return absl::StrCat("-", ShortDuration(-std::max(duration_us, -INT64_MAX)));
  const int64_t seconds = duration_us / limits::kMicrosPerSecond;
  const int64_t minutes = seconds / 60;
  const int64_t hours = minutes / 60;
  if (duration_us == 0) return "0s";
  if (duration_us < limits::kMicrosPerMilli) return absl::StrCat(duration_us, "us");
  if (seconds == 0) return absl::StrCat(duration_us / limits::kMicrosPerMilli, "ms");
  if (minutes == 0) {
    const int64_t tenths = duration_us % limits::kMicrosPerSecond / (limits::kMicrosPerSecond / 10);
    return tenths == 0 ? absl::StrCat(seconds, "s") : absl::StrCat(seconds, ".", tenths, "s");
  }
  if (hours == 0) {
    return seconds % 60 == 0 ? absl::StrCat(minutes, "m")
                             : absl::StrFormat("%dm%02ds", minutes, seconds % 60);
  }
  if (hours < 24) {
    return minutes % 60 == 0 ? absl::StrCat(hours, "h")
                             : absl::StrFormat("%dh%02dm", hours, minutes % 60);
  }
  return hours % 24 == 0 ? absl::StrCat(hours / 24, "d")
                         : absl::StrFormat("%dd%dh", hours / 24, hours % 24);
}

std::string ShortTime(int64_t time_us, int64_t now_us, absl::TimeZone zone) {
  const absl::Time time = absl::FromUnixMicros(time_us);
  const bool today =
      absl::ToCivilDay(time, zone) == absl::ToCivilDay(absl::FromUnixMicros(now_us), zone);
  return absl::FormatTime(today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", time, zone);
}

absl::StatusOr<int64_t> ParseTime(absl::string_view text, int64_t now_us) {
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return absl::ToUnixMicros(time);
  absl::string_view ago = text;
  if (absl::ConsumePrefix(&ago, "-") || absl::ConsumeSuffix(&ago, " ago")) {
    const absl::StatusOr<int64_t> duration = ParseDuration(absl::StripAsciiWhitespace(ago));
    if (duration.ok()) return now_us - *duration;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      Quoted(text), " is no time; write it like 2024-11-22T14:03:07Z, \"10m ago\" or -10m"));
}

std::string Grouped(int64_t number) {
  std::string text = absl::StrCat(number);
  const size_t first_digit = number < 0 ? 1 : 0;
  for (size_t at = text.size(); at > first_digit + 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

std::string Printable(absl::string_view text) {
  std::string printable;
  while (!text.empty()) {
    const size_t bytes = CharacterBytes(text);
    const absl::string_view character = text.substr(0, std::max<size_t>(bytes, 1));
    if (character == "\n") {
      absl::StrAppend(&printable, "\\n");
    } else if (bytes > 0 && !IsControl(character)) {
      absl::StrAppend(&printable, character);
    } else {
      for (const char c : character) {
        absl::StrAppendFormat(&printable, "\\x%02x", static_cast<unsigned char>(c));
      }
    }
    text.remove_prefix(character.size());
  }
  return printable;
}

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const size_t bytes = CharacterBytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

size_t DisplayWidth(absl::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

std::string Truncated(absl::string_view text, size_t width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width == 0) return "";
  size_t end = 0;
  for (size_t column = 0; column + 1 < width; ++column) {
    end += std::max<size_t>(1, CharacterBytes(text.substr(end)));
  }
  return absl::StrCat(text.substr(0, end), "…");
}

}  // namespace lapse::cli
