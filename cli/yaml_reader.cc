#include "cli/yaml_reader.h"

#include <algorithm>
#include <cstdint>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "base/nearest.h"
#include "base/proto_time.h"
#include "cli/attribute.h"
#include "cli/human.h"
#include "cli/proto_names.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/util/time_util.h"
#include "lapse/v1/event.pb.h"
#include "yaml-cpp/yaml.h"

namespace lapse::cli {
namespace {

using google::protobuf::Duration;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Timestamp;

// Quoted scalars have this tag.
bool IsQuoted(const YAML::Node& node) { return node.Tag() == "!"; }

absl::string_view KindOf(const YAML::Node& node) {
  if (node.IsMap()) return "a mapping";
  if (node.IsSequence()) return "a list";
  return node.IsNull() ? "nothing" : "a single value";
}

std::string UnknownField(absl::string_view path, const google::protobuf::Descriptor& type,
                         absl::string_view name, const std::vector<std::string>& known) {
  std::vector<std::string> names = FieldNames(type);
  names.insert(names.end(), known.begin(), known.end());
  return absl::StrCat("unknown field ", Quoted(name), path.empty() ? "" : " in ", path,
                      MeantHint(name, names));
}

// Sets the field, or adds to it where it is repeated.
template <typename T, typename Set, typename Add>
void Put(Message* message, const FieldDescriptor& field, T value, Set set, Add add) {
  const auto* reflection = message->GetReflection();
  if (field.is_repeated()) {
    (reflection->*add)(message, &field, value);
  } else {
    (reflection->*set)(message, &field, value);
  }
}

}  // namespace

int LineOf(const YAML::Node& node) { return node.Mark().line + 1; }

std::string JoinPath(absl::string_view path, absl::string_view field) {
  return absl::StrCat(path, path.empty() ? "" : ".", field);
}

void YamlReader::Problem(const YAML::Node& node, absl::string_view message) {
  problems_.push_back({LineOf(node), std::string(message)});
}

bool YamlReader::ExpectScalar(const YAML::Node& node, const std::string& path,
                              absl::string_view what) {
  if (node.IsScalar()) return true;
  Problem(node, absl::StrCat(path, ": expected ", what, ", found ", KindOf(node)));
  return false;
}

void YamlReader::Read(const YAML::Node& node, const std::string& path, Message* message,
                      const std::vector<std::string>& known) {
  if (!node.IsMap()) {
    return Problem(node, absl::StrCat(path.empty() ? "the document" : path,
                                      ": expected fields, found ", KindOf(node)));
  }
  const auto& type = *message->GetDescriptor();
  std::set<std::string> seen;
  for (const auto& entry : node) {
    const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "";
    const FieldDescriptor* field = FindField(type, name);
    if (!seen.insert(field == nullptr ? name : field->name()).second) {
      Problem(entry.first, absl::StrCat(JoinPath(path, name), " is given twice"));
    } else if (field != nullptr) {
      const std::string field_path = JoinPath(path, field->name());
      lines_[field_path] = LineOf(entry.first);
      ReadField(entry.second, field_path, *field, message);
    } else if (std::find(known.begin(), known.end(), name) == known.end()) {
      Problem(entry.first, UnknownField(path, type, name, known));
    }
  }
}

void YamlReader::ReadField(const YAML::Node& node, const std::string& path,
                           const FieldDescriptor& field, Message* message) {
  if (node.IsNull()) return;
  if (field.is_map()) return ReadMap(node, path, field, message);
  if (field.is_repeated()) return ReadList(node, path, field, message);
  const auto* oneof = field.real_containing_oneof();
  if (oneof != nullptr && message->GetReflection()->HasOneof(*message, oneof)) {
    return Problem(node, absl::StrCat(path, ": only one ", oneof->name(), " can be given"));
  }
  ReadValue(node, path, field, message);
}

void YamlReader::ReadMap(const YAML::Node& node, const std::string& path,
                         const FieldDescriptor& field, Message* message) {
  if (!node.IsMap()) {
    return Problem(node,
                   absl::StrCat(path, ": expected `name: value` lines, found ", KindOf(node)));
  }
  std::set<std::string> seen;
  for (const auto& entry : node) {
    const std::string entry_path =
        absl::StrCat(path, "[", entry.first.IsScalar() ? entry.first.Scalar() : "?", "]");
    if (!ExpectScalar(entry.first, path, "a name")) continue;
    if (!seen.insert(entry.first.Scalar()).second) {
      Problem(entry.first, absl::StrCat(entry_path, " is given twice"));
      continue;
    }
    lines_[entry_path] = LineOf(entry.first);
    Message* pair = message->GetReflection()->AddMessage(message, &field);
    ReadValue(entry.first, entry_path, *field.message_type()->map_key(), pair);
    ReadValue(entry.second, entry_path, *field.message_type()->map_value(), pair);
  }
}

void YamlReader::ReadList(const YAML::Node& node, const std::string& path,
                          const FieldDescriptor& field, Message* message) {
  if (!node.IsSequence()) {
    return Problem(node,
                   absl::StrCat(path, ": expected a list such as [a, b], found ", KindOf(node)));
  }
  for (size_t i = 0; i < node.size(); ++i) {
    const std::string item_path = absl::StrCat(path, "[", i, "]");
    lines_[item_path] = LineOf(node[i]);
    ReadValue(node[i], item_path, field, message);
  }
}

void YamlReader::ReadValue(const YAML::Node& node, const std::string& path,
                           const FieldDescriptor& field, Message* message) {
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
    return ReadScalar(node, path, field, message);
  }
  const auto* reflection = message->GetReflection();
  Message* value = field.is_repeated() ? reflection->AddMessage(message, &field)
                                       : reflection->MutableMessage(message, &field);
  if (!ReadScalarMessage(node, path, value)) Read(node, path, value);
}

