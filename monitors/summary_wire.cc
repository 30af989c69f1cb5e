#include "monitors/summary_wire.h"

#include <cstring>

namespace lapse::monitors {
namespace {

constexpr uint8_t kVarint = 0;
constexpr uint8_t kFixed64 = 1;
constexpr uint8_t kBytes = 2;

constexpr uint8_t Tag(int field, uint8_t wire_type) {
  return static_cast<uint8_t>(field << 3 | wire_type);
}

constexpr uint8_t kSequence = Tag(1, kVarint);
constexpr uint8_t kId = Tag(2, kBytes);
constexpr uint8_t kSource = Tag(3, kBytes);
constexpr uint8_t kType = Tag(4, kBytes);
constexpr uint8_t kOccurTime = Tag(5, kBytes);
constexpr uint8_t kIngestTime = Tag(6, kBytes);
constexpr uint8_t kAttribute = Tag(7, kBytes);
constexpr uint8_t kOmitted = Tag(8, kVarint);
constexpr uint8_t kSeconds = Tag(1, kVarint);
constexpr uint8_t kNanos = Tag(2, kVarint);
constexpr uint8_t kName = Tag(1, kBytes);
constexpr uint8_t kValue = Tag(2, kBytes);
constexpr uint8_t kStringValue = Tag(1, kBytes);
constexpr uint8_t kBoolValue = Tag(2, kVarint);
constexpr uint8_t kIntValue = Tag(3, kVarint);
constexpr uint8_t kDoubleValue = Tag(4, kFixed64);

// Takes fields off the front of a message, each only where it comes next.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : bytes_(bytes) {}

  bool at_end() const { return bytes_.empty(); }

  bool TakeTag(uint8_t tag) {
    if (bytes_.empty() || static_cast<uint8_t>(bytes_.front()) != tag) return false;
    bytes_.remove_prefix(1);
    return true;
  }
  bool Varint(uint8_t tag, uint64_t* value) { return TakeTag(tag) && TakeVarint(value); }
  bool Bytes(uint8_t tag, std::string_view* value) {
    uint64_t size = 0;
    if (!Varint(tag, &size) || size > bytes_.size()) return false;
    *value = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return true;
  }
  bool Fixed64(uint8_t tag, uint64_t* value) {
    if (!TakeTag(tag) || bytes_.size() < sizeof(*value)) return false;
    std::memcpy(value, bytes_.data(), sizeof(*value));
    bytes_.remove_prefix(sizeof(*value));
    return true;
  }
  bool Next(uint8_t tag) const {
    return !bytes_.empty() && static_cast<uint8_t>(bytes_.front()) == tag;
  }

 private:
  // Only in the shortest form.
  bool TakeVarint(uint64_t* value) {
    *value = 0;
    for (size_t i = 0; i < bytes_.size() && i < 10; ++i) {
      const uint8_t byte = static_cast<uint8_t>(bytes_[i]);
      *value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
      if (byte >= 0x80) continue;
      if ((byte == 0 && i > 0) || (i == 9 && byte > 1)) return false;
      bytes_.remove_prefix(i + 1);
      return true;
    }
    return false;
  }

