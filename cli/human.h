// Times, durations and texts as people write and read them. Pure functions; times are microseconds
// since 1970.
#ifndef LAPSE_CLI_HUMAN_H_
#define LAPSE_CLI_HUMAN_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace lapse::cli {

// Numbers with units d, h, m, s, ms, us, largest first, each at most once, fractions allowed:
// `45m`, `1h30m`, `1.5h`, `2700s`, `1d`. `0` needs no unit. INVALID_ARGUMENT for anything else, a
// negative one, or over 10,000 days.
absl::StatusOr<int64_t> ParseDuration(absl::string_view text);

// Exact, and read back by ParseDuration: `1h30m`, `45m`, `10s`, `1s500ms`, `0s`. Negative ones
// start with '-'.
std::string ExactDuration(int64_t duration_us);

// For reading at a glance, by its two largest units: `0s`, `850us`, `12ms`, `3.2s`, `4m05s`,
// `1h30m`, `2d4h`.
std::string ShortDuration(int64_t duration_us);

// Local time: `14:03:07` on the day of `now_us`, else `2024-11-22 14:03:07`.
std::string ShortTime(int64_t time_us, int64_t now_us, absl::TimeZone zone);

// A moment given by a person: RFC 3339 (`2024-11-22T14:03:07Z`), or how long before `now_us`: `10m
// ago`, `-10m`.
absl::StatusOr<int64_t> ParseTime(absl::string_view text, int64_t now_us);

// 1234567 as `1,234,567`.
std::string Grouped(int64_t number);

// `text` without control characters, which could play tricks with a terminal: each is shown as
// `\xNN`, a newline as
// `\n`. What is not UTF-8 is shown as `\xNN` too.
std::string Printable(absl::string_view text);

bool IsUtf8(absl::string_view text);

// Columns that valid UTF-8 takes in a terminal; wide and combining characters are counted as one.
size_t DisplayWidth(absl::string_view text);

// The first `width` columns of valid UTF-8, the last of them `…` where something was cut off.
std::string Truncated(absl::string_view text, size_t width);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_HUMAN_H_
