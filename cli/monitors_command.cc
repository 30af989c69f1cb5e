// `lapsectl monitors ...`.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/names.h"
#include "base/status_macros.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/monitor_edits.h"
#include "cli/monitor_view.h"
#include "cli/resource_check.h"
#include "cli/resource_file.h"
#include "cli/rpc.h"
#include "lapse/v1/monitor_service.grpc.pb.h"

namespace lapse::cli {
namespace {

using lapse::v1::Monitor;
using lapse::v1::MonitorService;
using lapse::v1::MonitorStats;
using Stub = MonitorService::Stub;

struct NameOptions {
  std::string id;

  std::string name() const { return FullName(kMonitorCollection, id); }
};

void NameFlags(CLI::App& command, NameOptions& o) {
  command.add_option("ID", o.id, "The monitor, such as order-delivered")->required();
}

void PrintMonitor(Context& context, const Monitor& monitor) {
  context.Print(monitor,
                [&] { return MonitorFields(monitor, context.view_time(), context.style()); });
}

struct EditOptions : NameOptions {
  std::string etag;
  MonitorEdits edits;
};

void CreateFlags(CLI::App& command, EditOptions& o) {
  NameFlags(command, o);
  AddMonitorEdits(command, o.edits);
}

absl::Status RunCreate(Context& context, const EditOptions& o) {
  lapse::v1::CreateMonitorRequest request;
  request.set_monitor_id(IdOf(o.id));
  request.mutable_monitor()->set_name(o.name());
  o.edits.ApplyTo(*request.mutable_monitor());
  std::string problems;
  for (const FieldProblem& problem : CheckMonitor(request.monitor())) {
    absl::StrAppend(&problems, problems.empty() ? "" : "\n", problem.field, " ", problem.message);
  }
  if (!problems.empty()) {
    return UsageError(absl::StrCat(problems, "\nSee `lapsectl monitors create --help`."));
  }
  ASSIGN_OR_RETURN(const Monitor monitor,
                   Call<MonitorService>(context, &Stub::CreateMonitor, request));
  PrintMonitor(context, monitor);
  return absl::OkStatus();
}

absl::StatusOr<Monitor> GetMonitor(Context& context, const std::string& name) {
  lapse::v1::GetMonitorRequest request;
  request.set_name(name);
  return Call<MonitorService>(context, &Stub::GetMonitor, request);
}

absl::Status RunGet(Context& context, const NameOptions& o) {
  ASSIGN_OR_RETURN(const Monitor monitor, GetMonitor(context, o.name()));
  PrintMonitor(context, monitor);
  return absl::OkStatus();
}

struct ListOptions {
  ListLimit limit;
};

void ListFlags(CLI::App& command, ListOptions& o) { AddListLimit(command, o.limit, "monitors"); }

absl::StatusOr<Listed<Monitor>> ListMonitors(Context& context, size_t limit) {
  return List<MonitorService>(context, &Stub::ListMonitors, lapse::v1::ListMonitorsRequest(), limit,
                              &lapse::v1::ListMonitorsResponse::mutable_monitors);
}

absl::Status RunList(Context& context, const ListOptions& o) {
  ASSIGN_OR_RETURN(const auto monitors, ListMonitors(context, o.limit.value()));
  context.PrintList(monitors.items,
                    "There is no monitor yet. Make one with `lapsectl monitors create`, or from a "
                    "file with `lapsectl apply -f FILE.yaml`.",
                    [&] { return MonitorTable(monitors.items, context.style()); });
  NoteMore(context, monitors.more);
  return absl::OkStatus();
}

void UpdateFlags(CLI::App& command, EditOptions& o) {
  NameFlags(command, o);
  command.add_option("--etag", o.etag, "Only where the monitor still has this etag");
  AddMonitorEdits(command, o.edits);
}

// Reads, edits, and writes back only what the options touch; the etag keeps out a change that came
// between.
absl::Status RunUpdate(Context& context, const EditOptions& o) {
  if (o.edits.edits.empty()) {
    return UsageError("Nothing to change. See `lapsectl monitors update --help` for what can be.");
  }
  ASSIGN_OR_RETURN(Monitor monitor, GetMonitor(context, o.name()));
  o.edits.ApplyTo(monitor);
  if (!o.etag.empty()) monitor.set_etag(o.etag);
  lapse::v1::UpdateMonitorRequest request;
  *request.mutable_monitor() = monitor;
  for (const std::string& path : o.edits.paths) request.mutable_update_mask()->add_paths(path);
  ASSIGN_OR_RETURN(monitor, Call<MonitorService>(context, &Stub::UpdateMonitor, request));
  PrintMonitor(context, monitor);
  return absl::OkStatus();
}

struct DeleteOptions {
  std::vector<std::string> ids;
  std::string etag;
  bool allow_missing = false;
};

void DeleteFlags(CLI::App& command, DeleteOptions& o) {
  command.add_option("ID", o.ids, "The monitors")->required();
  command.add_option("--etag", o.etag, "Only where the monitor still has this etag");
  command.add_flag("--allow-missing", o.allow_missing, "One that is not there is no error");
}

absl::Status RunDelete(Context& context, const DeleteOptions& o) {
  for (const std::string& id : o.ids) {
    lapse::v1::DeleteMonitorRequest request;
    request.set_name(FullName(kMonitorCollection, id));
    request.set_etag(o.etag);
    request.set_allow_missing(o.allow_missing);
    RETURN_IF_ERROR(Call<MonitorService>(context, &Stub::DeleteMonitor, request).status());
    context.PrintNote(absl::StrCat("Deleted ", request.name(), "."));
  }
  return absl::OkStatus();
}

absl::Status RunEnable(Context& context, const NameOptions& o) {
  lapse::v1::EnableMonitorRequest request;
  request.set_name(o.name());
  ASSIGN_OR_RETURN(const Monitor monitor,
                   Call<MonitorService>(context, &Stub::EnableMonitor, request));
  PrintMonitor(context, monitor);
  return absl::OkStatus();
}

absl::Status RunDisable(Context& context, const NameOptions& o) {
  lapse::v1::DisableMonitorRequest request;
  request.set_name(o.name());
  ASSIGN_OR_RETURN(const Monitor monitor,
                   Call<MonitorService>(context, &Stub::DisableMonitor, request));
  PrintMonitor(context, monitor);
  return absl::OkStatus();
}

struct StatsOptions {
  std::vector<std::string> ids;
  ListLimit limit;
};

void StatsFlags(CLI::App& command, StatsOptions& o) {
  command.add_option("ID", o.ids, "The monitors; default all");
  AddListLimit(command, o.limit, "monitors");
}

absl::Status RunStats(Context& context, const StatsOptions& o) {
  std::vector<std::string> names;
  for (const std::string& id : o.ids) names.push_back(FullName(kMonitorCollection, id));
  bool more = false;
  if (names.empty()) {
    ASSIGN_OR_RETURN(const auto monitors, ListMonitors(context, o.limit.value()));
    for (const Monitor& monitor : monitors.items) names.push_back(monitor.name());
    more = monitors.more;
  }
  std::vector<MonitorStats> stats;
  for (const std::string& name : names) {
    lapse::v1::GetMonitorStatsRequest request;
    request.set_name(name);
    ASSIGN_OR_RETURN(stats.emplace_back(),
                     Call<MonitorService>(context, &Stub::GetMonitorStats, request));
  }
  context.PrintList(stats, "There is no monitor yet.",
                    [&] { return StatsTable(stats, context.style()); });
  NoteMore(context, more);
  return absl::OkStatus();
}

}  // namespace

void AddMonitors(CLI::App& app, Context& context) {
  CLI::App& group = *AddGroup(app, "monitors", "Create, read, change and delete monitors");
  AddCommand(group, context, "create", "Create a monitor", CreateFlags, RunCreate);
  AddCommand(group, context, "get", "Show a monitor", NameFlags, RunGet);
  AddCommand(group, context, "list", "List the monitors", ListFlags, RunList);
  AddCommand(group, context, "update", "Change a monitor; what is not named stays", UpdateFlags,
             RunUpdate);
  AddCommand(group, context, "delete", "Delete monitors; what is open is cancelled", DeleteFlags,
             RunDelete);
  AddCommand(group, context, "enable", "Let a monitor see events again", NameFlags, RunEnable);
  AddCommand(group, context, "disable", "Cancel what is open and see no events until enabled",
             NameFlags, RunDisable);
  AddCommand(group, context, "stats", "Show the books of monitors", StatsFlags, RunStats);
}

}  // namespace lapse::cli
