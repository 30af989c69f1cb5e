// How monitors, their books and their expectations look to people.
#ifndef LAPSE_CLI_MONITOR_VIEW_H_
#define LAPSE_CLI_MONITOR_VIEW_H_

#include <string>
#include <vector>

#include "cli/table.h"
#include "cli/view.h"
#include "lapse/v1/monitor.pb.h"

namespace lapse::cli {

// `order_delivered within 45m of order_created by order_id, unless order_cancelled`
std::string ConditionText(const lapse::v1::Monitor& monitor);

std::string MonitorTable(const std::vector<lapse::v1::Monitor>& monitors, const TableStyle& style);
std::string MonitorFields(const lapse::v1::Monitor& monitor, const ViewTime& time,
                          const TableStyle& style);
std::string StatsTable(const std::vector<lapse::v1::MonitorStats>& stats, const TableStyle& style);
std::string ExpectationTable(const std::vector<lapse::v1::Expectation>& expectations,
                             const ViewTime& time, const TableStyle& style);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_MONITOR_VIEW_H_
