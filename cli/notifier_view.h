// How notifiers and deliveries look to people.
#ifndef LAPSE_CLI_NOTIFIER_VIEW_H_
#define LAPSE_CLI_NOTIFIER_VIEW_H_

#include <string>
#include <vector>

#include "cli/table.h"
#include "cli/view.h"
#include "lapse/v1/notifier.pb.h"

namespace lapse::cli {

std::string NotifierTable(const std::vector<lapse::v1::Notifier>& notifiers,
                          const TableStyle& style);
std::string NotifierFields(const lapse::v1::Notifier& notifier, const ViewTime& time,
                           const TableStyle& style);
std::string DeliveryTable(const std::vector<lapse::v1::Delivery>& deliveries, const ViewTime& time,
                          const TableStyle& style);

// `sent in 120ms (250)`, `failed after 30s (451): 451 try again later`.
std::string TryText(const lapse::v1::DeliveryTry& attempt);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_NOTIFIER_VIEW_H_
