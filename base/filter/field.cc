#include "base/filter/field.h"

#include <algorithm>

namespace lapse {

const FieldSpec* FieldSchema::Find(absl::string_view name) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [name](const FieldSpec& field) { return field.name == name; });
  return found == fields_.end() ? nullptr : &*found;
}

}  // namespace lapse
