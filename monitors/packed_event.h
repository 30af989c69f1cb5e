// Events as the state of a key at rest holds them: what they have in common with others of their
// partition stands in dictionaries, and times are kept as differences.
#ifndef LAPSE_MONITORS_PACKED_EVENT_H_
#define LAPSE_MONITORS_PACKED_EVENT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "monitors/byte_coding.h"
#include "monitors/text_dictionary.h"
#include "storage/event_view.h"

namespace lapse::monitors {

// When an event happened and where it stands in the log.
struct EventTimes {
  int64_t sequence = 0;
  int64_t receive_time_us = 0;
  int64_t time_us = 0;

  bool operator==(const EventTimes&) const = default;
};

// What packed events of one partition refer to. It only grows, so that what was packed with it can
// always be unpacked with it.
struct PackContext {
  PackContext();

  // To be called before a difference from them is written; the first call sets them.
  void SetBases(int64_t time_us, int64_t sequence) {
    if (base_time_us != 0) return;
    base_time_us = time_us;
    base_sequence = sequence;
  }

  void Prefetch() const {
    texts.Prefetch();
    shapes.Prefetch();
  }

  int64_t base_time_us = 0;
  int64_t base_sequence = 0;
  TextDictionary texts;
  // What summaries look like: their type, and the names and kinds of their attributes.
  TextDictionary shapes;
};

void PackTimes(const EventTimes& times, PackContext& context, ByteWriter& out);
// Zeros where `in` is bad.
EventTimes UnpackTimes(ByteReader& in, const PackContext& context);

// `summary`: of monitors/event_summary.h, made with these times. Any other bytes are packed too,
// and come back the same; they take more space. `key` is the text of the key that it is kept for.
void PackSummary(std::string_view summary, const EventTimes& times, std::string_view key,
                 PackContext& context, ByteWriter& out);

// As PackSummary of SummarizeEvent's summary: it comes back the same.
void PackEvent(const storage::EventView& event, const EventTimes& times, std::string_view key,
               PackContext& context, ByteWriter& out);

// Appends what PackSummary was given. False, with `summary` in any state, for bytes that it cannot
// have written.
bool UnpackSummary(ByteReader& in, const EventTimes& times, std::string_view key,
                   const PackContext& context, std::string* summary);

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_PACKED_EVENT_H_
