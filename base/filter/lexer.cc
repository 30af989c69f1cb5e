#include "base/filter/lexer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/utf8.h"

namespace lapse::filter_internal {
namespace {

constexpr absl::string_view kFieldEnds = ".()\"'=<>!:,";
constexpr absl::string_view kValueEnds = "()\"'=<>!,";
constexpr size_t kShownBytesBefore = 60;
constexpr size_t kShownBytesAfter = 30;

bool Contains(absl::string_view set, char c) { return set.find(c) != absl::string_view::npos; }

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

size_t CountCharacters(absl::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuation(c); });
}

// The part of `text` around `offset` on one line, and a caret under the place.
std::string Excerpt(absl::string_view text, size_t offset) {
  size_t begin = offset > kShownBytesBefore ? offset - kShownBytesBefore : 0;
  while (begin > 0 && IsContinuation(text[begin])) --begin;
  const absl::string_view after = CutUtf8(text.substr(offset), kShownBytesAfter);
  std::string line(text.substr(begin, offset - begin + after.size()));
  for (char& c : line) {
    if (absl::ascii_iscntrl(c)) c = ' ';
  }
  const size_t indent = CountCharacters(text.substr(begin, offset - begin));
  return absl::StrCat("\n  ", line, "\n  ", std::string(indent, ' '), "^");
}

}  // namespace

std::string WithStars(absl::string_view text) {
  std::string out(text);
  std::replace(out.begin(), out.end(), kStar, '*');
  return out;
}

absl::Status ErrorAt(absl::string_view text, size_t offset, absl::string_view reason,
                     absl::string_view message) {
  const size_t column = CountCharacters(text.substr(0, offset)) + 1;
  return InvalidField(
      "filter", reason,
      absl::StrCat("filter, column ", column, ": ", message, Excerpt(text, offset)));
}

void Lexer::SkipSpace() {
  while (at_ < text_.size() && absl::ascii_isspace(text_[at_])) ++at_;
}

absl::StatusOr<Token> Lexer::Next() {
  SkipSpace();
  Token token;
  token.offset = at_;
  if (at_ == text_.size()) return token;
  const char c = text_[at_];
  if (c == '"' || c == '\'') return ReadString();
  if (Contains("=<>!:", c)) return ReadOperator();
  if (c == ',') return ErrorAt(text_, at_, "FILTER_SYNTAX", "unexpected ','");
  if (!Contains("().-", c)) return ReadText(kFieldEnds);
  ++at_;
  token.kind = c == '('   ? Token::Kind::kOpen
               : c == ')' ? Token::Kind::kClose
               : c == '.' ? Token::Kind::kDot
                          : Token::Kind::kMinus;
  return token;
}

absl::StatusOr<Token> Lexer::NextValue() {
  SkipSpace();
  if (at_ < text_.size() && !Contains(kValueEnds, text_[at_])) return ReadText(kValueEnds);
  return Next();
}

Token Lexer::ReadText(absl::string_view ends) {
  Token token;
  token.kind = Token::Kind::kText;
  token.offset = at_;
  while (at_ < text_.size() && !absl::ascii_isspace(text_[at_]) && !Contains(ends, text_[at_])) {
    token.text.push_back(text_[at_] == '*' ? kStar : text_[at_]);
    ++at_;
  }
  return token;
}

absl::StatusOr<Token> Lexer::ReadOperator() {
  static constexpr std::pair<absl::string_view, Operator> kOperators[] = {
      {"!=", Operator::kNotEqual}, {"<=", Operator::kLessEqual}, {">=", Operator::kGreaterEqual},
      {"=", Operator::kEqual},     {"<", Operator::kLess},       {">", Operator::kGreater},
      {":", Operator::kHas},
  };
  Token token;
  token.kind = Token::Kind::kOperator;
  token.offset = at_;
  for (const auto& [symbol, op] : kOperators) {
    if (text_.substr(at_, symbol.size()) != symbol) continue;
    at_ += symbol.size();
    token.op = op;
    return token;
  }
  return ErrorAt(text_, at_, "FILTER_SYNTAX", "'!' is no operator; use != or NOT");
}

absl::StatusOr<Token> Lexer::ReadString() {
  Token token;
  token.kind = Token::Kind::kString;
  token.offset = at_;
  const char quote = text_[at_++];
  while (at_ < text_.size() && text_[at_] != quote) {
    if (text_[at_] == '\\') {
      if (absl::Status status = AppendEscape(&token.text); !status.ok()) return status;
      continue;
    }
    token.text.push_back(text_[at_] == '*' ? kStar : text_[at_]);
    ++at_;
  }
  if (at_ == text_.size()) {
    return ErrorAt(text_, token.offset, "FILTER_SYNTAX", "this string has no closing quote");
  }
  ++at_;
  return token;
}

absl::Status Lexer::AppendEscape(std::string* out) {
  static constexpr absl::string_view kEscapes = "\\\"'*nrt";
  static constexpr absl::string_view kMeanings = "\\\"'*\n\r\t";
  const size_t which =
      at_ + 1 < text_.size() ? kEscapes.find(text_[at_ + 1]) : absl::string_view::npos;
  if (which == absl::string_view::npos) {
    return ErrorAt(text_, at_, "FILTER_SYNTAX",
                   R"(unknown escape; known are \\ \" \' \* \n \r \t)");
  }
  out->push_back(kMeanings[which]);
  at_ += 2;
  return absl::OkStatus();
}

}  // namespace lapse::filter_internal
