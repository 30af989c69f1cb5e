#include "storage/event_view.h"

#include <array>
#include <cmath>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/short_text.h"
#include "base/utf8.h"
// What is hashed is short: the call would cost as much as the hash.
#define XXH_INLINE_ALL
#include "xxhash.h"

namespace lapse::storage {
namespace {

using Kind = EventAttribute::Kind;

constexpr uint32_t kVarint = 0;
constexpr uint32_t kFixed64 = 1;
constexpr uint32_t kBytes = 2;
constexpr uint32_t kFixed32 = 5;

constexpr uint8_t Tag(int field, uint32_t wire_type) {
  return static_cast<uint8_t>(static_cast<uint32_t>(field) << 3 | wire_type);
}

using lapse::v1::Event;
using lapse::v1::Value;
constexpr uint8_t kIdTag = Tag(Event::kIdFieldNumber, kBytes);
constexpr uint8_t kSourceTag = Tag(Event::kSourceFieldNumber, kBytes);
constexpr uint8_t kTypeTag = Tag(Event::kTypeFieldNumber, kBytes);
constexpr uint8_t kOccurTimeTag = Tag(Event::kOccurTimeFieldNumber, kBytes);
constexpr uint8_t kAttributeTag = Tag(Event::kAttributesFieldNumber, kBytes);
constexpr uint8_t kSecondsTag = Tag(1, kVarint);
constexpr uint8_t kNanosTag = Tag(2, kVarint);
constexpr uint8_t kMapKeyTag = Tag(1, kBytes);
constexpr uint8_t kMapValueTag = Tag(2, kBytes);
constexpr uint8_t kStringTag = Tag(Value::kStringValueFieldNumber, kBytes);
constexpr uint8_t kBoolTag = Tag(Value::kBoolValueFieldNumber, kVarint);
constexpr uint8_t kInt64Tag = Tag(Value::kInt64ValueFieldNumber, kVarint);
constexpr uint8_t kDoubleTag = Tag(Value::kDoubleValueFieldNumber, kFixed64);
// The greatest field number that Event has.
constexpr uint32_t kLastField = Event::kSequenceFieldNumber;
constexpr uint64_t kMaxNanos = 999'999'999;
// 9999-12-31T23:59:59Z, the last second of google.protobuf.Timestamp.
constexpr uint64_t kMaxTimestampSeconds = 253'402'300'799;

bool IsText(absl::string_view text) { return IsAscii(text) || IsUtf8(text); }

bool ReadValue(absl::string_view bytes, EventAttribute* attribute) {
  WireReader in(bytes);
  uint64_t number = 0;
  if (in.TakeTag(kStringTag)) {
    attribute->kind = Kind::kString;
    if (!in.TakeBytes(&attribute->text)) return false;
  } else if (in.TakeTag(kInt64Tag)) {
    attribute->kind = Kind::kInt64;
    if (!in.TakeVarint(&number)) return false;
  } else if (in.TakeTag(kDoubleTag)) {
    attribute->kind = Kind::kDouble;
    if (!in.TakeFixed64(&number)) return false;
    std::memcpy(&attribute->real, &number, sizeof(number));
  } else if (in.TakeTag(kBoolTag)) {
    attribute->kind = Kind::kBool;
    if (!in.TakeVarint(&number) || number > 1) return false;
  } else {
    return false;
  }
  attribute->number = static_cast<int64_t>(number);
  return in.done();
}

// ReadAttribute of the sizes that nearly all have; false for any other.
bool ReadShortAttribute(absl::string_view entry, EventAttribute* attribute) {
  absl::string_view value;
  if (!ReadShortEntry(entry, &attribute->name, &value)) return false;
  if (!ReadShortField(kStringTag, value, &attribute->text)) return ReadValue(value, attribute);
  attribute->kind = Kind::kString;
  attribute->number = 0;
  return true;
}

bool ReadAttribute(absl::string_view entry, EventAttribute* attribute) {
  if (ReadShortAttribute(entry, attribute)) return true;
  WireReader in(entry);
  absl::string_view value;
  return in.TakeTag(kMapKeyTag) && in.TakeBytes(&attribute->name) && in.TakeTag(kMapValueTag) &&
         in.TakeBytes(&value) && in.done() && ReadValue(value, attribute);
}

bool IsWithinLimits(const EventAttribute& attribute) {
  if (attribute.name.empty() || attribute.name.size() > limits::kMaxAttributeNameBytes ||
      !IsText(attribute.name)) {
    return false;
  }
  if (attribute.kind == Kind::kDouble) return std::isfinite(attribute.real);
  if (attribute.kind != Kind::kString) return true;
  return attribute.text.size() <= limits::kMaxAttributeValueBytes && IsText(attribute.text);
}

uint64_t Mixed(uint64_t a, uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// A hash of text and `number`; of `prefix`, see PrefixOf, and the end.
uint64_t HashOf(absl::string_view text, uint64_t prefix, uint64_t number) {
  if (text.size() > 16) return XXH3_64bits_withSeed(text.data(), text.size(), number);
  const uint64_t end = text.size() > 8 ? FirstBytes(text.substr(text.size() - 8)) : 0;
  // Spread over all bits, so that neither meets a byte of the text.
  const uint64_t kind = (number + 1) * 0x9fb21c651e98df25 ^ text.size() * 0xd6e8feb86659fd93;
  return Mixed(Mixed(prefix ^ 0x9e3779b97f4a7c15, 0xa0761d6478bd642f) ^ end,
               kind ^ 0xc2b2ae3d27d4eb4f);
}

// The names of an event's attributes: none may come twice.
class Names {
 public:
  // False where it is there already.
  bool Add(absl::string_view name, uint64_t prefix) {
    for (int i = 0; i < count_; ++i) {
      if (names_[i].prefix == prefix && absl::string_view(names_[i].data, names_[i].size) == name)
        return false;
    }
    names_[count_++] = {prefix, name.data(), name.size()};
    return true;
  }

 private:
  // Without initial values: clearing all of them would take longer than the few that are used.
  struct Name {
    uint64_t prefix;
    const char* data;
    size_t size;
  };

  int count_ = 0;
  std::array<Name, limits::kMaxAttributes> names_;
};

bool SkipUnknownField(WireReader& in) {
  uint32_t tag = 0;
  uint64_t number = 0;
  absl::string_view bytes;
  if (!in.TakeSize(&tag) || tag >> 3 <= kLastField) return false;
  switch (tag & 7) {
    case kVarint:
      return in.TakeVarint(&number);
    case kFixed64:
      return in.Skip(8);
    case kBytes:
      return in.TakeBytes(&bytes);
    case kFixed32:
      return in.Skip(4);
    default:
      return false;
  }
}

}  // namespace

bool EventView::ScanText(uint8_t tag, size_t max_bytes, WireReader& in, uint16_t* begin,
                         uint16_t* size) {
  if (!in.TakeTag(tag)) return true;
  absl::string_view text;
  if (!in.TakeBytes(&text) || text.empty() || text.size() > max_bytes || !IsText(text)) {
    return false;
  }
  *begin = static_cast<uint16_t>(text.data() - data_);
  *size = static_cast<uint16_t>(text.size());
  return true;
}

bool EventView::ScanTime(WireReader& in) {
  if (!in.TakeTag(kOccurTimeTag)) return true;
  absl::string_view bytes;
  if (!in.TakeBytes(&bytes)) return false;
  has_occur_time_ = true;
  WireReader time(bytes);
  uint64_t seconds = 0;
  uint64_t nanos = 0;
  if (time.TakeTag(kSecondsTag) && !time.TakeVarint(&seconds)) return false;
  if (time.TakeTag(kNanosTag) && !time.TakeVarint(&nanos)) return false;
  // Far below what overflows in microseconds.
  if (!time.done() || seconds > kMaxTimestampSeconds || nanos > kMaxNanos) return false;
  occur_seconds_ = static_cast<int64_t>(seconds);
  occur_nanos_ = static_cast<int32_t>(nanos);
  return true;
}

bool EventView::ScanAttributes(WireReader& in) {
  attributes_begin_ = static_cast<uint16_t>(in.position() - data_);
  Names names;
  while (in.TakeTag(kAttributeTag)) {
    absl::string_view entry;
    EventAttribute attribute;
    if (attribute_count_ == limits::kMaxAttributes || !in.TakeBytes(&entry) ||
        !ReadAttribute(entry, &attribute) || !IsWithinLimits(attribute)) {
      return false;
    }
    const uint64_t prefix = PrefixOf(attribute.name);
    if (!names.Add(attribute.name, prefix)) return false;
    ++attribute_count_;
    shape_ += HashOf(attribute.name, prefix, static_cast<uint64_t>(attribute.kind));
  }
  attributes_size_ = static_cast<uint32_t>(in.position() - data_) - attributes_begin_;
  return true;
}

bool EventView::Scan(absl::string_view bytes, EventView* view) {
  *view = EventView();
  if (bytes.empty() || bytes.size() > limits::kMaxQueuedBytes) return false;
  view->data_ = bytes.data();
  view->size_ = static_cast<uint32_t>(bytes.size());
  WireReader in(bytes);
  const bool plain =
      view->ScanText(kIdTag, limits::kMaxEventIdBytes, in, &view->id_begin_, &view->id_size_) &&
      view->ScanText(kSourceTag, limits::kMaxSourceBytes, in, &view->source_begin_,
                     &view->source_size_) &&
      view->ScanText(kTypeTag, limits::kMaxEventTypeBytes, in, &view->type_begin_,
                     &view->type_size_) &&
      view->ScanTime(in) && view->ScanAttributes(in);
  if (!plain) return false;
  view->shape_ += HashOf(view->type(), PrefixOf(view->type()), 0);
  while (!in.done()) {
    if (!SkipUnknownField(in)) return false;
  }
  return true;
}

std::optional<EventAttribute> EventView::FindAttribute(absl::string_view name) const {
  AttributeReader reader(*this);
  absl::string_view present;
  while (reader.NextName(&present)) {
    if (present != name) continue;
    EventAttribute attribute = reader.Value();
    attribute.name = present;
    return attribute;
  }
  return std::nullopt;
}

Event EventView::ToEvent() const {
  Event event;
  // Cannot fail: see Scan.
  event.ParseFromArray(data_, static_cast<int>(size_));
  return event;
}

bool AttributeReader::Next(EventAttribute* attribute) {
  absl::string_view entry;
  return in_.TakeTag(kAttributeTag) && in_.TakeBytes(&entry) && ReadAttribute(entry, attribute);
}

EventAttribute AttributeReader::Value() {
  EventAttribute attribute;
  absl::string_view value;
  // Cannot fail: see EventView::Scan.
  rest_of_entry_.TakeTag(kMapValueTag);
  rest_of_entry_.TakeBytes(&value);
  ReadValue(value, &attribute);
  return attribute;
}

bool KeyText(const EventAttribute& attribute, std::string* text) {
  switch (attribute.kind) {
    case Kind::kString:
      text->assign(attribute.text.data(), attribute.text.size());
      return true;
    case Kind::kInt64:
      *text = absl::StrCat(attribute.number);
      return true;
    case Kind::kBool:
      *text = attribute.number != 0 ? "true" : "false";
      return true;
    case Kind::kDouble:
      return false;
  }
  return false;
}

}  // namespace lapse::storage
