#include "base/filter/evaluate.h"

#include <algorithm>
#include <compare>

#include "absl/strings/string_view.h"

namespace lapse::filter_internal {
namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;

std::partial_ordering CompareNumbers(int64_t a, double b) {
  if (b >= kTwoTo63) return std::partial_ordering::less;
  if (b < -kTwoTo63) return std::partial_ordering::greater;
  if (b != b) return std::partial_ordering::unordered;
  const int64_t whole = static_cast<int64_t>(b);
  if (a != whole) return a <=> whole;
  return 0.0 <=> b - static_cast<double>(whole);
}

std::partial_ordering CompareNumbers(double a, int64_t b) {
  const std::partial_ordering swapped = CompareNumbers(b, a);
  if (std::is_lt(swapped)) return std::partial_ordering::greater;
  if (std::is_gt(swapped)) return std::partial_ordering::less;
  return swapped;
}

// Unordered where the types are unlike. Of the literals only strings, numbers and booleans come
// here.
std::partial_ordering Compare(const FieldValue& value, const Literal& literal) {
  constexpr auto kUnlike = std::partial_ordering::unordered;
  if (const auto* text = std::get_if<absl::string_view>(&value)) {
    const auto* other = std::get_if<std::string>(&literal);
    return other == nullptr ? kUnlike : text->compare(*other) <=> 0;
  }
  if (const auto* flag = std::get_if<bool>(&value)) {
    const auto* other = std::get_if<bool>(&literal);
    return other == nullptr ? kUnlike : *flag <=> *other;
  }
  if (const auto* whole = std::get_if<int64_t>(&value)) {
    if (const auto* other = std::get_if<int64_t>(&literal)) return *whole <=> *other;
    const auto* other = std::get_if<double>(&literal);
    return other == nullptr ? kUnlike : CompareNumbers(*whole, *other);
  }
  if (const auto* fractional = std::get_if<double>(&value)) {
    if (const auto* other = std::get_if<double>(&literal)) return *fractional <=> *other;
    const auto* other = std::get_if<int64_t>(&literal);
    return other == nullptr ? kUnlike : CompareNumbers(*fractional, *other);
  }
  return kUnlike;
}

bool Holds(std::partial_ordering order, Operator op) {
  if (order == std::partial_ordering::unordered) return false;
  switch (op) {
    case Operator::kEqual:
    case Operator::kHas:
      return std::is_eq(order);
    case Operator::kNotEqual:
      return std::is_neq(order);
    case Operator::kLess:
      return std::is_lt(order);
    case Operator::kLessEqual:
      return std::is_lteq(order);
    case Operator::kGreater:
      return std::is_gt(order);
    case Operator::kGreaterEqual:
      return std::is_gteq(order);
  }
  return false;
}

bool MatchesPattern(absl::string_view text, const Pattern& pattern) {
  const absl::string_view first = pattern.pieces.front();
  const absl::string_view last = pattern.pieces.back();
  if (text.size() < first.size() + last.size() || text.substr(0, first.size()) != first ||
      text.substr(text.size() - last.size()) != last) {
    return false;
  }
  text = text.substr(first.size(), text.size() - first.size() - last.size());
  for (size_t i = 1; i + 1 < pattern.pieces.size(); ++i) {
    const size_t found = text.find(pattern.pieces[i]);
    if (found == absl::string_view::npos) return false;
    text.remove_prefix(found + pattern.pieces[i].size());
  }
  return true;
}

bool IsPresent(const FieldValue& value, FieldType type) {
  if (std::holds_alternative<std::monostate>(value)) return false;
  if (type == FieldType::kTime || type == FieldType::kDuration) return true;
  if (const auto* text = std::get_if<absl::string_view>(&value)) return !text->empty();
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* whole = std::get_if<int64_t>(&value)) return *whole != 0;
  return std::get<double>(value) != 0;
}

bool HasValue(const Comparison& comparison, const FieldValue& value) {
  const auto* pattern = std::get_if<Pattern>(&comparison.literal);
  if (pattern == nullptr) return Holds(Compare(value, comparison.literal), comparison.op);
  const auto* text = std::get_if<absl::string_view>(&value);
  if (text == nullptr) return false;
  return MatchesPattern(*text, *pattern) == (comparison.op == Operator::kEqual);
}

bool Evaluate(const Comparison& comparison, const FieldResolver& resource) {
  if (comparison.kind == Comparison::Kind::kMapPresent) {
    return resource.HasEntries(comparison.field_id);
  }
  const FieldValue value = resource.Resolve(comparison.field_id, comparison.key);
  switch (comparison.kind) {
    case Comparison::Kind::kEntryPresent:
      return !std::holds_alternative<std::monostate>(value);
    case Comparison::Kind::kFieldPresent:
      return IsPresent(value, comparison.type);
    default:
      return HasValue(comparison, value);
  }
}

}  // namespace

// Recurses as deep as parentheses nest, which limits::kMaxFilterDepth bounds.
bool Evaluate(const Node& node, const FieldResolver& resource) {
  const auto holds = [&resource](const Node& child) { return Evaluate(child, resource); };
  switch (node.kind) {
    case Node::Kind::kAnd:
      return std::all_of(node.children.begin(), node.children.end(), holds);
    case Node::Kind::kOr:
      return std::any_of(node.children.begin(), node.children.end(), holds);
    case Node::Kind::kNot:
      return !holds(node.children.front());
    case Node::Kind::kComparison:
      return Evaluate(node.comparison, resource);
  }
  return false;
}

}  // namespace lapse::filter_internal
