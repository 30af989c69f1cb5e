// `lapsectl apply`: makes the server's resources what files say.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/names.h"
#include "base/status_macros.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/input.h"
#include "cli/resource_file.h"
#include "cli/resource_plan.h"
#include "cli/rpc.h"

namespace lapse::cli {
namespace {

struct ApplyOptions {
  std::vector<std::string> files;
  bool dry_run = false;
};

void ApplyFlags(CLI::App& command, ApplyOptions& o) {
  command
      .add_option("-f,--file", o.files,
                  "YAML documents, each `kind: Monitor` or `kind: Notifier` with its id and "
                  "fields; - for standard input; may be repeated")
      ->type_name("FILE")
      ->required()
      ->allow_extra_args(false);
  command.add_flag("--dry-run", o.dry_run, "Check everything, change nothing");
}

absl::Status RefuseRepeats(const std::vector<Resource>& resources) {
  std::map<std::string, const Resource*> first;
  for (const Resource& resource : resources) {
    const auto [found, fresh] = first.emplace(resource.name(), &resource);
    if (fresh) continue;
    return UsageError(absl::StrCat(resource.Position(""), ": ", resource.name(),
                                   " is given already at ", found->second->Position(""), "."));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Resource>> ReadFiles(const std::vector<std::string>& files) {
  std::vector<Resource> all;
  std::string problems;
  for (const std::string& file : files) {
    ASSIGN_OR_RETURN(const std::string text, ReadInput(file));
    absl::StatusOr<std::vector<Resource>> resources =
        ParseResources(file == "-" ? "stdin" : file, text);
    if (resources.ok()) {
      for (Resource& resource : *resources) all.push_back(std::move(resource));
    } else {
      absl::StrAppend(&problems, resources.status().message(), "\n");
    }
  }
  if (!problems.empty()) return UsageError(problems + "Nothing was sent.");
  RETURN_IF_ERROR(RefuseRepeats(all));
  return all;
}

void PrintOutcomes(Context& context, const std::vector<Outcome>& outcomes) {
  if (context.options.format == Format::kTable) {
    for (const Outcome& outcome : outcomes) {
      context.PrintText(absl::StrCat(outcome.name, " ", outcome.result, "\n"));
    }
    return;
  }
  const bool json = context.options.format == Format::kJson;
  std::string text;
  for (const Outcome& outcome : outcomes) {
    const DataFields fields = {{"name", JsonString(outcome.name)},
                               {"result", JsonString(outcome.result)}};
    const absl::string_view separator = text.empty() ? "" : json ? ",\n" : "---\n";
    absl::StrAppend(&text, separator, json ? JsonObject(fields) : YamlFields(fields));
  }
  context.PrintText(json ? absl::StrCat("[\n", text, "\n]\n") : text);
}

absl::Status RunApply(Context& context, const ApplyOptions& o) {
  ASSIGN_OR_RETURN(const std::vector<Resource> resources, ReadFiles(o.files));
  ASSIGN_OR_RETURN(ResourcePlan plan, ResourcePlan::Make(context, resources));
  if (o.dry_run) {
    PrintOutcomes(context, plan.Preview());
    return absl::OkStatus();
  }
  std::vector<Outcome> outcomes;
  absl::Status status = plan.Carry(context, &outcomes);
  PrintOutcomes(context, outcomes);
  if (!status.ok() && outcomes.size() < resources.size()) {
    context.PrintNote(absl::StrCat(resources.size() - outcomes.size(), " of ", resources.size(),
                                   " resources were not applied:"));
  }
  return status;
}

}  // namespace

void AddApply(CLI::App& app, Context& context) {
  AddCommand(app, context, "apply", "Create and update monitors and notifiers from YAML files",
             ApplyFlags, RunApply);
}

}  // namespace lapse::cli
