// A parsed filter. Internal to base/filter.
#ifndef LAPSE_BASE_FILTER_EXPRESSION_H_
#define LAPSE_BASE_FILTER_EXPRESSION_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/filter/field.h"

namespace lapse::filter_internal {

enum class Operator { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kHas };

// A string with `*` in it, split there: the first piece is a prefix, the last a suffix, the others
// come between in order.
struct Pattern {
  std::vector<std::string> pieces;
};

using Literal = std::variant<std::string, Pattern, bool, int64_t, double>;

struct Comparison {
  enum class Kind {
    // Field or entry against `literal`.
    kValue,
    // The map's entry is there.
    kEntryPresent,
    // The map has an entry.
    kMapPresent,
    // The field is there and not its type's default.
    kFieldPresent,
  };
  Kind kind = Kind::kValue;
  int field_id = 0;
  FieldType type = FieldType::kString;
  std::string key;
  // With kValue; never kHas.
  Operator op = Operator::kEqual;
  Literal literal;
};

struct Node {
  enum class Kind { kAnd, kOr, kNot, kComparison };
  Kind kind = Kind::kComparison;
  // One for kNot, none for kComparison.
  std::vector<Node> children;
  Comparison comparison;
};

}  // namespace lapse::filter_internal

#endif  // LAPSE_BASE_FILTER_EXPRESSION_H_
