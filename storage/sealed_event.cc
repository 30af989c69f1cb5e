#include "storage/sealed_event.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/wire_reader.h"

namespace lapse::storage {
namespace {

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2 };

// Fields of lapse.v1.Event, of its map entries, of Value and of Timestamp.
constexpr uint32_t kIdField = 1;
constexpr uint32_t kSourceField = 2;
constexpr uint32_t kTypeField = 3;
constexpr uint32_t kOccurTimeField = 4;
constexpr uint32_t kAttributesField = 5;
constexpr uint32_t kNameField = 1;
constexpr uint32_t kValueField = 2;
constexpr uint32_t kSecondsField = 1;
constexpr uint32_t kNanosField = 2;

constexpr int64_t kMicros = 1'000'000;
constexpr int64_t kNanos = 1'000'000'000;
// So that the microseconds fit into 64 bits with room to spare.
constexpr int64_t kMaxSeconds = int64_t{1} << 40;

// What is left of some wire bytes.
class Scanner {
 public:
  explicit Scanner(absl::string_view bytes)
      : next_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool done() const { return next_ == end_; }

  bool Varint(uint64_t* value) {
    *value = 0;
    for (int shift = 0; shift < 64 && next_ != end_; shift += 7) {
      const auto byte = static_cast<uint8_t>(*next_++);
      *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return shift < 63 || byte <= 1;
    }
    return false;
  }

  bool Bytes(absl::string_view* bytes) {
    uint64_t size = 0;
    if (!Varint(&size) || size > static_cast<uint64_t>(end_ - next_)) return false;
    *bytes = absl::string_view(next_, size);
    next_ += size;
    return true;
  }

  bool Fixed64(int64_t* bits) {
    if (end_ - next_ < 8) return false;
    std::memcpy(bits, next_, 8);
    next_ += 8;
    return true;
  }

