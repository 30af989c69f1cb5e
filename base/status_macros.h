// Early return on error, in the shape that later abseil releases have.
#ifndef LAPSE_BASE_STATUS_MACROS_H_
#define LAPSE_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// The left-hand side may be a declaration, which takes no parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define LAPSE_CONCAT_INNER_(a, b) a##b
#define LAPSE_CONCAT_(a, b) LAPSE_CONCAT_INNER_(a, b)

#define RETURN_IF_ERROR(expr)                                                           \
  do {                                                                                  \
    if (absl::Status lapse_status_ = (expr); !lapse_status_.ok()) return lapse_status_; \
  } while (false)

#define ASSIGN_OR_RETURN(lhs, expr) \
  ASSIGN_OR_RETURN_IMPL_(LAPSE_CONCAT_(lapse_status_or_, __LINE__), lhs, expr)

#define ASSIGN_OR_RETURN_IMPL_(name, lhs, expr)    \
  auto name = (expr);                              \
  if (!name.ok()) return std::move(name).status(); \
  lhs = *std::move(name)
// NOLINTEND(bugprone-macro-parentheses)

#endif  // LAPSE_BASE_STATUS_MACROS_H_