  std::string_view bytes_;
};

// Zero is not written; so it is not read either.
bool ReadNumber(uint8_t tag, Fields& fields, int64_t* number) {
  if (!fields.Next(tag)) return true;
  uint64_t value = 0;
  if (!fields.Varint(tag, &value) || value == 0) return false;
  *number = static_cast<int64_t>(value);
  return true;
}

bool ReadText(uint8_t tag, Fields& fields, std::string_view* text) {
  return !fields.Next(tag) || (fields.Bytes(tag, text) && !text->empty());
}

bool ReadTimestamp(uint8_t tag, Fields& fields, WireTimestamp* time) {
  std::string_view bytes;
  if (!fields.Bytes(tag, &bytes)) return false;
  Fields parts(bytes);
  return ReadNumber(kSeconds, parts, &time->seconds) && ReadNumber(kNanos, parts, &time->nanos) &&
         parts.at_end();
}

bool ReadValue(Fields& value, WireAttribute* attribute) {
  if (value.Next(kStringValue)) {
    attribute->kind = WireKind::kString;
    return value.Bytes(kStringValue, &attribute->text);
  }
  if (value.Next(kBoolValue)) {
    attribute->kind = WireKind::kBool;
    return value.Varint(kBoolValue, &attribute->number) && attribute->number <= 1;
  }
  if (value.Next(kIntValue)) {
    attribute->kind = WireKind::kInt;
    return value.Varint(kIntValue, &attribute->number);
  }
  attribute->kind = WireKind::kDouble;
  return value.Fixed64(kDoubleValue, &attribute->number);
}

bool ReadAttribute(std::string_view bytes, WireAttribute* attribute) {
  Fields entry(bytes);
  std::string_view value_bytes;
  if (!entry.Bytes(kName, &attribute->name) || !entry.Bytes(kValue, &value_bytes)) return false;
  Fields value(value_bytes);
  return ReadValue(value, attribute) && value.at_end() && entry.at_end();
}

size_t VarintSize(uint64_t value) {
  size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

size_t BytesSize(size_t size) { return 1 + VarintSize(size) + size; }

void AppendVarint(uint64_t value, std::string* bytes) {
  for (; value >= 0x80; value >>= 7) *bytes += static_cast<char>(value | 0x80);
  *bytes += static_cast<char>(value);
}

void AppendNumber(uint8_t tag, uint64_t value, std::string* bytes) {
  *bytes += static_cast<char>(tag);
  AppendVarint(value, bytes);
}

void AppendBytes(uint8_t tag, std::string_view value, std::string* bytes) {
  AppendNumber(tag, value.size(), bytes);
  *bytes += value;
}

void AppendTimestamp(uint8_t tag, const WireTimestamp& time, std::string* bytes) {
  size_t size = 0;
  if (time.seconds != 0) size += 1 + VarintSize(static_cast<uint64_t>(time.seconds));
  if (time.nanos != 0) size += 1 + VarintSize(static_cast<uint64_t>(time.nanos));
  AppendNumber(tag, size, bytes);
  if (time.seconds != 0) AppendNumber(kSeconds, static_cast<uint64_t>(time.seconds), bytes);
  if (time.nanos != 0) AppendNumber(kNanos, static_cast<uint64_t>(time.nanos), bytes);
}

size_t ValueSize(const WireAttribute& attribute) {
  switch (attribute.kind) {
    case WireKind::kString:
      return BytesSize(attribute.text.size());
    case WireKind::kBool:
    case WireKind::kInt:
      return 1 + VarintSize(attribute.number);
    case WireKind::kDouble:
      break;
  }
  return 1 + sizeof(uint64_t);
}

void AppendValue(const WireAttribute& attribute, std::string* bytes) {
  switch (attribute.kind) {
    case WireKind::kString:
      return AppendBytes(kStringValue, attribute.text, bytes);
    case WireKind::kBool:
      return AppendNumber(kBoolValue, attribute.number, bytes);
    case WireKind::kInt:
      return AppendNumber(kIntValue, attribute.number, bytes);
    case WireKind::kDouble:
      break;
  }
  *bytes += static_cast<char>(kDoubleValue);
  bytes->append(reinterpret_cast<const char*>(&attribute.number), sizeof(attribute.number));
}

void AppendAttribute(const WireAttribute& attribute, std::string* bytes) {
  const size_t value_size = ValueSize(attribute);
  AppendNumber(kAttribute, BytesSize(attribute.name.size()) + BytesSize(value_size), bytes);
  AppendBytes(kName, attribute.name, bytes);
  AppendNumber(kValue, value_size, bytes);
  AppendValue(attribute, bytes);
}

}  // namespace

bool ReadSummary(std::string_view bytes, WireSummary* summary) {
  Fields fields(bytes);
  uint64_t sequence = 0;
  // The sequence is written also where it is zero.
  if (!fields.Varint(kSequence, &sequence)) return false;
  summary->sequence = static_cast<int64_t>(sequence);
  if (!ReadText(kId, fields, &summary->id) || !ReadText(kSource, fields, &summary->source) ||
      !ReadText(kType, fields, &summary->type)) {
    return false;
  }
  if (fields.Next(kOccurTime) &&
      !ReadTimestamp(kOccurTime, fields, &summary->occur_time.emplace())) {
    return false;
  }
  if (!ReadTimestamp(kIngestTime, fields, &summary->ingest_time)) return false;
  while (fields.Next(kAttribute)) {
    std::string_view entry;
    if (!fields.Bytes(kAttribute, &entry)) return false;
    if (!ReadAttribute(entry, &summary->attributes.emplace_back())) return false;
  }
  int64_t omitted = 0;
  if (!ReadNumber(kOmitted, fields, &omitted) || !fields.at_end()) return false;
  summary->omitted = static_cast<uint64_t>(omitted);
  return true;
}

void WriteSummary(const WireSummary& summary, std::string* bytes) {
  AppendNumber(kSequence, static_cast<uint64_t>(summary.sequence), bytes);
  if (!summary.id.empty()) AppendBytes(kId, summary.id, bytes);
  if (!summary.source.empty()) AppendBytes(kSource, summary.source, bytes);
  if (!summary.type.empty()) AppendBytes(kType, summary.type, bytes);
  if (summary.occur_time.has_value()) AppendTimestamp(kOccurTime, *summary.occur_time, bytes);
  AppendTimestamp(kIngestTime, summary.ingest_time, bytes);
  for (const WireAttribute& attribute : summary.attributes) AppendAttribute(attribute, bytes);
  if (summary.omitted != 0) AppendNumber(kOmitted, summary.omitted, bytes);
}

}  // namespace lapse::monitors
