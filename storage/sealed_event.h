// An event's wire bytes taken apart into fields, and put together again.
#ifndef LAPSE_STORAGE_SEALED_EVENT_H_
#define LAPSE_STORAGE_SEALED_EVENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace lapse::storage {

// In the order of lapse.v1.Value's fields.
enum class SealedKind : uint8_t { kString = 1, kBool = 2, kInt = 3, kDouble = 4 };

struct SealedAttribute {
  absl::string_view name;
  SealedKind kind = SealedKind::kString;
  // kString; the others in `bits`: a bool as 0 or 1, a double by its bits.
  absl::string_view text;
  int64_t bits = 0;
};

// Points into the wire bytes.
struct SealedFields {
  absl::string_view id;
  absl::string_view source;
  absl::string_view type;
  bool has_occur_time = false;
  int64_t occur_time_us = 0;
  // In the order of the bytes. Of those with one name, the last counts.
  std::vector<SealedAttribute> attributes;
};

// False where `wire` holds anything that the fields do not tell: a field that is not known, one
// that comes twice, an attribute without a value, a time finer than a microsecond. Such an event is
// to be kept as it is. Replaces what `fields` held.
bool TakeApart(absl::string_view wire, SealedFields* fields);

// Appends the wire bytes of a lapse.v1.Event, equal in every field to the one taken apart.
void PutTogether(const SealedFields& fields, std::string* wire);

// An attribute as a key has it: see KeyText of event_view.h. False for a double.
bool KeyTextOf(const SealedAttribute& attribute, std::string* text);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SEALED_EVENT_H_
