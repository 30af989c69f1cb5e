// Finds what a person probably meant.
#ifndef LAPSE_CLI_NEAREST_H_
#define LAPSE_CLI_NEAREST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace lapse::cli {

// The candidate that `word` is most likely a misspelling of: fewest insertions, deletions,
// replacements and swaps of neighbours, letter case, '-' and '_' not counted; at most a third of
// the word's length, or one. The first of equals. Empty where none is near.
std::string NearestName(absl::string_view word, const std::vector<std::string>& candidates);

// ` (did you mean "NAME"?)`, or nothing where no candidate is near.
std::string DidYouMean(absl::string_view word, const std::vector<std::string>& candidates);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_NEAREST_H_