 private:
  const char* next_;
  const char* end_;
};

constexpr uint64_t Tag(uint32_t field, WireType type) { return field << 3 | type; }

bool ScanTime(absl::string_view bytes, int64_t* time_us) {
  Scanner scanner(bytes);
  uint64_t seconds = 0;
  uint64_t nanos = 0;
  for (uint64_t tag = 0, last = 0; !scanner.done(); last = tag) {
    if (!scanner.Varint(&tag) || tag <= last) return false;
    const bool known = tag == Tag(kSecondsField, kVarint)
                           ? scanner.Varint(&seconds)
                           : tag == Tag(kNanosField, kVarint) && scanner.Varint(&nanos);
    if (!known) return false;
  }
  const auto whole = static_cast<int64_t>(seconds);
  if (whole < -kMaxSeconds || whole > kMaxSeconds) return false;
  if (nanos >= static_cast<uint64_t>(kNanos) || nanos % 1'000 != 0) return false;
  *time_us = whole * kMicros + static_cast<int64_t>(nanos / 1'000);
  return true;
}

bool ScanValue(absl::string_view bytes, SealedAttribute* attribute) {
  if (ReadShortField(static_cast<uint8_t>(Tag(1, kBytes)), bytes, &attribute->text)) {
    attribute->kind = SealedKind::kString;
    return true;
  }
  Scanner scanner(bytes);
  uint64_t tag = 0;
  uint64_t number = 0;
  if (!scanner.Varint(&tag)) return false;
  const uint64_t kind = tag >> 3;
  if (kind < 1 || kind > 4) return false;
  attribute->kind = static_cast<SealedKind>(kind);
  switch (attribute->kind) {
    case SealedKind::kString:
      return tag == Tag(kind, kBytes) && scanner.Bytes(&attribute->text) && scanner.done();
    case SealedKind::kBool:
    case SealedKind::kInt:
      if (tag != Tag(kind, kVarint) || !scanner.Varint(&number) || !scanner.done()) return false;
      attribute->bits = static_cast<int64_t>(number);
      return attribute->kind == SealedKind::kInt || number <= 1;
    case SealedKind::kDouble:
      return tag == Tag(kind, kFixed64) && scanner.Fixed64(&attribute->bits) && scanner.done();
  }
  return false;
}

bool ScanAttribute(absl::string_view bytes, SealedAttribute* attribute) {
  absl::string_view value;
  if (ReadShortEntry(bytes, &attribute->name, &value)) return ScanValue(value, attribute);
  Scanner scanner(bytes);
  bool has_value = false;
  for (uint64_t tag = 0, last = 0; !scanner.done(); last = tag) {
    if (!scanner.Varint(&tag) || tag <= last) return false;
    if (tag == Tag(kNameField, kBytes)) {
      if (!scanner.Bytes(&attribute->name)) return false;
    } else if (tag == Tag(kValueField, kBytes)) {
      has_value = scanner.Bytes(&value);
      if (!has_value) return false;
    } else {
      return false;
    }
  }
  return has_value && ScanValue(value, attribute);
}

// Wire bytes, written.

void PutVarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

size_t VarintSize(uint64_t value) {
  size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

void PutBytes(uint32_t field, absl::string_view bytes, std::string* out) {
  PutVarint(Tag(field, kBytes), out);
  PutVarint(bytes.size(), out);
  out->append(bytes.data(), bytes.size());
}

size_t BytesSize(size_t size) { return 1 + VarintSize(size) + size; }

void PutTime(int64_t time_us, std::string* out) {
  int64_t seconds = time_us / kMicros;
  int64_t micros = time_us % kMicros;
  if (micros < 0) {
    --seconds;
    micros += kMicros;
  }
  const int64_t nanos = micros * 1'000;
  const size_t size = (seconds != 0 ? 1 + VarintSize(static_cast<uint64_t>(seconds)) : 0) +
                      (nanos != 0 ? 1 + VarintSize(static_cast<uint64_t>(nanos)) : 0);
  PutVarint(Tag(kOccurTimeField, kBytes), out);
  PutVarint(size, out);
  if (seconds != 0) {
    PutVarint(Tag(kSecondsField, kVarint), out);
    PutVarint(static_cast<uint64_t>(seconds), out);
  }
  if (nanos != 0) {
    PutVarint(Tag(kNanosField, kVarint), out);
    PutVarint(static_cast<uint64_t>(nanos), out);
  }
}

size_t ValueSize(const SealedAttribute& attribute) {
  switch (attribute.kind) {
    case SealedKind::kString:
      return BytesSize(attribute.text.size());
    case SealedKind::kDouble:
      return 1 + sizeof(double);
    case SealedKind::kBool:
    case SealedKind::kInt:
      break;
  }
  return 1 + VarintSize(static_cast<uint64_t>(attribute.bits));
}

void PutValue(const SealedAttribute& attribute, std::string* out) {
  const auto field = static_cast<uint32_t>(attribute.kind);
  if (attribute.kind == SealedKind::kString) {
    PutBytes(field, attribute.text, out);
  } else if (attribute.kind == SealedKind::kDouble) {
    PutVarint(Tag(field, kFixed64), out);
    out->append(reinterpret_cast<const char*>(&attribute.bits), sizeof(attribute.bits));
  } else {
    PutVarint(Tag(field, kVarint), out);
    PutVarint(static_cast<uint64_t>(attribute.bits), out);
  }
}

void PutAttribute(const SealedAttribute& attribute, std::string* out) {
  const size_t value_size = ValueSize(attribute);
  PutVarint(Tag(kAttributesField, kBytes), out);
  PutVarint(BytesSize(attribute.name.size()) + BytesSize(value_size), out);
  PutBytes(kNameField, attribute.name, out);
  PutVarint(Tag(kValueField, kBytes), out);
  PutVarint(value_size, out);
  PutValue(attribute, out);
}

}  // namespace

bool TakeApart(absl::string_view wire, SealedFields* fields) {
  *fields = {.attributes = std::move(fields->attributes)};
  fields->attributes.clear();
  Scanner scanner(wire);
  uint32_t seen = 0;
  while (!scanner.done()) {
    uint64_t tag = 0;
    absl::string_view bytes;
    if (!scanner.Varint(&tag) || tag < Tag(kIdField, kBytes) ||
        tag > Tag(kAttributesField, kBytes) || (tag & 7) != kBytes || !scanner.Bytes(&bytes))
      return false;
    const auto field = static_cast<uint32_t>(tag >> 3);
    if (field == kAttributesField) {
      if (!ScanAttribute(bytes, &fields->attributes.emplace_back())) return false;
      continue;
    }
    if (seen & 1u << field) return false;
    seen |= 1u << field;
    if (field == kIdField) fields->id = bytes;
    if (field == kSourceField) fields->source = bytes;
    if (field == kTypeField) fields->type = bytes;
    if (field != kOccurTimeField) continue;
    fields->has_occur_time = true;
    if (!ScanTime(bytes, &fields->occur_time_us)) return false;
  }
  return true;
}

void PutTogether(const SealedFields& fields, std::string* wire) {
  if (!fields.id.empty()) PutBytes(kIdField, fields.id, wire);
  if (!fields.source.empty()) PutBytes(kSourceField, fields.source, wire);
  if (!fields.type.empty()) PutBytes(kTypeField, fields.type, wire);
  if (fields.has_occur_time) PutTime(fields.occur_time_us, wire);
  for (const SealedAttribute& attribute : fields.attributes) PutAttribute(attribute, wire);
}

bool KeyTextOf(const SealedAttribute& attribute, std::string* text) {
  switch (attribute.kind) {
    case SealedKind::kString:
      text->assign(attribute.text.data(), attribute.text.size());
      return true;
    case SealedKind::kInt:
      *text = absl::StrCat(attribute.bits);
      return true;
    case SealedKind::kBool:
      *text = attribute.bits != 0 ? "true" : "false";
      return true;
    case SealedKind::kDouble:
      return false;
  }
  return false;
}

}  // namespace lapse::storage
