#include "monitors/compiled_monitor.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/filter/event_fields.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "storage/event_view_fields.h"

namespace lapse::monitors {
namespace {

std::optional<std::string> KeyAt(const storage::EventView& event, const std::string& attribute) {
  const std::optional<storage::EventAttribute> found = event.FindAttribute(attribute);
  return found.has_value() ? KeyOf(*found) : std::nullopt;
}

bool HasKey(const Classification& classification, absl::string_view key) {
  return std::any_of(classification.roles.begin(), classification.roles.end(),
                     [key](const KeyRole& role) { return role.key == key; });
}

}  // namespace

std::optional<std::string> KeyOf(const storage::EventAttribute& value) {
  std::string text;
  if (!storage::KeyText(value, &text) || text.empty() || text.size() > limits::kMaxKeyBytes) {
    return std::nullopt;
  }
  return text;
}

absl::StatusOr<std::shared_ptr<const CompiledMonitor>> CompiledMonitor::Compile(
    const lapse::v1::Monitor& monitor) {
  if (!monitor.has_follow_up()) {
    return InvalidField("condition", "CONDITION_MISSING", "a monitor needs a condition");
  }
  std::shared_ptr<CompiledMonitor> compiled(new CompiledMonitor());
  compiled->uid_ = monitor.uid();
  compiled->revision_ = monitor.revision();
  compiled->revision_text_ = absl::StrCat(monitor.revision());
  const lapse::v1::FollowUp& condition = monitor.follow_up();
  compiled->rules_ = MakeFollowUpRules(condition);
  RETURN_IF_ERROR(compiled->AddPattern(Role::kPrimary, condition.primary()));
  RETURN_IF_ERROR(compiled->AddPattern(Role::kSecondary, condition.secondary()));
  if (condition.has_cancel()) {
    RETURN_IF_ERROR(compiled->AddPattern(Role::kCancel, condition.cancel()));
  }
  return compiled;
}

absl::Status CompiledMonitor::AddPattern(Role role, const lapse::v1::EventPattern& pattern) {
  ASSIGN_OR_RETURN(Filter filter, Filter::Parse(pattern.filter(), EventSchema()));
  patterns_.push_back(
      Pattern{role, pattern.event_type(), pattern.key_attribute(), std::move(filter)});
  if (std::find(event_types_.begin(), event_types_.end(), pattern.event_type()) ==
      event_types_.end()) {
    event_types_.push_back(pattern.event_type());
  }
  return absl::OkStatus();
}

Classification CompiledMonitor::Classify(const storage::AcceptedEvent& event) const {
  Classification result;
  bool lacks_key = false;
  for (const Pattern& pattern : patterns_) {
    if (pattern.event_type != event.event->type()) continue;
    const storage::EventViewFields fields(*event.event, event.sequence, event.receive_time_us);
    if (!pattern.filter.Matches(fields)) continue;
    std::optional<std::string> key = KeyAt(*event.event, pattern.key_attribute);
    if (!key.has_value()) {
      lacks_key = true;
    } else if (!HasKey(result, *key)) {
      result.roles.push_back(KeyRole{pattern.role, *std::move(key)});
    }
  }
  result.no_key = lacks_key && result.roles.empty();
  return result;
}

Fingerprint CompiledMonitor::KeyFingerprint(uint64_t seed, absl::string_view key) const {
  return FingerprintOf(seed, {uid_, revision_text_, key});
}

const std::string& CompiledMonitor::expected_event_type() const {
  return patterns_[static_cast<size_t>(Role::kSecondary)].event_type;
}

}  // namespace lapse::monitors
