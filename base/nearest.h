// For errors about an unknown name: the known one that was probably meant.
#ifndef LAPSE_BASE_NEAREST_H_
#define LAPSE_BASE_NEAREST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace lapse {

// The known name that `name` is most likely a misspelling of: fewest insertions, deletions,
// replacements and swaps of neighbours, letter case, '-' and '_' not counted; at most a third of
// the name's length, or one. The first of equals. Empty where none is near.
std::string NearestName(absl::string_view name, const std::vector<std::string>& known);

// `did you mean "within"?`, or, where nothing is near, `expected one of a, b, c`.
std::string DidYouMean(absl::string_view name, const std::vector<std::string>& known);

// ` (did you mean "within"?)`, or nothing where no name is near.
std::string MeantHint(absl::string_view name, const std::vector<std::string>& known);

}  // namespace lapse

#endif  // LAPSE_BASE_NEAREST_H_
