// The short copy of an event that a key's state and its alerts carry.
#ifndef LAPSE_MONITORS_EVENT_SUMMARY_H_
#define LAPSE_MONITORS_EVENT_SUMMARY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/event_view.h"

namespace lapse::monitors {

// A serialized lapse.v1.EventSummary of at most limits::kMaxEventSummaryBytes: the attributes by
// name; those that do not fit are left out and counted. Equal events give equal bytes. `event` is
// an accepted one: its id, source and type are within their limits.
std::string SummarizeEvent(const storage::EventView& event, int64_t sequence,
                           int64_t receive_time_us);

// What orders events at the same time. Both point into the summary.
struct SummaryNames {
  std::string_view source;
  std::string_view id;
};

// Reads a summary that SummarizeEvent made; nullopt for bytes whose beginning it cannot have
// written. The rest is not looked at.
std::optional<SummaryNames> NamesOfSummary(std::string_view summary);

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_EVENT_SUMMARY_H_
