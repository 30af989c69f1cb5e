// Whether bytes are UTF-8, as protobuf's string fields and every client expect.
#ifndef LAPSE_BASE_UTF8_H_
#define LAPSE_BASE_UTF8_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace lapse {

// Well-formed UTF-8 as Unicode has it: no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(absl::string_view text);

// `text` cut to at most `max_bytes` without cutting a character in two.
absl::string_view CutUtf8(absl::string_view text, size_t max_bytes);

}  // namespace lapse

#endif  // LAPSE_BASE_UTF8_H_
