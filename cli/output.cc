#include "cli/output.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/yaml_writer.h"
#include "google/protobuf/message.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/wrappers.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "lapse/v1/notifier.pb.h"

namespace lapse::cli {
namespace {

using google::protobuf::Message;

std::string Json(const Message& message, bool pretty) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = pretty;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  // Only times out of range have no JSON; the server has none.
  return status.ok() ? json : absl::StrCat("{\"error\": \"no JSON for this message\"}");
}

}  // namespace

std::string PrettyJson(const Message& message) { return Json(message, true); }

std::string JsonLine(const Message& message) { return Json(message, false); }

std::string JsonArray(const std::vector<const Message*>& messages) {
  std::string json = "[";
  for (size_t i = 0; i < messages.size(); ++i) {
    std::string item = PrettyJson(*messages[i]);
    while (!item.empty() && item.back() == '\n') item.pop_back();
    absl::StrAppend(&json, i == 0 ? "\n" : ",\n", item);
  }
  return json + (messages.empty() ? "]\n" : "\n]\n");
}

std::string YamlDocument(const Message& message) {
  const auto* type = message.GetDescriptor();
  const bool resource =
      type == lapse::v1::Monitor::descriptor() || type == lapse::v1::Notifier::descriptor();
  const YamlStyle style = {.zeros = type == lapse::v1::MonitorStats::descriptor()};
  const std::string fields = WriteYaml(message, style);
  if (resource) return absl::StrCat("kind: ", type->name(), "\n", fields);
  return fields.empty() ? "{}\n" : fields;
}

std::string JsonString(const std::string& text) {
  google::protobuf::StringValue value;
  value.set_value(text);
  return JsonLine(value);
}

std::string JsonObject(const DataFields& fields) {
  return absl::StrCat("{",
                      absl::StrJoin(fields, ", ",
                                    [](std::string* out, const auto& field) {
                                      absl::StrAppend(out, "\"", field.first, "\": ", field.second);
                                    }),
                      "}");
}

std::string YamlFields(const DataFields& fields) {
  std::string yaml;
  for (const auto& [name, value] : fields) {
    for (const char c : name) {
      if (absl::ascii_isupper(c)) yaml.push_back('_');
      yaml.push_back(absl::ascii_tolower(c));
    }
    absl::StrAppend(&yaml, ": ", value, "\n");
  }
  return yaml;
}

std::string YamlDocuments(const std::vector<const Message*>& messages) {
  std::string yaml;
  for (const Message* message : messages) {
    absl::StrAppend(&yaml, yaml.empty() ? "" : "---\n", YamlDocument(*message));
  }
  return yaml;
}

}  // namespace lapse::cli
