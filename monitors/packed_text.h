// Short texts in few bytes: a lower-case UUID in 17, digits with or without a prefix in half, what
// a dictionary knows in one. Most others take one byte more than they have.
#ifndef LAPSE_MONITORS_PACKED_TEXT_H_
#define LAPSE_MONITORS_PACKED_TEXT_H_

#include <string>
#include <string_view>

#include "monitors/byte_coding.h"
#include "monitors/text_dictionary.h"

namespace lapse::monitors {

// The same text always packs to the same bytes, whatever was packed before: they may be compared.
void PackText(std::string_view text, ByteWriter& out);

// May use `dictionary`, and add to it. Where `text` is `key`, only that is written.
void PackText(std::string_view text, std::string_view key, TextDictionary& dictionary,
              ByteWriter& out);

// Appends the text of either. False, with `text` in any state, where the bytes are none; a null
// `dictionary` is an empty one.
bool UnpackText(ByteReader& in, std::string_view key, const TextDictionary* dictionary,
                std::string* text);

// Goes past one; false as above.
bool SkipText(ByteReader& in);

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_PACKED_TEXT_H_
