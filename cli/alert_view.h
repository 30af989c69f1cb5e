// How alerts look to people.
#ifndef LAPSE_CLI_ALERT_VIEW_H_
#define LAPSE_CLI_ALERT_VIEW_H_

#include <string>
#include <vector>

#include "cli/table.h"
#include "cli/view.h"
#include "lapse/v1/alert.pb.h"

namespace lapse::cli {

// What happened, as a clause: `no order_delivered, due 14:03:05`, `order_delivered came 3.2s late`.
std::string AlertText(const lapse::v1::Alert& alert, const ViewTime& time);

std::string AlertTable(const std::vector<lapse::v1::Alert>& alerts, const ViewTime& time,
                       const TableStyle& style);
std::string AlertFields(const lapse::v1::Alert& alert, const ViewTime& time,
                        const TableStyle& style);

// One line of `alerts watch`; `change.change_time` may be unset, as in a snapshot.
std::string WatchLine(const lapse::v1::AlertChange& change, const ViewTime& time,
                      const TableStyle& style);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_ALERT_VIEW_H_
