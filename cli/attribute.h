// Event attributes as the command line gives them.
#ifndef LAPSE_CLI_ATTRIBUTE_H_
#define LAPSE_CLI_ATTRIBUTE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lapse/v1/event.pb.h"

namespace lapse::cli {

struct Attribute {
  std::string name;
  lapse::v1::Value value;
};

// The value that `text` looks like: `true` and `false` a bool; a whole number without leading zeros
// or '+' that fits an int64; a finite decimal number such as `12.5` or `1e3` a double; anything
// else a string.
lapse::v1::Value GuessValue(absl::string_view text);

// `name=value` with a guessed type, or `name:type=value` where type is string, bool, int64 or
// double. The last ':' before the first '=' ends the name. INVALID_ARGUMENT says what is wrong.
absl::StatusOr<Attribute> ParseAttribute(absl::string_view text);

// As a person reads it: strings bare and printable, doubles so that they read back the same.
std::string ValueText(const lapse::v1::Value& value);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_ATTRIBUTE_H_
