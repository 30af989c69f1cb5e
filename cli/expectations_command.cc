// `lapsectl expectations`.

#include <string>
#include <vector>

#include "base/names.h"
#include "base/status_macros.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/monitor_view.h"
#include "cli/resource_file.h"
#include "cli/rpc.h"
#include "lapse/v1/monitor_service.grpc.pb.h"

namespace lapse::cli {
namespace {

using lapse::v1::MonitorService;
using lapse::v1::Verdict;

struct ExpectationsOptions {
  std::string monitor;
  std::string key;
  std::vector<Verdict> verdicts;
  ListLimit limit;
};

void ExpectationsFlags(CLI::App& command, ExpectationsOptions& o) {
  command.add_option("MONITOR", o.monitor, "The monitor, such as order-delivered")->required();
  command.add_option("--key", o.key, "Only of this key");
  AddEnum(
      command, "--verdict", *lapse::v1::Verdict_descriptor(),
      [&o](int number) { o.verdicts.push_back(static_cast<Verdict>(number)); },
      "Only with this verdict; may be repeated", /*many=*/true);
  AddListLimit(command, o.limit, "expectations");
}

absl::Status RunExpectations(Context& context, const ExpectationsOptions& o) {
  lapse::v1::ListExpectationsRequest request;
  request.set_parent(FullName(kMonitorCollection, o.monitor));
  request.set_key(o.key);
  for (const Verdict verdict : o.verdicts) request.add_verdicts(verdict);
  ASSIGN_OR_RETURN(const auto expectations,
                   List<MonitorService>(
                       context, &MonitorService::Stub::ListExpectations, request, o.limit.value(),
                       &lapse::v1::ListExpectationsResponse::mutable_expectations));
  context.PrintList(expectations.items, "No expectation is open or has ended recently.", [&] {
    return ExpectationTable(expectations.items, context.view_time(), context.style());
  });
  NoteMore(context, expectations.more);
  return absl::OkStatus();
}

}  // namespace

void AddExpectations(CLI::App& app, Context& context) {
  AddCommand(app, context, "expectations", "List what a monitor waits for, and what ended recently",
             ExpectationsFlags, RunExpectations);
}

}  // namespace lapse::cli
