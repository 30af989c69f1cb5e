// Reads YAML into messages of the contract and tells each mistake with its line.
#ifndef LAPSE_CLI_YAML_READER_H_
#define LAPSE_CLI_YAML_READER_H_

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace google::protobuf {
class FieldDescriptor;
class Message;
}  // namespace google::protobuf

namespace YAML {
class Node;
}  // namespace YAML

namespace lapse::cli {

struct YamlProblem {
  // From 1.
  int line = 0;
  std::string message;
};

// Line of each field that was given, by path: `follow_up.primary.event_type`, `notifiers[0]`,
// `labels[team]`.
using FieldLines = std::map<std::string, int>;

// Fields go by proto name or JSON name. Scalars are strict: a bool is `true` or `false`; an enum
// value is named with or without its prefix in any letter case; a duration is `45m`, a time RFC
// 3339. A field without a value is left at its default. Lives no longer than `problems` and
// `lines`. Not thread-safe.
class YamlReader {
 public:
  YamlReader(std::vector<YamlProblem>* problems, FieldLines* lines)
      : problems_(*problems), lines_(*lines) {}

  // Reads the mapping `node` into `message`, whose path is `path` (empty for the top). Keys in
  // `known` are passed over. Goes on after a mistake, so that all are told.
  void Read(const YAML::Node& node, const std::string& path, google::protobuf::Message* message,
            const std::vector<std::string>& known = {});

 private:
  void ReadField(const YAML::Node& node, const std::string& path,
                 const google::protobuf::FieldDescriptor& field,
                 google::protobuf::Message* message);
  void ReadMap(const YAML::Node& node, const std::string& path,
               const google::protobuf::FieldDescriptor& field, google::protobuf::Message* message);
  void ReadList(const YAML::Node& node, const std::string& path,
                const google::protobuf::FieldDescriptor& field, google::protobuf::Message* message);
  void ReadValue(const YAML::Node& node, const std::string& path,
                 const google::protobuf::FieldDescriptor& field,
                 google::protobuf::Message* message);
  bool ReadScalarMessage(const YAML::Node& node, const std::string& path,
                         google::protobuf::Message* message);
  void ReadScalar(const YAML::Node& node, const std::string& path,
                  const google::protobuf::FieldDescriptor& field,
                  google::protobuf::Message* message);
  bool ExpectScalar(const YAML::Node& node, const std::string& path, absl::string_view what);
  void Problem(const YAML::Node& node, absl::string_view message);

  std::vector<YamlProblem>& problems_;
  FieldLines& lines_;
};

// Line of a node, from 1.
int LineOf(const YAML::Node& node);

// `follow_up.within`; `within` where `path` is empty.
std::string JoinPath(absl::string_view path, absl::string_view field);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_YAML_READER_H_
