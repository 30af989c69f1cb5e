// `lapsectl alerts ...`.

#include <string>

#include "base/names.h"
#include "base/status_macros.h"
#include "cli/alert_view.h"
#include "cli/alert_watch.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/filters.h"
#include "cli/proto_names.h"
#include "cli/resource_file.h"
#include "cli/rpc.h"
#include "lapse/v1/alert_service.grpc.pb.h"

namespace lapse::cli {
namespace {

using lapse::v1::Alert;
using lapse::v1::AlertService;
using Stub = AlertService::Stub;

// What list and watch choose by.
struct ChoiceOptions {
  std::string filter;
  std::string monitor;
  std::string key;

  std::string AsFilter(const std::string& more = "") const {
    return JoinFilters(
        {filter,
         monitor.empty() ? "" : FilterEquals("monitor", FullName(kMonitorCollection, monitor)),
         key.empty() ? "" : FilterEquals("key", key), more});
  }
};

void ChoiceFlags(CLI::App& command, ChoiceOptions& o) {
  command.add_option("-f,--filter", o.filter,
                     "Such as: severity = CRITICAL AND labels.team = \"fulfilment\"");
  command.add_option("--monitor", o.monitor, "Only of this monitor");
  command.add_option("--key", o.key, "Only of this key");
}

struct ListOptions : ChoiceOptions {
  std::string state_filter;
  ListLimit limit;
};

void ListFlags(CLI::App& command, ListOptions& o) {
  ChoiceFlags(command, o);
  AddEnum(
      command, "--state", *Alert::State_descriptor(),
      [&o](int number) {
        o.state_filter = "state = " + ShortEnumName(*Alert::State_descriptor(), number);
      },
      "Only in this state");
  AddListLimit(command, o.limit, "alerts");
}

absl::Status RunList(Context& context, const ListOptions& o) {
  lapse::v1::ListAlertsRequest request;
  request.set_filter(o.AsFilter(o.state_filter));
  ASSIGN_OR_RETURN(const auto alerts,
                   List<AlertService>(context, &Stub::ListAlerts, request, o.limit.value(),
                                      &lapse::v1::ListAlertsResponse::mutable_alerts));
  context.PrintList(alerts.items, "No alert matches.",
                    [&] { return AlertTable(alerts.items, context.view_time(), context.style()); });
  NoteMore(context, alerts.more);
  return absl::OkStatus();
}

struct NameOptions {
  std::string id;

  std::string name() const { return FullName(kAlertCollection, id); }
};

void NameFlags(CLI::App& command, NameOptions& o) {
  command.add_option("ID", o.id, "The alert, as `alerts list` shows it")->required();
}

void PrintAlert(Context& context, const Alert& alert) {
  context.Print(alert, [&] { return AlertFields(alert, context.view_time(), context.style()); });
}

absl::Status RunGet(Context& context, const NameOptions& o) {
  lapse::v1::GetAlertRequest request;
  request.set_name(o.name());
  ASSIGN_OR_RETURN(const Alert alert, Call<AlertService>(context, &Stub::GetAlert, request));
  PrintAlert(context, alert);
  return absl::OkStatus();
}

struct CloseOptions : NameOptions {
  std::string note;
};

void CloseFlags(CLI::App& command, CloseOptions& o) {
  NameFlags(command, o);
  command.add_option("--note", o.note, "Why; at most 1,024 bytes");
}

absl::Status RunClose(Context& context, const CloseOptions& o) {
  lapse::v1::CloseAlertRequest request;
  request.set_name(o.name());
  request.set_note(o.note);
  ASSIGN_OR_RETURN(const Alert alert, Call<AlertService>(context, &Stub::CloseAlert, request));
  PrintAlert(context, alert);
  return absl::OkStatus();
}

struct WatchFlagsOptions : ChoiceOptions {
  WatchOptions watch;
};

void WatchFlags(CLI::App& command, WatchFlagsOptions& o) {
  ChoiceFlags(command, o);
  command
      .add_option("--since", o.watch.cursor,
                  "Go on after this cursor; default: start with what is firing")
      ->type_name("CURSOR");
  command.add_option("-n,--limit", o.watch.limit, "End after so many changes")
      ->check(CheckPositive);
}

absl::Status RunWatch(Context& context, const WatchFlagsOptions& o) {
  WatchOptions watch = o.watch;
  watch.filter = o.AsFilter();
  return WatchAlerts(context, watch);
}

}  // namespace

void AddAlerts(CLI::App& app, Context& context) {
  CLI::App& group = *AddGroup(app, "alerts", "List, show, follow and close alerts");
  AddCommand(group, context, "list", "List alerts, newest first", ListFlags, RunList);
  AddCommand(group, context, "get", "Show an alert", NameFlags, RunGet);
  AddCommand(group, context, "watch", "Print what is firing, then every change as it comes",
             WatchFlags, RunWatch);
  AddCommand(group, context, "close", "Close a firing alert by hand", CloseFlags, RunClose);
}

}  // namespace lapse::cli
