// Changes of a monitor as options of the command line.
#ifndef LAPSE_CLI_MONITOR_EDITS_H_
#define LAPSE_CLI_MONITOR_EDITS_H_

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "lapse/v1/monitor.pb.h"

namespace CLI {
class App;
}  // namespace CLI

namespace lapse::cli {

// What the options say, in the order in which it must be done.
struct MonitorEdits {
  std::vector<std::function<void(lapse::v1::Monitor&)>> edits;
  // Top-level fields that are touched, for an update mask.
  std::set<std::string> paths;

  void ApplyTo(lapse::v1::Monitor& monitor) const;
};

// Declares --primary, --within and so on. `edits` lives as long as `command`.
void AddMonitorEdits(CLI::App& command, MonitorEdits& edits);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_MONITOR_EDITS_H_
