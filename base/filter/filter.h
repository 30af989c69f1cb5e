// Filters of monitors, lists and streams: one grammar, that of AIP-160.
//
//   source = "checkout" AND (attributes.amount > 100 OR attributes.vip = true) AND NOT type = "t*"
//
// - OR binds tighter than AND: `a AND b OR c` is `a AND (b OR c)`. Terms side by side are joined by
//   AND. `NOT x` and `-x`.
// - Comparisons are FIELD OP VALUE with = != < <= > >= and `:`. Enums and booleans take = != and
//   `:` only. A value alone, and functions, are refused.
// - A value in quotes ("..." or '...', escapes \\ \" \' \* \n \r \t) is a string. One without is
//   what the field's type says: RFC 3339 for times, seconds such as 1.5s for durations, a name for
//   enums; for an attribute it is a number or a boolean where it looks like one, else a string.
// - `*` in a string stands for any text in = != and `:`; `\*` for itself.
// - A map's entry is MAP.NAME. Dots in NAME are part of it; other odd characters need quotes:
//   attributes."a b".
// - `MAP.NAME:*` and `MAP:NAME` hold where the entry is there, `MAP:*` where there is any,
//   `FIELD:*` where the field is not its default; otherwise `:` is `=`.
// - A comparison with what is missing, or of another type, is false, also with !=; its NOT is true.
//   Whole and fractional numbers compare as numbers, exactly. Strings compare by their bytes.
#ifndef LAPSE_BASE_FILTER_FILTER_H_
#define LAPSE_BASE_FILTER_FILTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/filter/field.h"

namespace lapse {

namespace filter_internal {
struct Node;
}  // namespace filter_internal

// What every match must have.
struct RequiredEquality {
  int field_id = 0;
  // The entry of a map, else empty.
  std::string key;
  // A string as it is, a whole number in decimal, a boolean as true/false.
  std::string value;
  // The literal is a number: a double of the same value matches too.
  bool is_number = false;
};

// Immutable; thread-safe; cheap to copy.
class Filter {
 public:
  // Matches everything.
  Filter() = default;

  // INVALID_ARGUMENT on the field `filter` with the column (in characters, from 1) and a caret
  // under it. Reasons: FILTER_TOO_LONG, FILTER_TOO_DEEP (base/limits.h), FILTER_SYNTAX,
  // FILTER_FIELD_UNKNOWN, FILTER_OPERATOR_INVALID, FILTER_VALUE_INVALID. An empty text matches
  // everything.
  static absl::StatusOr<Filter> Parse(absl::string_view text, const FieldSchema& schema);

  // Does not allocate.
  bool Matches(const FieldResolver& resource) const;

  bool MatchesAll() const { return root_ == nullptr; }

  // The equalities (without `*`) on fields that are no time, duration or enum, joined by AND at the
  // top.
  std::vector<RequiredEquality> RequiredEqualities() const;

  // The times, in microseconds and inclusive, outside which the field's comparisons at the top
  // exclude every match. Empty (first > second) where they exclude each other. [INT64_MIN,
  // INT64_MAX] where there are none.
  std::pair<int64_t, int64_t> RequiredTimeRange(int field_id) const;

 private:
  std::shared_ptr<const filter_internal::Node> root_;
};

}  // namespace lapse

#endif  // LAPSE_BASE_FILTER_FILTER_H_
