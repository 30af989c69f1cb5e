#include "cli/monitor_view.h"

#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/proto_time.h"
#include "cli/human.h"
#include "cli/proto_names.h"

namespace lapse::cli {
namespace {

using lapse::v1::EventPattern;
using lapse::v1::Expectation;
using lapse::v1::FollowUp;
using lapse::v1::Monitor;
using lapse::v1::MonitorStats;
using lapse::v1::Verdict;

using Fields = std::vector<std::pair<std::string, Cell>>;

Color SeverityColor(Monitor::Severity severity) {
  if (severity == Monitor::SEVERITY_CRITICAL) return Color::kRed;
  return severity == Monitor::SEVERITY_WARNING ? Color::kYellow : Color::kNone;
}

Cell SeverityCell(const Monitor& monitor) {
  const std::string name = ShortEnumName(*Monitor::Severity_descriptor(), monitor.severity());
  return {absl::AsciiStrToLower(name), SeverityColor(monitor.severity())};
}

Cell StateCell(const Monitor& monitor) {
  return monitor.disabled() ? Cell{"disabled", Color::kDim} : Cell{"enabled", Color::kGreen};
}

Color VerdictColor(Verdict verdict) {
  switch (verdict) {
    case lapse::v1::VERDICT_MET:
      return Color::kGreen;
    case lapse::v1::VERDICT_LATE:
      return Color::kYellow;
    case lapse::v1::VERDICT_MISSED:
    case lapse::v1::VERDICT_SHED:
      return Color::kRed;
    default:
      return Color::kNone;
  }
}

std::string PatternText(bool set, const EventPattern& pattern) {
  if (!set) return "";
  return absl::StrCat(pattern.event_type(), " by ", pattern.key_attribute(),
                      pattern.filter().empty() ? "" : " where ", pattern.filter());
}

std::string ExactText(bool set, const google::protobuf::Duration& duration) {
  return set ? ExactDuration(ToMicros(duration)) : "";
}

void AddFollowUp(const FollowUp& follow_up, Fields& fields) {
  fields.push_back({"primary", {PatternText(follow_up.has_primary(), follow_up.primary())}});
  fields.push_back({"secondary", {PatternText(follow_up.has_secondary(), follow_up.secondary())}});
  fields.push_back({"cancel", {PatternText(follow_up.has_cancel(), follow_up.cancel())}});
  fields.push_back({"within", {ExactText(follow_up.has_within(), follow_up.within())}});
  fields.push_back({"grace", {ExactText(follow_up.has_grace(), follow_up.grace())}});
  const std::string repeat = ShortEnumName(*FollowUp::OnRepeat_descriptor(), follow_up.on_repeat());
  fields.push_back({"on repeat", {follow_up.on_repeat() == 0 ? "" : Words(repeat)}});
  fields.push_back({"reorder tolerance",
                    {ExactText(follow_up.has_reorder_tolerance(), follow_up.reorder_tolerance())}});
  fields.push_back({"clock skew", {ExactText(follow_up.has_clock_skew(), follow_up.clock_skew())}});
}

Cell CountCell(int64_t count, Color color) {
  return {Grouped(count), count > 0 ? color : Color::kNone};
}

}  // namespace

std::string ConditionText(const Monitor& monitor) {
  if (!monitor.has_follow_up()) return "";
  const FollowUp& f = monitor.follow_up();
  return absl::StrCat(f.secondary().event_type(), " within ", ExactDuration(ToMicros(f.within())),
                      " of ", f.primary().event_type(), " by ", f.primary().key_attribute(),
                      f.has_cancel() ? ", unless " : "", f.cancel().event_type());
}

std::string MonitorTable(const std::vector<Monitor>& monitors, const TableStyle& style) {
  Table table({{"ID"},
               {"STATE"},
               {"SEVERITY"},
               {"CONDITION", false, true},
               {"NOTIFIERS", false, true},
               {"REVISION", true}});
  for (const Monitor& monitor : monitors) {
    table.Add({{IdOf(monitor.name())},
               StateCell(monitor),
               SeverityCell(monitor),
               {ConditionText(monitor)},
               {IdsText(monitor.notifiers())},
               {absl::StrCat(monitor.revision())}});
  }
  return table.Render(style);
}

std::string MonitorFields(const Monitor& monitor, const ViewTime& time, const TableStyle& style) {
  Fields fields = {
      {"name", {monitor.name()}},
      {"display name", {monitor.display_name()}},
      {"description", {monitor.description()}},
      {"state", StateCell(monitor)},
      {"severity", SeverityCell(monitor)},
      {"labels", {LabelsText(monitor.labels())}},
      {"notifiers", {IdsText(monitor.notifiers())}},
      {"condition", {ConditionText(monitor)}},
  };
  if (monitor.has_follow_up()) AddFollowUp(monitor.follow_up(), fields);
  fields.push_back({"revision", {absl::StrCat(monitor.revision())}});
  fields.push_back({"uid", {monitor.uid()}});
  fields.push_back({"etag", {monitor.etag()}});
  fields.push_back({"created", {TimeText(monitor.has_create_time(), monitor.create_time(), time)}});
  fields.push_back({"updated", {TimeText(monitor.has_update_time(), monitor.update_time(), time)}});
  return RenderFields(fields, style);
}

std::string StatsTable(const std::vector<MonitorStats>& stats, const TableStyle& style) {
  Table table({{"MONITOR"},
               {"OPENED", true},
               {"MET", true},
               {"LATE", true},
               {"MISSED", true},
               {"CANCELLED", true},
               {"SHED", true},
               {"WITHDRAWN", true},
               {"PENDING", true},
               {"P50", true},
               {"P95", true},
               {"P99", true}});
  for (const MonitorStats& s : stats) {
    table.Add({{IdOf(s.monitor())},
               CountCell(s.opened(), Color::kNone),
               CountCell(s.met(), Color::kGreen),
               CountCell(s.late(), Color::kYellow),
               CountCell(s.missed(), Color::kRed),
               CountCell(s.cancelled(), Color::kNone),
               CountCell(s.shed(), Color::kRed),
               CountCell(s.withdrawn(), Color::kNone),
               CountCell(s.pending(), Color::kNone),
               {DurationText(s.has_elapsed_p50(), s.elapsed_p50())},
               {DurationText(s.has_elapsed_p95(), s.elapsed_p95())},
               {DurationText(s.has_elapsed_p99(), s.elapsed_p99())}});
  }
  return table.Render(style);
}

std::string ExpectationTable(const std::vector<Expectation>& expectations, const ViewTime& time,
                             const TableStyle& style) {
  Table table({{"KEY"},
               {"VERDICT"},
               {"REASON"},
               {"OPENED"},
               {"DUE"},
               {"TOOK", true},
               {"LATE BY", true},
               {"ALERT"}});
  for (const Expectation& e : expectations) {
    table.Add(
        {{e.key()},
         {ShortEnumName(*lapse::v1::Verdict_descriptor(), e.verdict()), VerdictColor(e.verdict())},
         {Words(ShortEnumName(*lapse::v1::VerdictReason_descriptor(), e.reason()))},
         {TimeText(e.has_primary_time(), e.primary_time(), time)},
         {TimeText(e.has_due_time(), e.due_time(), time)},
         {DurationText(e.has_elapsed(), e.elapsed())},
         {DurationText(e.has_lateness(), e.lateness())},
         {IdOf(e.alert())}});
  }
  return table.Render(style);
}

}  // namespace lapse::cli
