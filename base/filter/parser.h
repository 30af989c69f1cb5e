// From a filter's text to its tree. Internal to base/filter.
#ifndef LAPSE_BASE_FILTER_PARSER_H_
#define LAPSE_BASE_FILTER_PARSER_H_

#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/filter/expression.h"
#include "base/filter/field.h"

namespace lapse::filter_internal {

// Empty where the text has nothing but space. Errors as Filter::Parse, which has checked length and
// encoding.
absl::StatusOr<std::optional<Node>> ParseExpression(absl::string_view text,
                                                    const FieldSchema& schema);

}  // namespace lapse::filter_internal

#endif  // LAPSE_BASE_FILTER_PARSER_H_
