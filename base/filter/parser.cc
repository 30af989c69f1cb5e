#include "base/filter/parser.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "base/filter/lexer.h"
#include "base/filter/literal.h"
#include "base/limits.h"
#include "base/nearest.h"
#include "base/status_macros.h"

namespace lapse::filter_internal {
namespace {

Node Join(Node::Kind kind, std::vector<Node> children) {
  if (children.size() == 1) return std::move(children.front());
  Node node;
  node.kind = kind;
  node.children = std::move(children);
  return node;
}

Node Negate(Node child) {
  Node node;
  node.kind = Node::Kind::kNot;
  node.children.push_back(std::move(child));
  return node;
}

bool IsOrdering(Operator op) {
  return op != Operator::kEqual && op != Operator::kNotEqual && op != Operator::kHas;
}

// Recursive descent over AIP-160's grammar:
//   expression = factor { ["AND"] factor }     factor = term { "OR" term }
//   term = [ "NOT" | "-" ] simple              simple = "(" expression ")" | comparison
class Parser {
 public:
  Parser(absl::string_view text, const FieldSchema& schema)
      : text_(text), schema_(schema), lexer_(text) {}

  absl::StatusOr<std::optional<Node>> Parse() {
    RETURN_IF_ERROR(Advance());
    if (token_.kind == Token::Kind::kEnd) return std::optional<Node>();
    ASSIGN_OR_RETURN(Node root, Expression());
    if (token_.kind != Token::Kind::kEnd) return Syntax("this ')' closes nothing");
    return std::optional<Node>(std::move(root));
  }

 private:
  absl::StatusOr<Node> Expression() {
    std::vector<Node> factors;
    for (;;) {
      ASSIGN_OR_RETURN(Node factor, Factor());
      factors.push_back(std::move(factor));
      if (IsKeyword("AND")) {
        RETURN_IF_ERROR(Advance());
      } else if (token_.kind == Token::Kind::kEnd || token_.kind == Token::Kind::kClose) {
        return Join(Node::Kind::kAnd, std::move(factors));
      }
    }
  }

  absl::StatusOr<Node> Factor() {
    std::vector<Node> terms;
    for (;;) {
      ASSIGN_OR_RETURN(Node term, Term());
      terms.push_back(std::move(term));
      if (!IsKeyword("OR")) return Join(Node::Kind::kOr, std::move(terms));
      RETURN_IF_ERROR(Advance());
    }
  }

  absl::StatusOr<Node> Term() {
    const bool negated = IsKeyword("NOT") || token_.kind == Token::Kind::kMinus;
    if (!negated) return Simple();
    RETURN_IF_ERROR(Advance());
    ASSIGN_OR_RETURN(Node child, Simple());
    return Negate(std::move(child));
  }

  absl::StatusOr<Node> Simple() {
    if (token_.kind != Token::Kind::kOpen) return ParseComparison();
    const size_t open = token_.offset;
    if (++depth_ > limits::kMaxFilterDepth) {
      return Fail(open, "FILTER_TOO_DEEP",
                  absl::StrCat("parentheses nest deeper than ", limits::kMaxFilterDepth));
    }
    RETURN_IF_ERROR(Advance());
    ASSIGN_OR_RETURN(Node inner, Expression());
    if (token_.kind != Token::Kind::kClose) {
      return Fail(open, "FILTER_SYNTAX", "this '(' is never closed");
    }
    RETURN_IF_ERROR(Advance());
    --depth_;
    return inner;
  }

  // comparison = field { "." name } operator value
  absl::StatusOr<Node> ParseComparison() {
    ASSIGN_OR_RETURN(const Token name, FieldToken());
    const FieldSpec* field = schema_.Find(name.text);
    if (field == nullptr) return UnknownField(name);
    Node node;
    node.comparison.field_id = field->id;
    node.comparison.type = field->type;
    ASSIGN_OR_RETURN(const bool has_key, Entry(*field, &node.comparison.key));
    RETURN_IF_ERROR(OperatorAndValue(*field, has_key, &node.comparison));
    return node;
  }

  absl::StatusOr<Token> FieldToken() {
    if (IsKeyword("AND") || IsKeyword("OR") || IsKeyword("NOT")) {
      return Syntax(absl::StrCat("a comparison must stand here, not ", token_.text));
    }
    if (token_.kind == Token::Kind::kString) {
      return Syntax("a value alone is not searched for; write FIELD = VALUE");
    }
    if (token_.kind != Token::Kind::kText)
      return Syntax("a comparison such as type = \"x\" must stand here");
    Token name = token_;
    name.text = WithStars(name.text);
    RETURN_IF_ERROR(Advance());
    if (token_.kind == Token::Kind::kOpen) {
      return Fail(name.offset, "FILTER_SYNTAX", "there are no functions in filters");
    }
    return name;
  }

