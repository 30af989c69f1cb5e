#include "monitors/follow_up_event.h"

#include <optional>

#include "monitors/event_summary.h"

namespace lapse::monitors {

bool ComesBefore(const PlacedEvent& a, const PlacedEvent& b) {
  if (a.order_time_us != b.order_time_us) return a.order_time_us < b.order_time_us;
  if (a.role != b.role) return a.role < b.role;
  if (const int order = a.source().compare(b.source()); order != 0) return order < 0;
  if (const int order = a.id().compare(b.id()); order != 0) return order < 0;
  return a.sequence < b.sequence;
}

bool SetSummary(std::string summary, PlacedEvent& event) {
  event.summary = std::move(summary);
  const std::optional<SummaryNames> names = NamesOfSummary(event.summary);
  if (!names.has_value()) return false;
  const auto offset = [&event](std::string_view name) {
    return name.empty() ? uint16_t{0} : static_cast<uint16_t>(name.data() - event.summary.data());
  };
  event.source_begin = offset(names->source);
  event.source_size = static_cast<uint16_t>(names->source.size());
  event.id_begin = offset(names->id);
  event.id_size = static_cast<uint16_t>(names->id.size());
  return true;
}

}  // namespace lapse::monitors
