#include "cli/yaml_writer.h"

#include <algorithm>
#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/proto_time.h"
#include "cli/attribute.h"
#include "cli/human.h"
#include "cli/proto_names.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/util/time_util.h"
#include "lapse/v1/event.pb.h"

namespace lapse::cli {
namespace {

using google::protobuf::Duration;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::Timestamp;

bool IsBareCharacter(char c) {
  return absl::ascii_isalnum(c) || absl::string_view(" _./@+-").find(c) != absl::string_view::npos;
}

// Words that YAML 1.1 or 1.2 takes for something other than a string.
bool IsReserved(absl::string_view text) {
  static constexpr absl::string_view kWords[] = {"true", "false", "null", "yes", "no", "on",
                                                 "off",  "y",     "n",    "nan", "inf"};
  const std::string lower = absl::AsciiStrToLower(text);
  return std::find(std::begin(kWords), std::end(kWords), lower) != std::end(kWords);
}

std::string QuotedYaml(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted.push_back('\\');
      quoted.push_back(c);
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (absl::ascii_iscntrl(c)) {
      absl::StrAppendFormat(&quoted, "\\x%02X", static_cast<unsigned char>(c));
    } else {
      quoted.push_back(c);
    }
  }
  return quoted + "\"";
}

std::string AttributeYaml(const lapse::v1::Value& value) {
  if (value.kind_case() == lapse::v1::Value::kStringValue) return YamlString(value.string_value());
  return value.kind_case() == lapse::v1::Value::KIND_NOT_SET ? "null" : ValueText(value);
}

// A message that is written on one line; false for any other.
bool ScalarMessage(const Message& message, std::string* text) {
  const absl::string_view type = message.GetDescriptor()->full_name();
  if (type == Duration::descriptor()->full_name()) {
    Duration duration;
    duration.CopyFrom(message);
    *text = ExactDuration(ToMicros(duration));
  } else if (type == Timestamp::descriptor()->full_name()) {
    Timestamp time;
    time.CopyFrom(message);
    *text = google::protobuf::util::TimeUtil::ToString(time);
  } else if (type == lapse::v1::Value::descriptor()->full_name()) {
    lapse::v1::Value value;
    value.CopyFrom(message);
    *text = AttributeYaml(value);
  } else {
    return false;
  }
  return true;
}

// Of a singular field, or of element `index` of a repeated one.
std::string ScalarField(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& r = *message.GetReflection();
  const bool repeated = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL: {
      const bool flag =
          repeated ? r.GetRepeatedBool(message, &field, index) : r.GetBool(message, &field);
      return flag ? "true" : "false";
    }
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(repeated ? r.GetRepeatedInt32(message, &field, index)
                                   : r.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(repeated ? r.GetRepeatedInt64(message, &field, index)
                                   : r.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return absl::StrFormat("%.17g", repeated ? r.GetRepeatedDouble(message, &field, index)
                                               : r.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_ENUM:
      return ShortEnumName(*field.enum_type(), repeated
                                                   ? r.GetRepeatedEnumValue(message, &field, index)
                                                   : r.GetEnumValue(message, &field));
    case FieldDescriptor::CPPTYPE_STRING:
      return YamlString(repeated ? r.GetRepeatedString(message, &field, index)
                                 : r.GetString(message, &field));
    default:
      return "null";
  }
}

const Message& SubMessage(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& r = *message.GetReflection();
  return field.is_repeated() ? r.GetRepeatedMessage(message, &field, index)
                             : r.GetMessage(message, &field);
}

std::string Indent(int columns) { return std::string(columns, ' '); }

// The value after `name:`, with what separates it from the colon, ended by a newline.
std::string ValueBlock(const Message& message, const FieldDescriptor& field, int index,
                       int indent) {
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
    return absl::StrCat(" ", ScalarField(message, field, index), "\n");
  }
  const Message& value = SubMessage(message, field, index);
  std::string text;
  if (ScalarMessage(value, &text)) return absl::StrCat(" ", text, "\n");
  text = WriteYaml(value, {indent + 2});
  return text.empty() ? " {}\n" : "\n" + text;
}

std::string MapBlock(const Message& message, const FieldDescriptor& field, int indent) {
  const auto& entry = *field.message_type();
  std::map<std::string, std::string> sorted;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
    const Message& pair = SubMessage(message, field, i);
    sorted[ScalarField(pair, *entry.map_key(), 0)] =
        ValueBlock(pair, *entry.map_value(), 0, indent + 2);
  }
  std::string text = "\n";
  for (const auto& [key, value] : sorted) {
    absl::StrAppend(&text, Indent(indent + 2), key, ":", value);
  }
  return text;
}

std::string ListBlock(const Message& message, const FieldDescriptor& field, int indent) {
  std::string text = "\n";
  for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
    std::string item = ValueBlock(message, field, i, indent + 2);
    // A message's first field goes on the dash's line.
    if (item[0] == '\n') item = item.substr(indent + 4);
    absl::StrAppend(&text, Indent(indent + 2), "-", item);
  }
  return text;
}

std::vector<const FieldDescriptor*> FieldsToWrite(const Message& message, bool zeros) {
  std::vector<const FieldDescriptor*> fields;
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    const bool set = field->is_repeated() ? message.GetReflection()->FieldSize(message, field) > 0
                                          : message.GetReflection()->HasField(message, field);
    const bool counter =
        field->cpp_type() == FieldDescriptor::CPPTYPE_INT64 && !field->is_repeated();
    if (set || (zeros && counter)) fields.push_back(field);
  }
  return fields;
}

}  // namespace

std::string YamlString(absl::string_view text) {
  double number = 0;
  const bool bare = !text.empty() && std::all_of(text.begin(), text.end(), IsBareCharacter) &&
                    (absl::ascii_isalpha(text[0]) || text[0] == '_' || text[0] == '/') &&
                    text.back() != ' ' && !IsReserved(text) && !absl::SimpleAtod(text, &number);
  return bare ? std::string(text) : QuotedYaml(text);
}

std::string WriteYaml(const Message& message, const YamlStyle& style) {
  std::string text;
  for (const FieldDescriptor* field : FieldsToWrite(message, style.zeros)) {
    absl::StrAppend(&text, Indent(style.indent), field->name(), ":");
    if (field->is_map()) {
      text += MapBlock(message, *field, style.indent);
    } else if (field->is_repeated()) {
      text += ListBlock(message, *field, style.indent);
    } else {
      text += ValueBlock(message, *field, 0, style.indent);
    }
  }
  return text;
}

}  // namespace lapse::cli
