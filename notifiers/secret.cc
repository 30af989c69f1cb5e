#include "notifiers/secret.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace lapse::notifiers {
namespace {

constexpr absl::string_view kFilePrefix = "file:";
constexpr absl::string_view kEnvPrefix = "env:";

bool IsPath(absl::string_view path) {
  return absl::StartsWith(path, "/") && path.size() <= limits::kMaxPathBytes &&
         std::none_of(path.begin(), path.end(), absl::ascii_iscntrl);
}

bool IsVariableName(absl::string_view name) {
  return !name.empty() && name.size() <= limits::kMaxPathBytes && !absl::ascii_isdigit(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '_'; });
}

absl::Status Unreadable(absl::string_view ref, absl::string_view why) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "SECRET_UNREADABLE",
                   absl::StrCat("the password at ", Quoted(ref), " ", why));
}

absl::StatusOr<std::string> ReadFile(absl::string_view ref, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Unreadable(ref, absl::StrCat("cannot be read: ", std::strerror(errno)));
  // The newline, and one byte that shows that there is more.
  std::string content(limits::kMaxPasswordBytes + 3, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (file.bad()) return Unreadable(ref, "cannot be read");
  content.resize(static_cast<size_t>(file.gcount()));
  if (absl::EndsWith(content, "\n")) content.pop_back();
  if (absl::EndsWith(content, "\r")) content.pop_back();
  return content;
}

absl::StatusOr<std::string> ReadVariable(absl::string_view ref, const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return Unreadable(ref, "is not set");
  return std::string(value);
}

}  // namespace

absl::Status ValidateSecretRef(absl::string_view ref, absl::string_view field) {
  absl::string_view rest = ref;
  if (absl::ConsumePrefix(&rest, kFilePrefix) && IsPath(rest)) return absl::OkStatus();
  if (absl::ConsumePrefix(&rest, kEnvPrefix) && IsVariableName(rest)) return absl::OkStatus();
  return InvalidField(field, "SECRET_REF_INVALID",
                      absl::StrCat(field,
                                   " must be file:/path or env:NAME, which says where the password "
                                   "is; a password itself is not taken"));
}

absl::StatusOr<std::string> ReadSecret(absl::string_view ref) {
  RETURN_IF_ERROR(ValidateSecretRef(ref, "password_ref"));
  absl::string_view rest = ref;
  absl::StatusOr<std::string> secret =
      absl::ConsumePrefix(&rest, kFilePrefix)
          ? ReadFile(ref, std::string(rest))
          : ReadVariable(ref, std::string(absl::StripPrefix(ref, kEnvPrefix)));
  if (!secret.ok()) return secret;
  if (secret->empty()) return Unreadable(ref, "is empty");
  if (secret->size() > limits::kMaxPasswordBytes) return Unreadable(ref, "is too long");
  if (std::any_of(secret->begin(), secret->end(), absl::ascii_iscntrl)) {
    return Unreadable(ref, "has more than one line, or a control character");
  }
  return secret;
}

}  // namespace lapse::notifiers
