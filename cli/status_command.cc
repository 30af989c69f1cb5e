// `lapsectl status`.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/monitor_view.h"
#include "cli/rpc.h"
#include "cli/yaml_writer.h"
#include "google/protobuf/wrappers.pb.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "lapse/v1/alert_service.grpc.pb.h"
#include "lapse/v1/event_service.grpc.pb.h"
#include "lapse/v1/monitor_service.grpc.pb.h"
#include "lapse/v1/notifier_service.grpc.pb.h"

namespace lapse::cli {
namespace {

using google::protobuf::Int32Value;
using google::protobuf::StringValue;
using lapse::v1::AlertService;
using lapse::v1::Monitor;
using lapse::v1::MonitorService;
using lapse::v1::MonitorStats;

constexpr absl::string_view kServing = "SERVING";
// More are told as "over".
constexpr size_t kMaxCountedAlerts = 10'000;

struct ServiceHealth {
  std::string service;
  // As grpc.health.v1 calls it.
  std::string state;
};

struct Status {
  std::vector<ServiceHealth> services;
  std::vector<MonitorStats> monitors;
  bool more_monitors = false;
  int64_t firing = 0;
  bool more_firing = false;

  bool serving() const {
    for (const ServiceHealth& health : services) {
      if (health.state != kServing) return false;
    }
    return true;
  }
};

std::string HealthName(int state) {
  constexpr std::array<absl::string_view, 4> kNames = {"UNKNOWN", kServing, "NOT_SERVING",
                                                       "SERVICE_UNKNOWN"};
  const bool known = state >= 0 && state < static_cast<int>(kNames.size());
  return known ? std::string(kNames[state]) : absl::StrCat(state);
}

// grpc.health.v1's messages have the wire form of these two: a string, and an enum, as field 1.
absl::StatusOr<std::string> CheckHealth(Context& context, const std::string& service) {
  grpc::TemplatedGenericStub<StringValue, Int32Value> stub(context.channel());
  grpc::ClientContext call;
  context.SetDeadline(&call);
  StringValue request;
  request.set_value(service);
  Int32Value response;
  grpc::Status status;
  grpc::CompletionQueue queue;
  const auto reader = stub.PrepareUnaryCall(&call, "/grpc.health.v1.Health/Check", request, &queue);
  reader->StartCall();
  reader->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) return std::string("SERVICE_UNKNOWN");
  RETURN_IF_ERROR(FromGrpc(status));
  return HealthName(response.value());
}

absl::Status ReadHealth(Context& context, Status* status) {
  for (const char* service :
       {lapse::v1::EventService::service_full_name(), MonitorService::service_full_name(),
        AlertService::service_full_name(), lapse::v1::NotifierService::service_full_name()}) {
    ASSIGN_OR_RETURN(const std::string state, CheckHealth(context, service));
    status->services.push_back({service, state});
  }
  return absl::OkStatus();
}

absl::Status ReadMonitors(Context& context, size_t limit, Status* status) {
  ASSIGN_OR_RETURN(const auto monitors,
                   List<MonitorService>(context, &MonitorService::Stub::ListMonitors,
                                        lapse::v1::ListMonitorsRequest(), limit,
                                        &lapse::v1::ListMonitorsResponse::mutable_monitors));
  status->more_monitors = monitors.more;
  for (const Monitor& monitor : monitors.items) {
    lapse::v1::GetMonitorStatsRequest request;
    request.set_name(monitor.name());
    ASSIGN_OR_RETURN(
        status->monitors.emplace_back(),
        Call<MonitorService>(context, &MonitorService::Stub::GetMonitorStats, request));
  }
  return absl::OkStatus();
}

absl::Status ReadFiring(Context& context, Status* status) {
  lapse::v1::ListAlertsRequest request;
  request.set_filter("state = FIRING");
  ASSIGN_OR_RETURN(
      const auto alerts,
      List<AlertService>(context, &AlertService::Stub::ListAlerts, request, kMaxCountedAlerts,
                         &lapse::v1::ListAlertsResponse::mutable_alerts));
  status->firing = static_cast<int64_t>(alerts.items.size());
  status->more_firing = alerts.more;
  return absl::OkStatus();
}

void PrintTable(Context& context, const Status& status) {
  const TableStyle style = context.style();
  Table services({{"SERVICE"}, {"HEALTH"}});
  for (const ServiceHealth& health : status.services) {
    services.Add(
        {{health.service}, {health.state, health.state == kServing ? Color::kGreen : Color::kRed}});
  }
  context.PrintText(absl::StrCat("Server ", Printable(context.options.server), "\n\n",
                                 services.Render(style), "\n"));
  context.PrintText(status.monitors.empty() ? "There is no monitor yet.\n"
                                            : StatsTable(status.monitors, style));
  const std::string count = absl::StrCat(status.more_firing ? "over " : "", Grouped(status.firing));
  const std::string line = status.firing == 0   ? "No alert is firing."
                           : status.firing == 1 ? "1 alert is firing."
                                                : count + " alerts are firing.";
  context.PrintText(absl::StrCat(
      "\n", Colored(line, status.firing == 0 ? Color::kGreen : Color::kRed, style.color), "\n"));
}

void PrintJson(Context& context, const Status& status) {
  DataFields services;
  for (const ServiceHealth& health : status.services) {
    services.push_back({health.service, JsonString(health.state)});
  }
  std::vector<const google::protobuf::Message*> monitors;
  for (const MonitorStats& stats : status.monitors) monitors.push_back(&stats);
  std::string array = JsonArray(monitors);
  absl::StripTrailingAsciiWhitespace(&array);
  const DataFields fields = {{"server", JsonString(context.options.server)},
                             {"services", JsonObject(services)},
                             {"firingAlerts", absl::StrCat(status.firing)},
                             {"monitors", array}};
  context.PrintText(JsonObject(fields) + "\n");
}

void PrintYaml(Context& context, const Status& status) {
  std::string yaml = absl::StrCat("server: ", YamlString(context.options.server), "\nservices:\n");
  for (const ServiceHealth& health : status.services) {
    absl::StrAppend(&yaml, "  ", health.service, ": ", YamlString(health.state), "\n");
  }
  absl::StrAppend(&yaml, "firing_alerts: ", status.firing, "\n");
  absl::StrAppend(&yaml, status.monitors.empty() ? "monitors: []\n" : "monitors:\n");
  for (const MonitorStats& stats : status.monitors) {
    std::string item = WriteYaml(stats, {.indent = 4, .zeros = true});
    item[2] = '-';
    yaml += item;
  }
  context.PrintText(yaml);
}

void Print(Context& context, const Status& status) {
  switch (context.options.format) {
    case Format::kTable:
      return PrintTable(context, status);
    case Format::kJson:
      return PrintJson(context, status);
    case Format::kYaml:
      return PrintYaml(context, status);
  }
}

struct StatusOptions {
  ListLimit limit;
};

void StatusFlags(CLI::App& command, StatusOptions& o) {
  AddListLimit(command, o.limit, "monitors");
}

absl::Status RunStatus(Context& context, const StatusOptions& o) {
  Status status;
  RETURN_IF_ERROR(ReadHealth(context, &status));
  if (status.serving()) {
    RETURN_IF_ERROR(ReadMonitors(context, o.limit.value(), &status));
    RETURN_IF_ERROR(ReadFiring(context, &status));
  }
  Print(context, status);
  NoteMore(context, status.more_monitors);
  if (status.serving()) return absl::OkStatus();
  return PartlyRefused("Not every service is serving: the server is starting or stopping.");
}

}  // namespace

void AddStatus(CLI::App& app, Context& context) {
  AddCommand(app, context, "status",
             "Show the server's health, the books of its monitors, and how many alerts fire",
             StatusFlags, RunStatus);
}

}  // namespace lapse::cli
