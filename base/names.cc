#include "base/names.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "base/limits.h"

namespace lapse {
namespace {

constexpr size_t kMaxParsedIdBytes = 128;

bool IsIdCharacter(char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-'; }

}  // namespace

std::string ResourceName(absl::string_view collection, absl::string_view id) {
  return absl::StrCat(collection, "/", id);
}

absl::Status ValidateResourceId(absl::string_view id, absl::string_view field) {
  const bool valid = !id.empty() && id.size() <= limits::kMaxResourceIdBytes &&
                     absl::ascii_islower(id.front()) && id.back() != '-' &&
                     std::all_of(id.begin(), id.end(), IsIdCharacter);
  if (valid) return absl::OkStatus();
  return InvalidField(
      field, "ID_INVALID",
      absl::StrCat(field, " is ", Quoted(id), "; an id has 1 to ", limits::kMaxResourceIdBytes,
                   " characters of a-z, 0-9 and '-', starts with a letter and "
                   "does not end with '-'"));
}

absl::StatusOr<std::string> ParseResourceName(absl::string_view collection, absl::string_view name,
                                              absl::string_view field) {
  absl::string_view id = name;
  if (absl::ConsumePrefix(&id, collection) && absl::ConsumePrefix(&id, "/") && !id.empty() &&
      id.size() <= kMaxParsedIdBytes && id.find('/') == absl::string_view::npos) {
    return std::string(id);
  }
  return InvalidField(
      field, "NAME_INVALID",
      absl::StrCat(field, " is ", Quoted(name), "; expected ", collection, "/{id}"));
}

}  // namespace lapse
