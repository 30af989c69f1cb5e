#include "notifiers/mime.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "notifiers/text.h"

namespace lapse::notifiers {
namespace {

// Soft limit of a header line (RFC 5322); a longer word stands alone on its line.
constexpr size_t kFoldColumn = 76;
constexpr size_t kMaxHeaderTextBytes = 900;
// A line with an encoded word has at most 76 characters: less the word's frame, and the field's
// name or the fold's space.
constexpr size_t kMaxEncodedWordPayload = 76 - 12 - 12;
constexpr size_t kMaxQuotedLine = 76;
constexpr char kHexDigits[] = "0123456789ABCDEF";

void AppendHex(char c, std::string* out) {
  const auto byte = static_cast<unsigned char>(c);
  out->push_back('=');
  out->push_back(kHexDigits[byte >> 4]);
  out->push_back(kHexDigits[byte & 15]);
}

// Whether the text reads the same when folded at its spaces and is not taken for an encoded word.
bool IsPlain(absl::string_view text) {
  return !text.empty() && text.front() != ' ' && text.back() != ' ' &&
         !absl::StrContains(text, "  ") && !absl::StrContains(text, "=?") &&
         std::all_of(text.begin(), text.end(), absl::ascii_isprint);
}

std::string Fold(absl::string_view name, absl::string_view text) {
  std::string field = absl::StrCat(name, ":");
  size_t column = field.size();
  for (absl::string_view word : absl::StrSplit(text, ' ')) {
    if (column + 1 + word.size() > kFoldColumn && column > name.size() + 1) {
      absl::StrAppend(&field, "\r\n");
      column = 0;
    }
    absl::StrAppend(&field, " ", word);
    column += 1 + word.size();
  }
  return field + "\r\n";
}

size_t CharacterBytes(absl::string_view text) {
  size_t size = 1;
  while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) ++size;
  return size;
}

std::string EncodeCharacter(absl::string_view character) {
  std::string encoded;
  for (char c : character) {
    if (c == ' ') {
      encoded.push_back('_');
    } else if (absl::ascii_isalnum(c)) {
      // Nothing else is safe in every place where an encoded word may stand.
      encoded.push_back(c);
    } else {
      AppendHex(c, &encoded);
    }
  }
  return encoded;
}

std::string EncodeBodyCharacter(char c, bool ends_line) {
  const bool plain = (c >= '!' && c <= '~' && c != '=') || (c == ' ' && !ends_line);
  if (plain) return std::string(1, c);
  std::string encoded;
  AppendHex(c, &encoded);
  return encoded;
}

void AppendQuotedLine(absl::string_view line, std::string* out) {
  size_t column = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const bool last = i + 1 == line.size();
    const std::string encoded = EncodeBodyCharacter(line[i], last);
    // One column is kept for the soft break's "=".
    if (column + encoded.size() > kMaxQuotedLine - 1) {
      absl::StrAppend(out, "=\r\n");
      column = 0;
    }
    absl::StrAppend(out, encoded);
    column += encoded.size();
  }
}

}  // namespace

std::string EncodedWords(absl::string_view text) {
  std::string words;
  std::string payload;
  const auto flush = [&] {
    absl::StrAppend(&words, words.empty() ? "" : "\r\n ", "=?UTF-8?Q?", payload, "?=");
    payload.clear();
  };
  while (!text.empty()) {
    const size_t size = CharacterBytes(text);
    const std::string encoded = EncodeCharacter(text.substr(0, size));
    if (payload.size() + encoded.size() > kMaxEncodedWordPayload) flush();
    payload += encoded;
    text.remove_prefix(size);
  }
  if (!payload.empty()) flush();
  return words;
}

std::string TextHeader(absl::string_view name, absl::string_view text) {
  const std::string line = OneLine(text, kMaxHeaderTextBytes);
  if (IsPlain(line)) return Fold(name, line);
  return absl::StrCat(name, ": ", EncodedWords(line), "\r\n");
}

std::string QuotedPrintable(absl::string_view text) {
  std::string out;
  for (absl::string_view line : absl::StrSplit(absl::StripSuffix(text, "\n"), '\n')) {
    AppendQuotedLine(line, &out);
    absl::StrAppend(&out, "\r\n");
  }
  return out;
}

std::string MailDate(int64_t time_us) {
  const absl::Time time = absl::FromUnixMicros(time_us);
  return absl::FormatTime("%a, %d %b %Y %H:%M:%S +0000", time, absl::UTCTimeZone());
}

}  // namespace lapse::notifiers
