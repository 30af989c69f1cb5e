// `lapsectl events` and `lapsectl types`.

#include <string>

#include "base/clock.h"
#include "base/status_macros.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/event_view.h"
#include "cli/filters.h"
#include "cli/human.h"
#include "cli/rpc.h"
#include "google/protobuf/util/time_util.h"
#include "lapse/v1/event_service.grpc.pb.h"

namespace lapse::cli {
namespace {

using google::protobuf::util::TimeUtil;
using lapse::v1::EventService;

struct EventsOptions {
  std::string filter;
  std::string type;
  std::string source;
  std::string since;
  std::string until;
  bool newest_first = false;
  ListLimit limit;
};

void EventsFlags(CLI::App& command, EventsOptions& o) {
  command.add_option("-f,--filter", o.filter,
                     "Such as: attributes.order_id = \"A-17\" AND attributes.amount > 100");
  command.add_option("--type", o.type, "Only events of this type");
  command.add_option("--source", o.source, "Only events of this source");
  command.add_option("--since", o.since, "Only from this time on: RFC 3339, or \"10m ago\"");
  command.add_option("--until", o.until, "Only before this time");
  command.add_flag("-r,--newest-first", o.newest_first, "Newest first; default is oldest first");
  AddListLimit(command, o.limit, "events");
}

// `occur_time >= "2024-11-22T08:33:07Z"`; empty where no time is given.
absl::StatusOr<std::string> TimeFilter(const char* comparison, const std::string& text) {
  if (text.empty()) return std::string();
  const absl::StatusOr<int64_t> time_us = ParseTime(text, RealClock().NowUs());
  if (!time_us.ok()) return UsageError(time_us.status().message());
  return absl::StrCat("occur_time ", comparison, " \"",
                      TimeUtil::ToString(TimeUtil::MicrosecondsToTimestamp(*time_us)), "\"");
}

absl::Status RunEvents(Context& context, const EventsOptions& o) {
  ASSIGN_OR_RETURN(const std::string since, TimeFilter(">=", o.since));
  ASSIGN_OR_RETURN(const std::string until, TimeFilter("<", o.until));
  lapse::v1::ListEventsRequest request;
  request.set_filter(
      JoinFilters({o.filter, o.type.empty() ? "" : FilterEquals("type", o.type),
                   o.source.empty() ? "" : FilterEquals("source", o.source), since, until}));
  request.set_order_by(o.newest_first ? "occur_time desc" : "occur_time");
  ASSIGN_OR_RETURN(
      const auto events,
      List<EventService>(context, &EventService::Stub::ListEvents, request, o.limit.value(),
                         &lapse::v1::ListEventsResponse::mutable_events));
  context.PrintList(events.items, "No event matches.",
                    [&] { return EventTable(events.items, context.view_time(), context.style()); });
  NoteMore(context, events.more);
  return absl::OkStatus();
}

struct TypesOptions {
  ListLimit limit;
};

void TypesFlags(CLI::App& command, TypesOptions& o) { AddListLimit(command, o.limit, "types"); }

absl::Status RunTypes(Context& context, const TypesOptions& o) {
  ASSIGN_OR_RETURN(const auto types,
                   List<EventService>(context, &EventService::Stub::ListEventTypes,
                                      lapse::v1::ListEventTypesRequest(), o.limit.value(),
                                      &lapse::v1::ListEventTypesResponse::mutable_event_types));
  context.PrintList(
      types.items, "No event has been received yet. Send one with `lapsectl send`.",
      [&] { return EventTypeTable(types.items, context.view_time(), context.style()); });
  NoteMore(context, types.more);
  return absl::OkStatus();
}

}  // namespace

void AddEvents(CLI::App& app, Context& context) {
  AddCommand(app, context, "events", "List accepted events", EventsFlags, RunEvents);
  AddCommand(app, context, "types", "List the event types seen, with their attributes", TypesFlags,
             RunTypes);
}

}  // namespace lapse::cli
