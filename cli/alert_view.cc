#include "cli/alert_view.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/proto_time.h"
#include "cli/human.h"
#include "cli/proto_names.h"

namespace lapse::cli {
namespace {

using lapse::v1::Alert;
using lapse::v1::AlertChange;
using lapse::v1::EventSummary;

Color StateColor(Alert::State state) {
  return state == Alert::STATE_FIRING ? Color::kRed : Color::kGreen;
}

Cell StateCell(const Alert& alert) {
  return {ShortEnumName(*Alert::State_descriptor(), alert.state()), StateColor(alert.state())};
}

std::string ReasonName(const Alert& alert) {
  return Words(ShortEnumName(*Alert::Reason_descriptor(), alert.reason()));
}

std::string SummaryText(bool set, const EventSummary& event, const ViewTime& time) {
  if (!set) return "";
  const std::string source = event.source().empty() ? "" : " from " + event.source();
  const std::string omitted =
      event.omitted_attribute_count() == 0
          ? ""
          : absl::StrCat(" (", event.omitted_attribute_count(), " attributes left out)");
  // One without a time of its own happened when it was received.
  const auto& happened = event.has_occur_time() ? event.occur_time() : event.ingest_time();
  return absl::StrCat(event.type(), source, " at ", TimeText(true, happened, time),
                      event.attributes().empty() ? "" : "  ", AttributesText(event.attributes()),
                      omitted);
}

}  // namespace

std::string AlertText(const Alert& alert, const ViewTime& time) {
  const std::string& awaited = alert.expected_event_type();
  switch (alert.reason()) {
    case Alert::REASON_DEADLINE_PASSED:
      return absl::StrCat("no ", awaited, ", due ",
                          TimeText(alert.has_due_time(), alert.due_time(), time),
                          alert.detected_late() ? ", detected late" : "");
    case Alert::REASON_REJUDGED:
      return absl::StrCat("no ", awaited, " in time, as an event out of order shows; due ",
                          TimeText(alert.has_due_time(), alert.due_time(), time));
    case Alert::REASON_FOLLOWED_LATE:
      return absl::StrCat(awaited, " came ", DurationText(true, alert.lateness()), " late");
    case Alert::REASON_RECEIVED_LATE:
      return absl::StrCat(awaited, " was in time, but received late");
    case Alert::REASON_CANCELLED_LATE:
      return "cancelled after it was due";
    case Alert::REASON_SUPERSEDED:
      return "withdrawn: an event received late shows that nothing was due";
    case Alert::REASON_CLOSED_BY_HAND:
      return absl::StrCat("closed by hand", alert.close_note().empty() ? "" : ": ",
                          alert.close_note());
    case Alert::REASON_CLOSED_BY_AGE:
      return "closed: too old";
    default:
      return ReasonName(alert);
  }
}

std::string AlertTable(const std::vector<Alert>& alerts, const ViewTime& time,
                       const TableStyle& style) {
  Table table({{"ALERT"}, {"STATE"}, {"MONITOR"}, {"KEY"}, {"FIRED"}, {"WHAT", false, true}});
  for (const Alert& alert : alerts) {
    table.Add({{IdOf(alert.name())},
               StateCell(alert),
               {IdOf(alert.monitor())},
               {alert.key()},
               {TimeText(alert.has_fire_time(), alert.fire_time(), time)},
               {AlertText(alert, time)}});
  }
  return table.Render(style);
}

std::string AlertFields(const Alert& alert, const ViewTime& time, const TableStyle& style) {
  const std::string severity =
      ShortEnumName(*lapse::v1::Monitor::Severity_descriptor(), alert.severity());
  const std::string revision =
      alert.revision() == 0 ? "" : absl::StrCat(" (revision ", alert.revision(), ")");
  return RenderFields(
      {
          {"name", {alert.name()}},
          {"state", StateCell(alert)},
          {"reason", {ReasonName(alert)}},
          {"what", {AlertText(alert, time)}},
          {"monitor", {alert.monitor() + revision}},
          {"display name", {alert.monitor_display_name()}},
          {"key", {alert.key()}},
          {"severity", {absl::AsciiStrToLower(severity)}},
          {"labels", {LabelsText(alert.labels())}},
          {"notifiers", {IdsText(alert.notifiers())}},
          {"primary", {SummaryText(alert.has_primary_event(), alert.primary_event(), time)}},
          {"secondary", {SummaryText(alert.has_secondary_event(), alert.secondary_event(), time)}},
          {"due", {TimeText(alert.has_due_time(), alert.due_time(), time)}},
          {"fired", {TimeText(alert.has_fire_time(), alert.fire_time(), time)}},
          {"resolved", {TimeText(alert.has_resolve_time(), alert.resolve_time(), time)}},
          {"late by", {DurationText(alert.has_lateness(), alert.lateness())}},
          {"detected late", {alert.detected_late() ? "yes" : ""}},
          {"close note", {alert.close_note()}},
          {"version", {absl::StrCat(alert.version())}},
      },
      style);
}

std::string WatchLine(const AlertChange& change, const ViewTime& time, const TableStyle& style) {
  const Alert& alert = change.alert();
  const std::string when = change.has_change_time()
                               ? TimeText(true, change.change_time(), time)
                               : TimeText(alert.has_fire_time(), alert.fire_time(), time);
  const Cell state = StateCell(alert);
  return absl::StrCat(absl::StrFormat("%-8s  ", when),
                      Colored(absl::StrFormat("%-8s", state.text), state.color, style.color), "  ",
                      Printable(absl::StrCat(IdOf(alert.monitor()), "  ", alert.key(), "  ",
                                             AlertText(alert, time))),
                      Colored("  " + Printable(alert.name()), Color::kDim, style.color), "\n");
}

}  // namespace lapse::cli
