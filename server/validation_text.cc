#include "server/validation_text.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/utf8.h"

namespace lapse::server {

absl::Status ValidateText(absl::string_view field, absl::string_view text, size_t max_bytes,
                          absl::string_view too_long_reason) {
  if (text.size() > max_bytes) {
    return InvalidField(field, too_long_reason,
                        absl::StrCat(field, " has ", text.size(), " bytes (", Quoted(text),
                                     "); at most ", max_bytes, " are allowed"));
  }
  if (!IsUtf8(text)) {
    return InvalidField(field, "NOT_UTF8",
                        absl::StrCat(field, " is ", Quoted(text), ", which is not UTF-8"));
  }
  return absl::OkStatus();
}

}  // namespace lapse::server
