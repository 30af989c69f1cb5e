// How events and event types look to people.
#ifndef LAPSE_CLI_EVENT_VIEW_H_
#define LAPSE_CLI_EVENT_VIEW_H_

#include <string>
#include <vector>

#include "cli/table.h"
#include "cli/view.h"
#include "lapse/v1/event.pb.h"
#include "lapse/v1/event_service.pb.h"

namespace lapse::cli {

std::string EventTable(const std::vector<lapse::v1::Event>& events, const ViewTime& time,
                       const TableStyle& style);
std::string EventTypeTable(const std::vector<lapse::v1::EventType>& types, const ViewTime& time,
                           const TableStyle& style);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_EVENT_VIEW_H_
