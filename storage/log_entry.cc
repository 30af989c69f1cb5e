#include "storage/log_entry.h"

#include <algorithm>

namespace lapse::storage {

int64_t ReportedTimeUs(const EventView& event, int64_t receive_time_us) {
  return event.has_occur_time() ? event.occur_time_us() : receive_time_us;
}

int64_t JudgedTimeUs(const EventView& event, int64_t receive_time_us) {
  return std::min(ReportedTimeUs(event, receive_time_us), receive_time_us);
}

}  // namespace lapse::storage
