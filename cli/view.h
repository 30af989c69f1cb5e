// What all views share: how the contract's messages look to people. Views are pure functions.
#ifndef LAPSE_CLI_VIEW_H_
#define LAPSE_CLI_VIEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/table.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/map.h"
#include "google/protobuf/timestamp.pb.h"
#include "lapse/v1/event.pb.h"

namespace lapse::cli {

struct ViewTime {
  int64_t now_us = 0;
  absl::TimeZone zone;
};

// Empty where the field is not set.
std::string TimeText(bool set, const google::protobuf::Timestamp& time, const ViewTime& view);
std::string DurationText(bool set, const google::protobuf::Duration& duration);

// `order_id=A-17 amount=12.5`, by name.
std::string AttributesText(const google::protobuf::Map<std::string, lapse::v1::Value>& attributes);
// `team=fulfilment city=Pune`, by key.
std::string LabelsText(const google::protobuf::Map<std::string, std::string>& labels);

// The last part of a resource name: `ops` of `notifiers/ops`.
std::string IdOf(absl::string_view name);
// `ops, oncall`
std::string IdsText(const google::protobuf::RepeatedPtrField<std::string>& names);

// `PRIMARY_SEQUENCE` as `primary sequence`.
std::string Words(absl::string_view name);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_VIEW_H_
