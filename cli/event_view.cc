#include "cli/event_view.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/human.h"
#include "cli/proto_names.h"

namespace lapse::cli {
namespace {

using lapse::v1::AttributeType;

// `order_id:string`, or `amount:int64|double`.
std::string AttributeTypeText(const AttributeType& attribute) {
  const std::string kinds = absl::StrJoin(attribute.kinds(), "|", [](std::string* out, int kind) {
    absl::StrAppend(out, ShortEnumName(*AttributeType::Kind_descriptor(), kind));
  });
  return absl::StrCat(attribute.name(), ":", absl::AsciiStrToLower(kinds));
}

}  // namespace

std::string EventTable(const std::vector<lapse::v1::Event>& events, const ViewTime& time,
                       const TableStyle& style) {
  Table table({{"SEQUENCE", true},
               {"TIME"},
               {"TYPE"},
               {"SOURCE"},
               {"ID", false, true},
               {"ATTRIBUTES", false, true}});
  for (const auto& event : events) {
    table.Add({{absl::StrCat(event.sequence())},
               {TimeText(event.has_occur_time(), event.occur_time(), time)},
               {event.type()},
               {event.source()},
               {event.id()},
               {AttributesText(event.attributes())}});
  }
  return table.Render(style);
}

std::string EventTypeTable(const std::vector<lapse::v1::EventType>& types, const ViewTime& time,
                           const TableStyle& style) {
  Table table(
      {{"TYPE"}, {"EVENTS", true}, {"FIRST SEEN"}, {"LAST SEEN"}, {"ATTRIBUTES", false, true}});
  for (const auto& type : types) {
    const std::string attributes =
        absl::StrJoin(type.attributes(), " ", [](std::string* out, const AttributeType& a) {
          absl::StrAppend(out, AttributeTypeText(a));
        });
    table.Add({{type.type()},
               {Grouped(type.event_count())},
               {TimeText(type.has_first_seen_time(), type.first_seen_time(), time)},
               {TimeText(type.has_last_seen_time(), type.last_seen_time(), time)},
               {attributes}});
  }
  return table.Render(style);
}

}  // namespace lapse::cli
