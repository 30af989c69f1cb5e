#include "server/validation_monitor.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/errors.h"
#include "base/filter/event_fields.h"
#include "base/filter/filter.h"
#include "base/limits.h"
#include "base/names.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "server/validation_text.h"

namespace lapse::server {
namespace {

using google::protobuf::Duration;
using lapse::v1::EventPattern;
using lapse::v1::FollowUp;
using lapse::v1::Monitor;

constexpr int32_t kMaxNanos = 999'999'999;

absl::Status Missing(absl::string_view field, absl::string_view reason) {
  return InvalidField(field, reason, absl::StrCat(field, " is required"));
}

absl::Status TooMany(absl::string_view field, absl::string_view reason, size_t count, size_t most) {
  return InvalidField(
      field, reason,
      absl::StrCat(field, " has ", count, " entries; at most ", most, " are allowed"));
}

absl::Status ValidateName(const Monitor& monitor) {
  ASSIGN_OR_RETURN(const std::string id,
                   ParseResourceName(kMonitorCollection, monitor.name(), "name"));
  return ValidateResourceId(id, "name");
}

absl::Status ValidateLabels(const Monitor& monitor) {
  if (monitor.labels().size() > limits::kMaxLabels) {
    return TooMany("labels", "TOO_MANY_LABELS", monitor.labels().size(), limits::kMaxLabels);
  }
  // By key, so that of several faults always the same is told.
  const std::map<std::string, std::string> labels(monitor.labels().begin(), monitor.labels().end());
  for (const auto& [key, value] : labels) {
    if (key.empty()) return InvalidField("labels", "LABEL_KEY_EMPTY", "a label has an empty key");
    RETURN_IF_ERROR(ValidateText("labels", key, limits::kMaxLabelKeyBytes, "LABEL_KEY_TOO_LONG"));
    RETURN_IF_ERROR(ValidateText(absl::StrCat("labels[", key, "]"), value,
                                 limits::kMaxLabelValueBytes, "LABEL_VALUE_TOO_LONG"));
  }
  return absl::OkStatus();
}

absl::Status ValidateNotifierNames(const Monitor& monitor) {
  const size_t count = monitor.notifiers_size();
  if (count > limits::kMaxNotifiersPerMonitor) {
    return TooMany("notifiers", "TOO_MANY_NOTIFIERS", count, limits::kMaxNotifiersPerMonitor);
  }
  std::set<std::string> seen;
  for (int i = 0; i < monitor.notifiers_size(); ++i) {
    const std::string field = absl::StrCat("notifiers[", i, "]");
    const std::string& name = monitor.notifiers(i);
    RETURN_IF_ERROR(ParseResourceName(kNotifierCollection, name, field).status());
    if (seen.insert(name).second) continue;
    return InvalidField(field, "NOTIFIER_REPEATED",
                        absl::StrCat(field, " is ", Quoted(name), ", which stands there already"));
  }
  return absl::OkStatus();
}

absl::Status ValidateSeverity(const Monitor& monitor) {
  if (Monitor::Severity_IsValid(monitor.severity())) return absl::OkStatus();
  return InvalidField("severity", "SEVERITY_INVALID",
                      absl::StrCat("severity is ", monitor.severity(), ", which has no meaning"));
}

absl::Status ValidatePattern(const EventPattern& pattern) {
  if (pattern.event_type().empty()) return Missing("event_type", "EVENT_TYPE_MISSING");
  RETURN_IF_ERROR(ValidateText("event_type", pattern.event_type(), limits::kMaxEventTypeBytes,
                               "EVENT_TYPE_TOO_LONG"));
  if (pattern.key_attribute().empty()) return Missing("key_attribute", "KEY_ATTRIBUTE_MISSING");
  RETURN_IF_ERROR(ValidateText("key_attribute", pattern.key_attribute(),
                               limits::kMaxAttributeNameBytes, "KEY_ATTRIBUTE_TOO_LONG"));
  return Filter::Parse(pattern.filter(), EventSchema()).status();
}

using Role = std::pair<std::string, const EventPattern*>;

// The patterns that are given, each with the name of its field.
std::vector<Role> RolesOf(const FollowUp& follow_up) {
  std::vector<Role> roles = {{"primary", &follow_up.primary()},
                             {"secondary", &follow_up.secondary()}};
  if (follow_up.has_cancel()) roles.emplace_back("cancel", &follow_up.cancel());
  return roles;
}

// An event that fits two patterns plays one role only, so that the second of two equal ones would
// never be played.
absl::Status ValidateDistinct(const std::vector<Role>& roles) {
  std::map<std::tuple<std::string, std::string, std::string>, std::string> seen;
  for (const auto& [role, pattern] : roles) {
    std::string filter(absl::StripAsciiWhitespace(pattern->filter()));
    const auto [place, added] = seen.emplace(
        std::tuple(pattern->event_type(), pattern->key_attribute(), std::move(filter)), role);
    if (added) continue;
    return InvalidField(role, "PATTERN_REPEATED",
                        absl::StrCat(role, " has the same event_type, key_attribute and filter as ",
                                     place->second));
  }
  return absl::OkStatus();
}

absl::Status ValidatePatterns(const FollowUp& follow_up) {
  if (!follow_up.has_primary()) return Missing("primary", "PATTERN_MISSING");
  if (!follow_up.has_secondary()) return Missing("secondary", "PATTERN_MISSING");
  const std::vector<Role> roles = RolesOf(follow_up);
  for (const auto& [role, pattern] : roles) {
    RETURN_IF_ERROR(WithFieldPrefix(ValidatePattern(*pattern), role));
  }
  return ValidateDistinct(roles);
}

// Signs must agree, as google.protobuf.Duration says. Bounds the seconds, so that microseconds do
// not overflow.
bool IsDuration(const Duration& duration) {
  constexpr int64_t kMaxSeconds = 315'576'000'000;
  if (duration.nanos() < -kMaxNanos || duration.nanos() > kMaxNanos) return false;
  if (duration.seconds() < -kMaxSeconds || duration.seconds() > kMaxSeconds) return false;
  return !(duration.seconds() > 0 && duration.nanos() < 0) &&
         !(duration.seconds() < 0 && duration.nanos() > 0);
}

struct DurationRule {
  absl::string_view field;
  // Before _NEGATIVE and _TOO_LONG.
  absl::string_view reason;
  int64_t max_us;
};

absl::Status ValidateDuration(const Duration& duration, const DurationRule& rule) {
  const auto fail = [&rule](absl::string_view reason, absl::string_view problem) {
    return InvalidField(rule.field, reason,
                        absl::StrCat(rule.field, " ", problem, "; it goes from 0 to ",
                                     rule.max_us / limits::kMicrosPerSecond, " s"));
  };
  if (!IsDuration(duration)) {
    return fail("DURATION_INVALID", absl::StrCat("is ", duration.seconds(), " s and ",
                                                 duration.nanos(), " ns, which is no duration"));
  }
  const bool negative = duration.seconds() < 0 || duration.nanos() < 0;
  if (negative) return fail(absl::StrCat(rule.reason, "_NEGATIVE"), "is negative");
  // What is finer than a microsecond counts here, so that a year and a nanosecond is over a year.
  const bool too_long = ToMicros(duration) > rule.max_us ||
                        (ToMicros(duration) == rule.max_us && duration.nanos() % 1'000 != 0);
  if (!too_long) return absl::OkStatus();
  return fail(absl::StrCat(rule.reason, "_TOO_LONG"),
              absl::StrCat("is ", duration.seconds(), " s"));
}

absl::Status ValidateWithin(const FollowUp& follow_up) {
  if (!follow_up.has_within()) return Missing("within", "WITHIN_MISSING");
  const Duration& within = follow_up.within();
  if (IsDuration(within) && ToMicros(within) <= 0) {
    return InvalidField("within", "WITHIN_NOT_POSITIVE",
                        "within must be longer than 0: at least a microsecond, at most 365 days");
  }
  return ValidateDuration(within, {"within", "WITHIN", limits::kMaxWithinUs});
}

absl::Status ValidateFollowUp(const FollowUp& follow_up) {
  RETURN_IF_ERROR(ValidatePatterns(follow_up));
  RETURN_IF_ERROR(ValidateWithin(follow_up));
  RETURN_IF_ERROR(ValidateDuration(follow_up.grace(), {"grace", "GRACE", limits::kMaxGraceUs}));
  RETURN_IF_ERROR(
      ValidateDuration(follow_up.reorder_tolerance(),
                       {"reorder_tolerance", "REORDER_TOLERANCE", limits::kMaxReorderToleranceUs}));
  RETURN_IF_ERROR(ValidateDuration(follow_up.clock_skew(),
                                   {"clock_skew", "CLOCK_SKEW", limits::kMaxClockSkewUs}));
  if (FollowUp::OnRepeat_IsValid(follow_up.on_repeat())) return absl::OkStatus();
  return InvalidField(
      "on_repeat", "ON_REPEAT_INVALID",
      absl::StrCat("on_repeat is ", follow_up.on_repeat(), ", which has no meaning"));
}

void NormalizeFollowUp(FollowUp* follow_up) {
  if (follow_up->on_repeat() == FollowUp::ON_REPEAT_UNSPECIFIED) {
    follow_up->set_on_repeat(FollowUp::ON_REPEAT_KEEP_FIRST);
  }
  if (!follow_up->has_grace()) SetDuration(0, follow_up->mutable_grace());
  if (!follow_up->has_reorder_tolerance()) {
    SetDuration(limits::kDefaultReorderToleranceUs, follow_up->mutable_reorder_tolerance());
  }
  if (!follow_up->has_clock_skew()) {
    SetDuration(limits::kDefaultClockSkewUs, follow_up->mutable_clock_skew());
  }
}

}  // namespace

absl::Status ValidateMonitor(const Monitor& monitor) {
  RETURN_IF_ERROR(ValidateName(monitor));
  RETURN_IF_ERROR(ValidateText("display_name", monitor.display_name(), limits::kMaxDisplayNameBytes,
                               "DISPLAY_NAME_TOO_LONG"));
  RETURN_IF_ERROR(ValidateText("description", monitor.description(), limits::kMaxDescriptionBytes,
                               "DESCRIPTION_TOO_LONG"));
  RETURN_IF_ERROR(ValidateSeverity(monitor));
  RETURN_IF_ERROR(ValidateLabels(monitor));
  RETURN_IF_ERROR(ValidateNotifierNames(monitor));
  switch (monitor.condition_case()) {
    case Monitor::kFollowUp:
      return WithFieldPrefix(ValidateFollowUp(monitor.follow_up()), "follow_up");
    case Monitor::CONDITION_NOT_SET:
      break;
  }
  return InvalidField("condition", "CONDITION_MISSING",
                      "a condition such as follow_up is required");
}

void NormalizeMonitor(Monitor* monitor) {
  if (monitor->display_name().empty()) {
    absl::string_view id = monitor->name();
    id.remove_prefix(std::min(id.size(), kMonitorCollection.size() + 1));
    monitor->set_display_name(std::string(id));
  }
  if (monitor->severity() == Monitor::SEVERITY_UNSPECIFIED) {
    monitor->set_severity(Monitor::SEVERITY_WARNING);
  }
  if (monitor->has_follow_up()) NormalizeFollowUp(monitor->mutable_follow_up());
}

}  // namespace lapse::server
