// Helps whoever mistyped a name.
#ifndef LAPSE_BASE_NEAREST_NAME_H_
#define LAPSE_BASE_NEAREST_NAME_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace lapse {

// The known name that `name` most likely means, or empty where none is near: at most a third of its characters differ.
std::string NearestName(absl::string_view name, const std::vector<std::string>& known);

// `; did you mean "X"?`, or empty where none is near.
std::string DidYouMean(absl::string_view name, const std::vector<std::string>& known);

}  // namespace lapse

#endif  // LAPSE_BASE_NEAREST_NAME_H_
