// An event read in place from its wire bytes, without an object made of it.
#ifndef LAPSE_STORAGE_EVENT_VIEW_H_
#define LAPSE_STORAGE_EVENT_VIEW_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "lapse/v1/event.pb.h"
#include "storage/wire_reader.h"

namespace lapse::storage {

// One of an event's attributes. Texts point into the event's bytes.
struct EventAttribute {
  // As lapse.v1.Value numbers them.
  enum class Kind : uint8_t { kString = 1, kBool = 2, kInt64 = 3, kDouble = 4 };

  absl::string_view name;
  Kind kind = Kind::kString;
  absl::string_view text;
  // An int64; a bool as 0 or 1.
  int64_t number = 0;
  double real = 0;
};

// The serialized form of a lapse.v1.Event in the shape that every known client gives it: the fields
// in the order of their numbers, each at most once; no field is set that only the server sets; an
// attribute has a name, which no other of the event has, and one value. Names and values are within
// base/limits.h and UTF-8, doubles finite. Fields of numbers that Event does not know may follow.
//
// Scan says no to anything else; that is for protobuf to read (see EventBatch::Add). Whatever it
// says yes to, protobuf parses to the same event.
//
// Points to bytes that the owner of the view keeps. Immutable once scanned; thread-safe.
class EventView {
 public:
  EventView() = default;

  // Reads `bytes`, one serialized Event. False where they have another shape; `view` is then of no
  // use.
  static bool Scan(absl::string_view bytes, EventView* view);

  absl::string_view id() const { return {data_ + id_begin_, id_size_}; }
  absl::string_view source() const { return {data_ + source_begin_, source_size_}; }
  absl::string_view type() const { return {data_ + type_begin_, type_size_}; }
  bool has_occur_time() const { return has_occur_time_; }
  // google.protobuf.Timestamp as it was sent; 0 where there is none.
  int64_t occur_seconds() const { return occur_seconds_; }
  int32_t occur_nanos() const { return occur_nanos_; }
  // Cut to the microsecond, as ToMicros does.
  int64_t occur_time_us() const { return occur_seconds_ * 1'000'000 + occur_nanos_ / 1'000; }

  int attribute_count() const { return attribute_count_; }
  std::optional<EventAttribute> FindAttribute(absl::string_view name) const;

  // Of the type, and the attributes' names and kinds in any order: events of one shape have the
  // same. Not for disk.
  uint64_t shape() const { return shape_; }

  absl::string_view bytes() const { return {data_, size_}; }

  lapse::v1::Event ToEvent() const;

 private:
  friend class AttributeReader;

  bool ScanText(uint8_t tag, size_t max_bytes, WireReader& in, uint16_t* begin, uint16_t* size);
  bool ScanTime(WireReader& in);
  bool ScanAttributes(WireReader& in);

  const char* data_ = "";
  uint64_t shape_ = 0;
  int64_t occur_seconds_ = 0;
  int32_t occur_nanos_ = 0;
  uint32_t size_ = 0;
  // Of all attributes, from the first one's tag.
  uint32_t attributes_size_ = 0;
  uint16_t attributes_begin_ = 0;
  uint16_t id_begin_ = 0;
  uint16_t id_size_ = 0;
  uint16_t source_begin_ = 0;
  uint16_t source_size_ = 0;
  uint16_t type_begin_ = 0;
  uint16_t type_size_ = 0;
  uint8_t attribute_count_ = 0;
  bool has_occur_time_ = false;
};

// Goes through an event's attributes in the order of its bytes, each once. The event's bytes
// outlive it.
class AttributeReader {
 public:
  explicit AttributeReader(const EventView& event)
      : in_(absl::string_view(event.data_ + event.attributes_begin_, event.attributes_size_)) {}

  // False at the end.
  bool Next(EventAttribute* attribute);

  // As Next, for the name alone.
  bool NextName(absl::string_view* name) {
    absl::string_view entry;
    if (!in_.TakeTag(kAttributeTag) || !in_.TakeBytes(&entry)) return false;
    rest_of_entry_ = WireReader(entry);
    return rest_of_entry_.TakeTag(kNameTag) && rest_of_entry_.TakeBytes(name);
  }
  // The attribute, without its name, whose name was read last; once for each.
  EventAttribute Value();

 private:
  // Of Event.attributes, and of a map entry's key.
  static constexpr uint8_t kAttributeTag = lapse::v1::Event::kAttributesFieldNumber << 3 | 2;
  static constexpr uint8_t kNameTag = 1 << 3 | 2;

  WireReader in_;
  WireReader rest_of_entry_;
};

// An attribute's value as a key has it: a string as it is, an int64 in decimal, a bool as
// true/false. False for a double, which is no key.
bool KeyText(const EventAttribute& attribute, std::string* text);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_EVENT_VIEW_H_
