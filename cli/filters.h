// Puts filters of the contract (AIP-160) together.
#ifndef LAPSE_CLI_FILTERS_H_
#define LAPSE_CLI_FILTERS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace lapse::cli {

// `field = "text"`, `text` being taken literally.
std::string FilterEquals(absl::string_view field, absl::string_view text);

// All of them must hold. Empty ones are left out; where more than one is left, each goes into
// parentheses.
std::string JoinFilters(const std::vector<std::string>& filters);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_FILTERS_H_
