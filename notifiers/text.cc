#include "notifiers/text.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "base/limits.h"

namespace lapse::notifiers {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr absl::string_view kEllipsis = "\xE2\x80\xA6";

struct Decoded {
  char32_t code_point = kReplacement;
  size_t size_bytes = 1;
};

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

size_t SequenceLength(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

bool IsOverlongOrOutside(char32_t code_point, size_t length) {
  if (length == 3) return code_point < 0x800 || (code_point >= 0xD800 && code_point <= 0xDFFF);
  if (length == 4) return code_point < 0x10000 || code_point > 0x10FFFF;
  return false;
}

// The first code point of `text`, which is not empty. A byte that starts none counts as one
// replacement character.
Decoded DecodeFirst(absl::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t length = SequenceLength(lead);
  if (length == 0 || length > text.size()) return {};
  if (length == 1) return {lead, 1};
  char32_t code_point = lead & (0xFF >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if (!IsContinuation(text[i])) return {};
    code_point = (code_point << 6) | (static_cast<unsigned char>(text[i]) & 0x3F);
  }
  if (IsOverlongOrOutside(code_point, length)) return {};
  return {code_point, length};
}

// Control characters, line and paragraph separators, and marks that hide text or turn its
// direction.
bool MustEscape(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xAD || c == 0x61C || c == 0xFEFF ||
         (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x206F) || (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000);
}

std::string Escape(char32_t c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return absl::StrFormat("\\u%04x", static_cast<uint32_t>(c));
  }
}

std::string TwoUnits(int64_t value_us, int64_t big_us, const char* big, int64_t small_us,
                     const char* small) {
  const int64_t rest = value_us % big_us / small_us;
  if (rest == 0) return absl::StrCat(value_us / big_us, " ", big);
  return absl::StrCat(value_us / big_us, " ", big, " ", rest, " ", small);
}

}  // namespace

std::string OneLine(absl::string_view text, size_t max_bytes) {
  std::string line;
  // Where to cut so that the ellipsis still fits.
  size_t cut_at = 0;
  while (!text.empty()) {
    const Decoded next = DecodeFirst(text);
    const absl::string_view raw = text.substr(0, next.size_bytes);
    if (next.code_point == kReplacement) {
      line.append("\xEF\xBF\xBD");
    } else if (MustEscape(next.code_point)) {
      line.append(Escape(next.code_point));
    } else {
      line.append(raw.data(), raw.size());
    }
    if (line.size() > max_bytes) {
      line.resize(cut_at);
      return absl::StrCat(line, kEllipsis);
    }
    if (line.size() + kEllipsis.size() <= max_bytes) cut_at = line.size();
    text.remove_prefix(next.size_bytes);
  }
  return line;
}

std::string HtmlEscape(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

std::string FormatDuration(int64_t duration_us) {
  using limits::kMicrosPerDay;
  using limits::kMicrosPerHour;
  using limits::kMicrosPerMinute;
  using limits::kMicrosPerSecond;
  const int64_t us = std::llabs(duration_us);
  const char* sign = duration_us < 0 ? "-" : "";
  if (us < kMicrosPerSecond) return absl::StrCat(sign, us / limits::kMicrosPerMilli, " ms");
  if (us < kMicrosPerMinute) {
    const int64_t tenths = us / (kMicrosPerSecond / 10);
    if (tenths % 10 == 0) return absl::StrCat(sign, tenths / 10, " s");
    return absl::StrCat(sign, tenths / 10, ".", tenths % 10, " s");
  }
  if (us < kMicrosPerHour) {
    return sign + TwoUnits(us, kMicrosPerMinute, "min", kMicrosPerSecond, "s");
  }
  if (us < kMicrosPerDay) {
    return sign + TwoUnits(us, kMicrosPerHour, "h", kMicrosPerMinute, "min");
  }
  return sign + TwoUnits(us, kMicrosPerDay, "d", kMicrosPerHour, "h");
}

std::string FormatUtc(int64_t time_us) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%E3S UTC", absl::FromUnixMicros(time_us),
                          absl::UTCTimeZone());
}

std::string FormatValue(const lapse::v1::Value& value, size_t max_bytes) {
  switch (value.kind_case()) {
    case lapse::v1::Value::kStringValue:
      return OneLine(value.string_value(), max_bytes);
    case lapse::v1::Value::kBoolValue:
      return value.bool_value() ? "true" : "false";
    case lapse::v1::Value::kInt64Value:
      return absl::StrCat(value.int64_value());
    case lapse::v1::Value::kDoubleValue:
      return absl::StrFormat("%.15g", value.double_value());
    case lapse::v1::Value::KIND_NOT_SET:
      return "";
  }
  return "";
}

}  // namespace lapse::notifiers
