// Writes messages of the contract as YAML that `lapsectl apply` reads back.
#ifndef LAPSE_CLI_YAML_WRITER_H_
#define LAPSE_CLI_YAML_WRITER_H_

#include <string>

#include "absl/strings/string_view.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace lapse::cli {

struct YamlStyle {
  // Spaces before each line.
  int indent = 0;
  // Write counters that are 0, too.
  bool zeros = false;
};

// One `name: value` line or block a populated field, ended by a newline. Proto field names, short
// enum names, durations such as `45m`, times in RFC 3339, maps by key, attribute values as scalars
// of their type.
std::string WriteYaml(const google::protobuf::Message& message, const YamlStyle& style = {});

// A scalar that reads back as the string `text`: bare where that is safe, else in double quotes.
std::string YamlString(absl::string_view text);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_YAML_WRITER_H_
