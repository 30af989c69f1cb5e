// Resource names: `monitors/{id}`, `notifiers/{id}`, `alerts/{id}`.
#ifndef LAPSE_BASE_NAMES_H_
#define LAPSE_BASE_NAMES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lapse {

inline constexpr absl::string_view kMonitorCollection = "monitors";
inline constexpr absl::string_view kNotifierCollection = "notifiers";
inline constexpr absl::string_view kAlertCollection = "alerts";

std::string ResourceName(absl::string_view collection, absl::string_view id);

// An id that a client chooses: 1 to 63 characters of a-z, 0-9 and '-', starting with a letter, not
// ending with '-'. INVALID_ARGUMENT on `field` otherwise.
absl::Status ValidateResourceId(absl::string_view id, absl::string_view field);

// The id in `{collection}/{id}`. INVALID_ARGUMENT on `field` for another form; the id is not
// validated further than being non-empty, without '/', and at most 128 bytes.
absl::StatusOr<std::string> ParseResourceName(absl::string_view collection, absl::string_view name,
                                              absl::string_view field);

}  // namespace lapse

#endif  // LAPSE_BASE_NAMES_H_
