// Text that comes from clients, made fit for people's eyes: nothing in it can start a line, hide,
// or turn the reading direction.
#ifndef LAPSE_NOTIFIERS_TEXT_H_
#define LAPSE_NOTIFIERS_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "lapse/v1/event.pb.h"

namespace lapse::notifiers {

// `text` as one line of valid UTF-8, at most `max_bytes` (at least 3) long; "…" ends what was cut.
// Control characters, line separators and direction marks are shown as escapes (`\n`, `\u202e`);
// bytes that are not UTF-8 as U+FFFD.
std::string OneLine(absl::string_view text, size_t max_bytes);

// For element content and quoted attribute values.
std::string HtmlEscape(absl::string_view text);

// In the unit that reads best, such as `350 ms`, `3.2 s`, `45 min`, `1 h 5 min`, `2 d 3 h`.
std::string FormatDuration(int64_t duration_us);

// Such as `2026-03-01 12:00:05.250 UTC`.
std::string FormatUtc(int64_t time_us);

// A value in one line, at most `max_bytes`.
std::string FormatValue(const lapse::v1::Value& value, size_t max_bytes);

}  // namespace lapse::notifiers

#endif  // LAPSE_NOTIFIERS_TEXT_H_
