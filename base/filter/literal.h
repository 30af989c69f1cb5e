// What a value in a filter means for the field it is compared with. Internal to base/filter.
#ifndef LAPSE_BASE_FILTER_LITERAL_H_
#define LAPSE_BASE_FILTER_LITERAL_H_

#include <string>

#include "base/filter/expression.h"
#include "base/filter/field.h"
#include "base/filter/lexer.h"

namespace lapse::filter_internal {

// Reads `token` (kText or kString) for `field` into `literal`. Returns what is wrong with it, or
// empty.
std::string ReadLiteral(const FieldSpec& field, const Token& token, Literal* literal);

}  // namespace lapse::filter_internal

#endif  // LAPSE_BASE_FILTER_LITERAL_H_
