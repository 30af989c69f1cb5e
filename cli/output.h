// Output for programs: JSON and YAML of the contract's messages.
#ifndef LAPSE_CLI_OUTPUT_H_
#define LAPSE_CLI_OUTPUT_H_

#include <string>
#include <utility>
#include <vector>

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace lapse::cli {

enum class Format { kTable, kJson, kYaml };

// protobuf's JSON with lowerCamelCase names; scalar fields at their default are written too, so
// that each is always there. Over several lines and ended by a newline, or on one line without.
std::string PrettyJson(const google::protobuf::Message& message);
std::string JsonLine(const google::protobuf::Message& message);

// An array, one message a block.
std::string JsonArray(const std::vector<const google::protobuf::Message*>& messages);

// One YAML document without `---`. A Monitor or Notifier starts with its `kind`, as `lapsectl
// apply` wants it.
std::string YamlDocument(const google::protobuf::Message& message);

// Results that have no message: names in lowerCamelCase with their values as JSON texts.
using DataFields = std::vector<std::pair<std::string, std::string>>;
std::string JsonString(const std::string& text);
// `{"a": 1, "b": "x"}`, on one line without a newline.
std::string JsonObject(const DataFields& fields);
// `a: 1` lines, names in snake_case.
std::string YamlFields(const DataFields& fields);

// Documents with `---` between them.
std::string YamlDocuments(const std::vector<const google::protobuf::Message*>& messages);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_OUTPUT_H_
