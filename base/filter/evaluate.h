// Decides a filter's tree on a resource. Internal to base/filter.
#ifndef LAPSE_BASE_FILTER_EVALUATE_H_
#define LAPSE_BASE_FILTER_EVALUATE_H_

#include "base/filter/expression.h"
#include "base/filter/field.h"

namespace lapse::filter_internal {

// Does not allocate.
bool Evaluate(const Node& node, const FieldResolver& resource);

}  // namespace lapse::filter_internal

#endif  // LAPSE_BASE_FILTER_EVALUATE_H_
