// The wire format of lapse.v1.EventSummary, read and written field by field without an object.
#ifndef LAPSE_MONITORS_SUMMARY_WIRE_H_
#define LAPSE_MONITORS_SUMMARY_WIRE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"

namespace lapse::monitors {

struct WireTimestamp {
  int64_t seconds = 0;
  int64_t nanos = 0;

  bool operator==(const WireTimestamp&) const = default;
};

enum class WireKind : uint8_t { kString = 's', kBool = 'b', kInt = 'i', kDouble = 'd' };

struct WireAttribute {
  std::string_view name;
  WireKind kind = WireKind::kString;
  std::string_view text;
  // Of a bool or int; of a double, its bits.
  uint64_t number = 0;
};

// All texts point into the bytes that were read.
struct WireSummary {
  int64_t sequence = 0;
  std::string_view id;
  std::string_view source;
  std::string_view type;
  std::optional<WireTimestamp> occur_time;
  WireTimestamp ingest_time;
  absl::InlinedVector<WireAttribute, 8> attributes;
  uint64_t omitted = 0;
};

// False for bytes that WriteSummary would not write again the same.
bool ReadSummary(std::string_view bytes, WireSummary* summary);

// Appends the summary with the fields in the order of their numbers and the attributes in theirs.
void WriteSummary(const WireSummary& summary, std::string* bytes);

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_SUMMARY_WIRE_H_
