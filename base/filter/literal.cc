#include "base/filter/literal.h"

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "base/nearest.h"

namespace lapse::filter_internal {
namespace {

constexpr size_t kMaxFractionDigits = 9;

// `inf`, `nan` and the like are no numbers here.
bool LooksLikeNumber(absl::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (!text.empty() && text[0] == '.') text.remove_prefix(1);
  return !text.empty() && absl::ascii_isdigit(text[0]);
}

bool ReadNumber(absl::string_view text, Literal* literal) {
  if (!LooksLikeNumber(text)) return false;
  int64_t whole = 0;
  if (absl::SimpleAtoi(text, &whole)) {
    *literal = whole;
    return true;
  }
  double fractional = 0;
  if (!absl::SimpleAtod(text, &fractional) || !std::isfinite(fractional)) return false;
  *literal = fractional;
  return true;
}

bool ReadBool(absl::string_view text, Literal* literal) {
  if (text != "true" && text != "false") return false;
  *literal = text == "true";
  return true;
}

bool ReadTime(const std::string& text, Literal* literal) {
  absl::Time time;
  if (text.empty() || !absl::ascii_isdigit(text[0]) ||
      !absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) {
    return false;
  }
  *literal = static_cast<int64_t>(absl::ToUnixMicros(time));
  return true;
}

// Seconds with up to nine fractional digits and an `s`. Read by hand: a double would lose
// microseconds.
bool ReadDuration(absl::string_view text, Literal* literal) {
  const bool negative = absl::ConsumePrefix(&text, "-");
  if (!absl::ConsumeSuffix(&text, "s") || text.empty() || !absl::ascii_isdigit(text[0])) {
    return false;
  }
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('.', 1));
  if (parts.second.size() > kMaxFractionDigits) return false;
  std::string fraction(parts.second);
  fraction.resize(kMaxFractionDigits, '0');
  int64_t seconds = 0;
  int64_t nanos = 0;
  constexpr int64_t kMaxSeconds = INT64_MAX / 1'000'000 - 1;
  if (!absl::ascii_isdigit(fraction[0]) || !absl::SimpleAtoi(parts.first, &seconds) ||
      !absl::SimpleAtoi(fraction, &nanos) || seconds > kMaxSeconds) {
    return false;
  }
  const int64_t micros = seconds * 1'000'000 + nanos / 1'000;
  *literal = negative ? -micros : micros;
  return true;
}

bool ReadEnum(const FieldSpec& field, absl::string_view text, Literal* literal) {
  for (const auto& [name, number] : field.enum_values) {
    if (name != text) continue;
    *literal = static_cast<int64_t>(number);
    return true;
  }
  return false;
}

std::string EnumError(const FieldSpec& field, absl::string_view text) {
  std::vector<std::string> names;
  for (const auto& [name, number] : field.enum_values) names.push_back(name);
  return absl::StrCat(field.name, " has no value ", Quoted(text), "; ", DidYouMean(text, names));
}

void ReadString(const std::string& text, Literal* literal) {
  if (!absl::StrContains(text, kStar)) {
    *literal = text;
    return;
  }
  *literal = Pattern{absl::StrSplit(text, kStar)};
}

// An attribute's value in the absence of a type: quotes make a string.
std::string ReadAny(const Token& token, const std::string& plain, Literal* literal) {
  if (token.kind == Token::Kind::kText) {
    if (ReadBool(plain, literal) || ReadNumber(plain, literal)) return "";
    double huge = 0;
    if (LooksLikeNumber(plain) && absl::SimpleAtod(plain, &huge)) {
      return absl::StrCat(Quoted(plain), " is too large for a number");
    }
  }
  ReadString(token.text, literal);
  return "";
}

}  // namespace

std::string ReadLiteral(const FieldSpec& field, const Token& token, Literal* literal) {
  const std::string plain = WithStars(token.text);
  const auto expected = [&](bool ok, absl::string_view what) {
    return ok ? "" : absl::StrCat(field.name, " takes ", what, ", not ", Quoted(plain));
  };
  switch (field.type) {
    case FieldType::kString:
      ReadString(token.text, literal);
      return "";
    case FieldType::kAny:
      return ReadAny(token, plain, literal);
    case FieldType::kBool:
      return expected(ReadBool(plain, literal), "true or false");
    case FieldType::kNumber:
      return expected(ReadNumber(plain, literal), "a number");
    case FieldType::kTime:
      return expected(ReadTime(plain, literal),
                      "an RFC 3339 time such as \"2024-05-01T12:30:00Z\"");
    case FieldType::kDuration:
      return expected(ReadDuration(plain, literal), "seconds such as 1.5s");
    case FieldType::kEnum:
      return ReadEnum(field, plain, literal) ? "" : EnumError(field, plain);
  }
  return "unknown type";
}

}  // namespace lapse::filter_internal
