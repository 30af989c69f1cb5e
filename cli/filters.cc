#include "cli/filters.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace lapse::cli {

std::string FilterEquals(absl::string_view field, absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    // A bare `*` stands for any text.
    if (c == '"' || c == '\\' || c == '*') escaped.push_back('\\');
    escaped.push_back(c);
  }
  return absl::StrCat(field, " = \"", escaped, "\"");
}

std::string JoinFilters(const std::vector<std::string>& filters) {
  std::vector<std::string> given;
  for (const std::string& filter : filters) {
    if (!filter.empty()) given.push_back(filter);
  }
  if (given.size() == 1) return given.front();
  return absl::StrJoin(given, " AND ", [](std::string* out, const std::string& filter) {
    absl::StrAppend(out, "(", filter, ")");
  });
}

}  // namespace lapse::cli
