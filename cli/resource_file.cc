#include "cli/resource_file.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/names.h"
#include "base/nearest.h"
#include "cli/resource_check.h"
#include "cli/yaml_documents.h"
#include "google/protobuf/message.h"
#include "yaml-cpp/yaml.h"

namespace lapse::cli {
namespace {

using lapse::v1::Monitor;
using lapse::v1::Notifier;

constexpr absl::string_view kMonitorKind = "Monitor";
constexpr absl::string_view kNotifierKind = "Notifier";

// Reads one document into a Resource.
class DocumentReader {
 public:
  DocumentReader(absl::string_view file, std::vector<YamlProblem>* problems)
      : problems_(*problems) {
    resource_.file = std::string(file);
  }

  Resource Read(const YAML::Node& document) {
    resource_.line = LineOf(document);
    if (!document.IsMap()) {
      Fail(resource_.line, "expected a resource: fields such as `kind: Monitor`");
      return resource_;
    }
    const YAML::Node kind = document["kind"];
    const std::string text = kind && kind.IsScalar() ? kind.Scalar() : "";
    if (text == kMonitorKind) {
      ReadMonitor(document);
    } else if (text == kNotifierKind) {
      ReadNotifier(document);
    } else {
      FailKind(kind, text);
    }
    return resource_;
  }

 private:
  void Fail(int line, absl::string_view message) {
    problems_.push_back({line, std::string(message)});
  }

  void FailKind(const YAML::Node& kind, const std::string& text) {
    const std::vector<std::string> kinds = {std::string(kMonitorKind), std::string(kNotifierKind)};
    if (!kind) return Fail(resource_.line, "kind is missing; it is Monitor or Notifier");
    Fail(LineOf(kind), absl::StrCat("kind is ", Quoted(text), "; it is Monitor or Notifier",
                                    MeantHint(text, kinds)));
  }

  void ReadMonitor(const YAML::Node& document) {
    Monitor monitor;
    const bool readable = ReadFields(document, kMonitorCollection, &monitor);
    if (resource_.lines.count("disabled") > 0) resource_.disabled = monitor.disabled();
    monitor.set_name(ResourceName(kMonitorCollection, resource_.id));
    for (std::string& notifier : *monitor.mutable_notifiers()) {
      notifier = FullName(kNotifierCollection, notifier);
    }
    monitor.clear_uid();
    monitor.clear_revision();
    monitor.clear_disabled();
    monitor.clear_create_time();
    monitor.clear_update_time();
    if (readable) Check(CheckMonitor(monitor));
    resource_.message = std::move(monitor);
  }

  void ReadNotifier(const YAML::Node& document) {
    Notifier notifier;
    const bool readable = ReadFields(document, kNotifierCollection, &notifier);
    notifier.set_name(ResourceName(kNotifierCollection, resource_.id));
    notifier.clear_uid();
    notifier.clear_create_time();
    notifier.clear_update_time();
    if (readable) Check(CheckNotifier(notifier));
    resource_.message = std::move(notifier);
  }

  // Whether the form is right, so that the content is worth checking.
  bool ReadFields(const YAML::Node& document, absl::string_view collection,
                  google::protobuf::Message* message) {
    const size_t problems_before = problems_.size();
    YamlReader(&problems_, &resource_.lines).Read(document, "", message, {"kind", "id"});
    const YAML::Node name = document["name"];
    const YAML::Node id = document["id"];
    const std::string prefix = absl::StrCat(collection, "/");
    const YAML::Node& given = id ? id : name;
    if (!given) {
      Fail(resource_.line, "id is missing, such as `id: order-delivered`");
    } else if (given.IsScalar()) {
      resource_.lines["name"] = LineOf(given);
      resource_.id = FullName(collection, given.Scalar()).substr(prefix.size());
    } else {
      Fail(LineOf(given), "id is a single value, such as `id: order-delivered`");
    }
    if (id && name && name.IsScalar() &&
        FullName(collection, name.Scalar()) != prefix + resource_.id) {
      Fail(LineOf(name), "name and id differ; give one of them");
    }
    return problems_.size() == problems_before;
  }

  void Check(const std::vector<FieldProblem>& problems) {
    for (const FieldProblem& problem : problems) {
      const std::string position = resource_.Position(problem.field);
      const int line = std::stoi(position.substr(position.rfind(':') + 1));
      Fail(line,
           absl::StrCat(problem.field == "name" ? "id" : problem.field, " ", problem.message));
    }
  }

  std::vector<YamlProblem>& problems_;
  Resource resource_;
};

void RefuseRepeats(const std::vector<Resource>& resources, std::vector<YamlProblem>* problems) {
  std::map<std::string, int> lines;
  for (const Resource& resource : resources) {
    if (resource.id.empty()) continue;
    const auto [first, fresh] = lines.emplace(resource.name(), resource.line);
    if (fresh) continue;
    problems->push_back({resource.line, absl::StrCat(resource.name(), " is given already in line ",
                                                     first->second)});
  }
}

absl::Status ProblemsError(absl::string_view file, std::vector<YamlProblem> problems) {
  std::stable_sort(problems.begin(), problems.end(),
                   [](const auto& a, const auto& b) { return a.line < b.line; });
  std::string message;
  for (const YamlProblem& problem : problems) {
    absl::StrAppend(&message, message.empty() ? "" : "\n", file, ":", problem.line, ": ",
                    problem.message);
  }
  return absl::InvalidArgumentError(message);
}

}  // namespace

std::string Resource::name() const {
  return ResourceName(monitor() != nullptr ? kMonitorCollection : kNotifierCollection, id);
}

std::string Resource::Position(absl::string_view field_path) const {
  std::string path(field_path);
  while (!path.empty()) {
    const auto found = lines.find(path);
    if (found != lines.end()) return absl::StrCat(file, ":", found->second);
    const size_t cut = path.find_last_of(".[");
    path.resize(cut == std::string::npos ? 0 : cut);
  }
  return absl::StrCat(file, ":", line);
}

std::string FullName(absl::string_view collection, absl::string_view id_or_name) {
  const std::string prefix = absl::StrCat(collection, "/");
  return absl::StartsWith(id_or_name, prefix) ? std::string(id_or_name)
                                              : absl::StrCat(prefix, id_or_name);
}

absl::StatusOr<std::vector<Resource>> ParseResources(absl::string_view file,
                                                     const std::string& text) {
  std::vector<YamlProblem> problems;
  std::vector<Resource> resources;
  try {
    for (const YAML::Node& document : LoadDocuments(text)) {
      // Between two `---`, or after the last one.
      if (!document.IsDefined() || document.IsNull()) continue;
      resources.push_back(DocumentReader(file, &problems).Read(document));
    }
  } catch (const YAML::Exception& error) {
    return ProblemsError(file, {{error.mark.line + 1, absl::StrCat("not YAML: ", error.msg)}});
  }
  if (resources.empty() && problems.empty()) problems.push_back({1, "there is no resource in it"});
  RefuseRepeats(resources, &problems);
  if (!problems.empty()) return ProblemsError(file, std::move(problems));
  return resources;
}

}  // namespace lapse::cli
