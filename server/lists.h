// Page sizes, as every List method treats them.
#ifndef LAPSE_SERVER_LISTS_H_
#define LAPSE_SERVER_LISTS_H_

#include <algorithm>
#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"

namespace lapse::server {

// What a page may hold beyond its first item, so that it passes the limit that clients of gRPC have
// where they set none, 4 MiB.
inline constexpr size_t kMaxPageBytes = 3 << 20;

// 0 means the default, more than the maximum means the maximum (AIP-158). INVALID_ARGUMENT below 0.
inline absl::StatusOr<int> PageSize(int requested) {
  if (requested < 0) {
    return InvalidField(
        "page_size", "PAGE_SIZE_NEGATIVE",
        absl::StrCat("page_size is ", requested, "; it must be 0 (the default) or more"));
  }
  return requested == 0 ? limits::kDefaultPageSize : std::min(requested, limits::kMaxPageSize);
}

}  // namespace lapse::server

#endif  // LAPSE_SERVER_LISTS_H_
