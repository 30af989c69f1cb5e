// The contract's rules for resources as far as a client can check them, so that a bad file is
// refused as a whole before anything is sent. The server checks again, and what only it can know.
#ifndef LAPSE_CLI_RESOURCE_CHECK_H_
#define LAPSE_CLI_RESOURCE_CHECK_H_

#include <string>
#include <vector>

#include "lapse/v1/monitor.pb.h"
#include "lapse/v1/notifier.pb.h"

namespace lapse::cli {

struct FieldProblem {
  // Path within the resource, such as `follow_up.within`.
  std::string field;
  std::string message;
};

// Filters are not checked, nor whether notifiers exist. In the order of the fields.
std::vector<FieldProblem> CheckMonitor(const lapse::v1::Monitor& monitor);
std::vector<FieldProblem> CheckNotifier(const lapse::v1::Notifier& notifier);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_RESOURCE_CHECK_H_
