// How fields and enum values of the contract are called in YAML and on the command line.
#ifndef LAPSE_CLI_PROTO_NAMES_H_
#define LAPSE_CLI_PROTO_NAMES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace google::protobuf {
class Descriptor;
class EnumDescriptor;
class FieldDescriptor;
}  // namespace google::protobuf

namespace lapse::cli {

// The value's name without its enum's prefix: `WARNING` for SEVERITY_WARNING. The number where it
// is unknown.
std::string ShortEnumName(const google::protobuf::EnumDescriptor& type, int number);

// Short names of all values but the unspecified one.
std::vector<std::string> EnumChoices(const google::protobuf::EnumDescriptor& type);

// Accepts the short or full name in any letter case, '-' for '_'. False where there is none, or it
// is the unspecified one.
bool ParseEnum(const google::protobuf::EnumDescriptor& type, absl::string_view text, int* number);

// By proto name (`follow_up`) or JSON name (`followUp`); null where there is none.
const google::protobuf::FieldDescriptor* FindField(const google::protobuf::Descriptor& type,
                                                   absl::string_view name);

std::vector<std::string> FieldNames(const google::protobuf::Descriptor& type);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_PROTO_NAMES_H_