  // The rest of MAP.NAME into `key`. False where there is none.
  absl::StatusOr<bool> Entry(const FieldSpec& field, std::string* key) {
    std::vector<std::string> parts;
    while (token_.kind == Token::Kind::kDot) {
      if (!field.is_map) {
        return Fail(token_.offset, "FILTER_FIELD_UNKNOWN",
                    absl::StrCat(field.name, " has no fields of its own"));
      }
      RETURN_IF_ERROR(Advance());
      if (token_.kind != Token::Kind::kText && token_.kind != Token::Kind::kString) {
        return Syntax(
            absl::StrCat("a name must follow '.'; quote odd ones: ", field.name, ".\"a b\""));
      }
      parts.push_back(WithStars(token_.text));
      RETURN_IF_ERROR(Advance());
    }
    *key = absl::StrJoin(parts, ".");
    if (!parts.empty() && key->empty()) return Syntax("the name after '.' is empty");
    return !parts.empty();
  }

  absl::Status OperatorAndValue(const FieldSpec& field, bool has_key, Comparison* comparison) {
    if (token_.kind != Token::Kind::kOperator) {
      return Syntax("one of = != < <= > >= : must follow a field");
    }
    const Token op = token_;
    ASSIGN_OR_RETURN(token_, lexer_.NextValue());
    if (token_.kind != Token::Kind::kText && token_.kind != Token::Kind::kString) {
      return Syntax("a value must follow the operator");
    }
    const Token value = token_;
    RETURN_IF_ERROR(Advance());
    if (op.op == Operator::kHas && ReadHas(field, has_key, value, comparison)) {
      return absl::OkStatus();
    }
    if (field.is_map && !has_key) return NeedsEntry(field, op);
    return ReadValue(field, op, value, comparison);
  }

  // Whether `:` asks for presence; false where it is an equality.
  static bool ReadHas(const FieldSpec& field, bool has_key, const Token& value,
                      Comparison* comparison) {
    const bool star = value.kind == Token::Kind::kText && value.text == std::string(1, kStar);
    if (field.is_map && !has_key) {
      comparison->kind = star ? Comparison::Kind::kMapPresent : Comparison::Kind::kEntryPresent;
      if (!star) comparison->key = WithStars(value.text);
      return true;
    }
    if (!star) return false;
    comparison->kind = has_key ? Comparison::Kind::kEntryPresent : Comparison::Kind::kFieldPresent;
    return true;
  }

  absl::Status ReadValue(const FieldSpec& field, const Token& op, const Token& value,
                         Comparison* comparison) {
    comparison->op = op.op == Operator::kHas ? Operator::kEqual : op.op;
    const std::string problem = ReadLiteral(field, value, &comparison->literal);
    if (!problem.empty()) return Fail(value.offset, "FILTER_VALUE_INVALID", problem);
    if (!IsOrdering(op.op)) return absl::OkStatus();
    if (std::holds_alternative<bool>(comparison->literal) || field.type == FieldType::kEnum) {
      return Fail(op.offset, "FILTER_OPERATOR_INVALID",
                  "true, false and the values of enums have no order; use =, != or ':'");
    }
    // Only equality knows `*`; in an order it is a character.
    if (std::holds_alternative<Pattern>(comparison->literal)) {
      comparison->literal = WithStars(value.text);
    }
    return absl::OkStatus();
  }

  absl::Status NeedsEntry(const FieldSpec& field, const Token& op) {
    return Fail(op.offset, "FILTER_OPERATOR_INVALID",
                absl::StrCat(field.name, " is a map: compare one of its entries, ", field.name,
                             ".NAME, or ask for one, ", field.name, ":NAME"));
  }

  absl::Status UnknownField(const Token& name) {
    std::vector<std::string> known;
    for (const FieldSpec& field : schema_.fields()) known.push_back(field.name);
    return Fail(
        name.offset, "FILTER_FIELD_UNKNOWN",
        absl::StrCat("unknown field ", Quoted(name.text), "; ", DidYouMean(name.text, known)));
  }

  bool IsKeyword(absl::string_view keyword) const {
    return token_.kind == Token::Kind::kText && token_.text == keyword;
  }

  absl::Status Advance() {
    ASSIGN_OR_RETURN(token_, lexer_.Next());
    return absl::OkStatus();
  }

  absl::Status Syntax(absl::string_view message) const {
    return Fail(token_.offset, "FILTER_SYNTAX", message);
  }

  absl::Status Fail(size_t offset, absl::string_view reason, absl::string_view message) const {
    return ErrorAt(text_, offset, reason, message);
  }

  const absl::string_view text_;
  const FieldSchema& schema_;
  Lexer lexer_;
  Token token_;
  int depth_ = 0;
};

}  // namespace

absl::StatusOr<std::optional<Node>> ParseExpression(absl::string_view text,
                                                    const FieldSchema& schema) {
  return Parser(text, schema).Parse();
}

}  // namespace lapse::filter_internal