bool YamlReader::ReadScalarMessage(const YAML::Node& node, const std::string& path,
                                   Message* message) {
  const auto* type = message->GetDescriptor();
  if (type == Duration::descriptor()) {
    if (!ExpectScalar(node, path, "a duration such as 45m")) return true;
    const absl::StatusOr<int64_t> micros = ParseDuration(node.Scalar());
    if (!micros.ok()) {
      Problem(node, absl::StrCat(path, ": ", micros.status().message()));
    } else {
      SetDuration(*micros, static_cast<Duration*>(message));
    }
  } else if (type == Timestamp::descriptor()) {
    if (!ExpectScalar(node, path, "a time such as 2024-11-22T14:03:07Z")) return true;
    if (!google::protobuf::util::TimeUtil::FromString(node.Scalar(),
                                                      static_cast<Timestamp*>(message))) {
      Problem(node, absl::StrCat(path, ": ", Quoted(node.Scalar()),
                                 " is no time; write it like 2024-11-22T14:03:07Z"));
    }
  } else if (type == lapse::v1::Value::descriptor()) {
    if (!ExpectScalar(node, path, "a value")) return true;
    auto* value = static_cast<lapse::v1::Value*>(message);
    if (IsQuoted(node)) {
      value->set_string_value(node.Scalar());
    } else {
      *value = GuessValue(node.Scalar());
    }
  } else {
    return false;
  }
  return true;
}

void YamlReader::ReadScalar(const YAML::Node& node, const std::string& path,
                            const FieldDescriptor& field, Message* message) {
  using google::protobuf::Reflection;
  if (!ExpectScalar(node, path, "a single value")) return;
  const std::string& text = node.Scalar();
  int32_t small = 0;
  int64_t large = 0;
  double real = 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return Put(message, field, text, &Reflection::SetString, &Reflection::AddString);
    case FieldDescriptor::CPPTYPE_BOOL:
      if (text != "true" && text != "false") break;
      return Put(message, field, text == "true", &Reflection::SetBool, &Reflection::AddBool);
    case FieldDescriptor::CPPTYPE_INT32:
      if (!absl::SimpleAtoi(text, &small)) break;
      return Put(message, field, small, &Reflection::SetInt32, &Reflection::AddInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      if (!absl::SimpleAtoi(text, &large)) break;
      return Put(message, field, large, &Reflection::SetInt64, &Reflection::AddInt64);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      if (!absl::SimpleAtod(text, &real)) break;
      return Put(message, field, real, &Reflection::SetDouble, &Reflection::AddDouble);
    case FieldDescriptor::CPPTYPE_ENUM: {
      const std::vector<std::string> choices = EnumChoices(*field.enum_type());
      if (!ParseEnum(*field.enum_type(), text, &small)) {
        return Problem(node, absl::StrCat(path, ": ", Quoted(text), " is none of ",
                                          absl::StrJoin(choices, ", "), MeantHint(text, choices)));
      }
      return Put(message, field, small, &Reflection::SetEnumValue, &Reflection::AddEnumValue);
    }
    default:
      break;
  }
  Problem(node, absl::StrCat(path, ": ", Quoted(text), " is no ",
                             field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL ? "true or false"
                                                                               : "number"));
}

}  // namespace lapse::cli
