// Cuts a filter's text into tokens. Internal to base/filter.
#ifndef LAPSE_BASE_FILTER_LEXER_H_
#define LAPSE_BASE_FILTER_LEXER_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/filter/expression.h"

namespace lapse::filter_internal {

struct Token {
  enum class Kind { kText, kString, kOperator, kDot, kMinus, kOpen, kClose, kEnd };
  Kind kind = Kind::kEnd;
  // Byte offset in the text.
  size_t offset = 0;
  // Of kText and kString, without quotes and escapes. An unescaped `*` is the byte kStar.
  std::string text;
  // Of kOperator.
  Operator op = Operator::kEqual;
};

// Stands for an unescaped `*`: a byte that UTF-8 never has.
inline constexpr char kStar = '\xff';

// `text` with kStar turned back into `*`.
std::string WithStars(absl::string_view text);

// INVALID_ARGUMENT on `filter`: what is wrong at `offset` of `text`, with column and caret.
absl::Status ErrorAt(absl::string_view text, size_t offset, absl::string_view reason,
                     absl::string_view message);

// Reads tokens one after the other. Borrows the text, which is UTF-8.
class Lexer {
 public:
  explicit Lexer(absl::string_view text) : text_(text) {}

  // The next token where a field, keyword or operator may stand.
  absl::StatusOr<Token> Next();
  // The next token where a value stands: text runs on over `.`, `:` and `-`, as in 1.5, -3 and
  // times.
  absl::StatusOr<Token> NextValue();

 private:
  void SkipSpace();
  absl::StatusOr<Token> ReadString();
  absl::StatusOr<Token> ReadOperator();
  Token ReadText(absl::string_view ends);
  absl::Status AppendEscape(std::string* out);

  absl::string_view text_;
  size_t at_ = 0;
};

}  // namespace lapse::filter_internal

#endif  // LAPSE_BASE_FILTER_LEXER_H_
