// What a filter can ask about: the fields of one kind of resource, and how their values are read.
#ifndef LAPSE_BASE_FILTER_FIELD_H_
#define LAPSE_BASE_FILTER_FIELD_H_

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"

namespace lapse {

enum class FieldType {
  kString,
  kBool,
  // int64; a literal may have a fraction.
  kNumber,
  // An enum: its number as int64; literals are names.
  kEnum,
  // Microseconds since 1970 as int64; literals are RFC 3339.
  kTime,
  // Microseconds as int64; literals are seconds such as `1.5s`.
  kDuration,
  // Any of string, bool, int64 and double: the literal decides with which it compares.
  kAny,
};

struct FieldSpec {
  // The owner's number for the field, handed to FieldResolver.
  int id = 0;
  std::string name;
  FieldType type = FieldType::kString;
  // A flat map: `name.KEY` reads the entry KEY, whose type is `type`.
  bool is_map = false;
  // For kEnum: every name that a literal may have.
  std::vector<std::pair<std::string, int>> enum_values;
};

// Immutable; thread-safe.
class FieldSchema {
 public:
  explicit FieldSchema(std::vector<FieldSpec> fields) : fields_(std::move(fields)) {}

  // Null where there is none.
  const FieldSpec* Find(absl::string_view name) const;
  const std::vector<FieldSpec>& fields() const { return fields_; }

 private:
  std::vector<FieldSpec> fields_;
};

// monostate: the field, or the map's entry, is not there. The string is owned by whom the resolver
// reads.
using FieldValue = std::variant<std::monostate, absl::string_view, bool, int64_t, double>;

// Reads the fields of one resource.
class FieldResolver {
 public:
  virtual ~FieldResolver() = default;

  // `key` is the entry of a map, else empty. Enums, times and durations are int64.
  virtual FieldValue Resolve(int field_id, const std::string& key) const = 0;
  // Whether the map has any entry.
  virtual bool HasEntries(int field_id) const = 0;
};

}  // namespace lapse

#endif  // LAPSE_BASE_FILTER_FIELD_H_
