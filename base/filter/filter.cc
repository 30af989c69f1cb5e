#include "base/filter/filter.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/filter/evaluate.h"
#include "base/filter/expression.h"
#include "base/filter/parser.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "base/utf8.h"

namespace lapse {
namespace {

using filter_internal::Comparison;
using filter_internal::Node;
using filter_internal::Operator;

// Calls `visit` with each comparison that every match must hold.
template <typename Visit>
void VisitRequired(const Node& node, const Visit& visit) {
  if (node.kind == Node::Kind::kAnd) {
    for (const Node& child : node.children) VisitRequired(child, visit);
  }
  if (node.kind == Node::Kind::kComparison && node.comparison.kind == Comparison::Kind::kValue) {
    visit(node.comparison);
  }
}

bool IsPlain(FieldType type) {
  return type == FieldType::kString || type == FieldType::kBool || type == FieldType::kNumber ||
         type == FieldType::kAny;
}

// The one text that an equal value has; none for a pattern or a fraction.
std::optional<RequiredEquality> EqualityWith(const Comparison& comparison) {
  RequiredEquality equality{comparison.field_id, comparison.key, "", false};
  if (const auto* text = std::get_if<std::string>(&comparison.literal)) {
    equality.value = *text;
  } else if (const auto* flag = std::get_if<bool>(&comparison.literal)) {
    equality.value = *flag ? "true" : "false";
  } else if (const auto* whole = std::get_if<int64_t>(&comparison.literal)) {
    equality.value = absl::StrCat(*whole);
    equality.is_number = true;
  } else {
    return std::nullopt;
  }
  return equality;
}

void Narrow(Operator op, int64_t time_us, std::pair<int64_t, int64_t>* range) {
  if (op == Operator::kEqual || op == Operator::kGreaterEqual) {
    range->first = std::max(range->first, time_us);
  }
  if (op == Operator::kEqual || op == Operator::kLessEqual) {
    range->second = std::min(range->second, time_us);
  }
  // A literal is an RFC 3339 time, far from the ends of int64.
  if (op == Operator::kGreater) range->first = std::max(range->first, time_us + 1);
  if (op == Operator::kLess) range->second = std::min(range->second, time_us - 1);
}

}  // namespace

absl::StatusOr<Filter> Filter::Parse(absl::string_view text, const FieldSchema& schema) {
  if (text.size() > limits::kMaxFilterBytes) {
    return InvalidField("filter", "FILTER_TOO_LONG",
                        absl::StrCat("filter has ", text.size(), " bytes; at most ",
                                     limits::kMaxFilterBytes, " are allowed"));
  }
  if (!IsUtf8(text)) return InvalidField("filter", "FILTER_SYNTAX", "filter is not UTF-8");
  ASSIGN_OR_RETURN(std::optional<Node> root, filter_internal::ParseExpression(text, schema));
  Filter filter;
  if (root) filter.root_ = std::make_shared<const Node>(*std::move(root));
  return filter;
}

bool Filter::Matches(const FieldResolver& resource) const {
  return root_ == nullptr || filter_internal::Evaluate(*root_, resource);
}

std::vector<RequiredEquality> Filter::RequiredEqualities() const {
  std::vector<RequiredEquality> equalities;
  if (root_ == nullptr) return equalities;
  VisitRequired(*root_, [&equalities](const Comparison& comparison) {
    if (comparison.op != Operator::kEqual || !IsPlain(comparison.type)) return;
    std::optional<RequiredEquality> equality = EqualityWith(comparison);
    if (equality) equalities.push_back(*std::move(equality));
  });
  return equalities;
}

std::pair<int64_t, int64_t> Filter::RequiredTimeRange(int field_id) const {
  std::pair<int64_t, int64_t> range(INT64_MIN, INT64_MAX);
  if (root_ == nullptr) return range;
  VisitRequired(*root_, [field_id, &range](const Comparison& comparison) {
    if (comparison.field_id != field_id || comparison.type != FieldType::kTime) return;
    Narrow(comparison.op, std::get<int64_t>(comparison.literal), &range);
  });
  return range;
}

}  // namespace lapse
