// For errors about an unknown name: the known one that was probably meant.
#ifndef LAPSE_BASE_NEAREST_H_
#define LAPSE_BASE_NEAREST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace lapse {

// The known name with the fewest edits to `name`; empty where even that is further than half of its
// length.
std::string NearestName(absl::string_view name, const std::vector<std::string>& known);

// `did you mean "within"?`, or, where nothing is near, `expected one of a, b, c`.
std::string DidYouMean(absl::string_view name, const std::vector<std::string>& known);

}  // namespace lapse

#endif  // LAPSE_BASE_NEAREST_H_
