#include "monitors/packed_text.h"

#include <charconv>
#include <optional>

#include "base/hex.h"

namespace lapse::monitors {
namespace {

// The first byte. Below kRawShort: so many bytes follow as they are. From kKnown on: the
// dictionary's text of number first - kKnown. Written to checkpoints: values never change.
constexpr uint8_t kRawShort = 0x40;
constexpr uint8_t kRawLong = 0x40;
constexpr uint8_t kUuid = 0x41;
constexpr uint8_t kHex = 0x42;
constexpr uint8_t kKnownLong = 0x43;
// A prefix of so many bytes, the number of digits, their value.
constexpr uint8_t kPrefixedDigits = 0x44;
constexpr uint8_t kKey = 0x45;
// kDigits + n: n digits.
constexpr uint8_t kDigits = 0x50;
constexpr uint8_t kKnown = 0x80;

constexpr size_t kMaxDigits = 18;
constexpr size_t kMinHex = 8;
constexpr size_t kMaxPrefix = 16;

void AppendHex(std::string_view bytes, std::string* text) {
  const size_t begin = text->size();
  text->resize(begin + 2 * bytes.size());
  char* out = text->data() + begin;
  for (const char byte : bytes) out = WriteHexByte(static_cast<uint8_t>(byte), out);
}

bool PackUuid(std::string_view text, ByteWriter& out) {
  uint8_t bytes[kUuidBytes];
  if (!ParseUuid({text.data(), text.size()}, bytes)) return false;
  out.Byte(kUuid);
  out.Bytes({reinterpret_cast<const char*>(bytes), sizeof(bytes)});
  return true;
}

bool PackHex(std::string_view text, ByteWriter& out) {
  if (text.size() < kMinHex || text.size() % 2 != 0 || text.size() > 128) return false;
  if (HexByte(text.data()) < 0) return false;
  char bytes[64];
  int seen = 0;
  for (size_t i = 0; i < text.size() / 2; ++i) {
    const int value = HexByte(text.data() + 2 * i);
    seen |= value;
    bytes[i] = static_cast<char>(value);
  }
  if (seen < 0) return false;
  out.Byte(kHex);
  out.Sized({bytes, text.size() / 2});
  return true;
}

// At the end of `text`, at most kMaxDigits.
size_t CountDigits(std::string_view text) {
  size_t count = 0;
  while (count < text.size() && count < kMaxDigits) {
    const char c = text[text.size() - 1 - count];
    if (c < '0' || c > '9') break;
    ++count;
  }
  return count;
}

uint64_t ValueOf(std::string_view digits) {
  uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

bool PackDigits(std::string_view text, ByteWriter& out) {
  if (text.size() < 3 || CountDigits(text) != text.size()) return false;
  out.Byte(static_cast<uint8_t>(kDigits + text.size()));
  out.Varint(ValueOf(text));
  return true;
}

bool PackPrefixedDigits(std::string_view text, ByteWriter& out) {
  const size_t digits = CountDigits(text);
  const size_t prefix = text.size() - digits;
  // Fewer digits save nothing.
  if (digits < 5 || prefix > kMaxPrefix) return false;
  out.Byte(kPrefixedDigits);
  out.Sized(text.substr(0, prefix));
  out.Byte(static_cast<uint8_t>(digits));
  out.Varint(ValueOf(text.substr(prefix)));
  return true;
}

bool AppendDigits(size_t count, uint64_t value, std::string* text) {
  if (count == 0 || count > kMaxDigits) return false;
  char digits[kMaxDigits];
  for (size_t i = count; i > 0; --i, value /= 10)
    digits[i - 1] = static_cast<char>('0' + value % 10);
  text->append(digits, count);
  return value == 0;
}

void PackRaw(std::string_view text, ByteWriter& out) {
  if (text.size() < kRawShort) {
    out.Byte(static_cast<uint8_t>(text.size()));
    out.Bytes(text);
  } else {
    out.Byte(kRawLong);
    out.Sized(text);
  }
}

void PackKnown(uint32_t number, ByteWriter& out) {
  if (number < 256u - kKnown) {
    out.Byte(static_cast<uint8_t>(kKnown + number));
  } else {
    out.Byte(kKnownLong);
    out.Varint(number);
  }
}

bool AppendKnown(uint64_t number, const TextDictionary* dictionary, std::string* text) {
  if (dictionary == nullptr || !dictionary->Has(number)) return false;
  *text += dictionary->TextOf(number);
  return true;
}

}  // namespace

void PackText(std::string_view text, ByteWriter& out) {
  if (PackUuid(text, out) || PackDigits(text, out) || PackHex(text, out)) return;
  if (!PackPrefixedDigits(text, out)) PackRaw(text, out);
}

void PackText(std::string_view text, std::string_view key, TextDictionary& dictionary,
              ByteWriter& out) {
  if (text == key) return out.Byte(kKey);
  if (PackUuid(text, out)) return;
  if (!text.empty() && text.size() <= 32) {
    const std::optional<uint32_t> number = dictionary.NumberOf(text);
    if (number.has_value()) return PackKnown(*number, out);
  }
  PackText(text, out);
}

bool UnpackText(ByteReader& in, std::string_view key, const TextDictionary* dictionary,
                std::string* text) {
  const uint8_t first = in.Byte();
  if (in.bad()) return false;
  if (first < kRawShort) {
    *text += in.Bytes(first);
  } else if (first >= kKnown) {
    if (!AppendKnown(first - kKnown, dictionary, text)) return false;
  } else if (first > kDigits) {
    if (!AppendDigits(first - kDigits, in.Varint(), text)) return false;
  } else if (first == kUuid) {
    const std::string_view bytes = in.Bytes(kUuidBytes);
    if (!in.bad()) AppendUuid(reinterpret_cast<const uint8_t*>(bytes.data()), text);
  } else if (first == kRawLong) {
    *text += in.Sized();
  } else if (first == kHex) {
    AppendHex(in.Sized(), text);
  } else if (first == kKnownLong) {
    if (!AppendKnown(in.Varint(), dictionary, text)) return false;
  } else if (first == kPrefixedDigits) {
    *text += in.Sized();
    const size_t digits = in.Byte();
    if (!AppendDigits(digits, in.Varint(), text)) return false;
  } else if (first == kKey) {
    *text += key;
  } else {
    return false;
  }
  return !in.bad();
}

bool SkipText(ByteReader& in) {
  const uint8_t first = in.Byte();
  if (first < kRawShort) {
    in.Bytes(first);
  } else if (first >= kKnown || first == kKey) {
    return !in.bad();
  } else if (first > kDigits || first == kKnownLong) {
    in.Varint();
  } else if (first == kUuid) {
    in.Bytes(kUuidBytes);
  } else if (first == kPrefixedDigits) {
    in.Sized();
    in.Byte();
    in.Varint();
  } else {
    in.Sized();
  }
  return !in.bad();
}

}  // namespace lapse::monitors
