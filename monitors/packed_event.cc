#include "monitors/packed_event.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "base/limits.h"
#include "base/short_text.h"
#include "monitors/event_summary.h"
#include "monitors/packed_text.h"
#include "monitors/summary_wire.h"

namespace lapse::monitors {
namespace {

// For each partition: together a few MB at most.
constexpr size_t kMaxTexts = 512;
constexpr size_t kMaxTextBytes = 32;
constexpr size_t kMaxTextsBytes = 4u << 10;
constexpr size_t kMaxShapes = 120;
constexpr size_t kMaxShapeBytes = 2u << 10;
constexpr size_t kMaxShapesBytes = 8u << 10;

// What a summary has that its event has not: sequence, receive time, the number of attributes that
// were left out; and what may be longer there.
constexpr size_t kSummaryAddsBytes = 64;

// What comes first in a packed summary: 0, then the bytes as they are; or a shape's number + 1. A
// shape is how the time is kept, whether attributes were left out, the type, and then for each
// attribute its kind and its name. Written to checkpoints: values never change.
constexpr uint8_t kRaw = 0;
enum TimeCode : char {
  kNoTime = 'n',
  // The time that the event is judged by.
  kJudgedTime = 'j',
  kMicros = 'm',
  kNanos = 'p',
};

TimeCode TimeCodeOf(const WireSummary& summary, const EventTimes& times) {
  if (!summary.occur_time.has_value()) return kNoTime;
  const WireTimestamp& time = *summary.occur_time;
  constexpr int64_t kMaxSeconds = int64_t{1} << 40;
  if (time.nanos < 0 || time.nanos >= 1'000'000'000 || time.nanos % 1'000 != 0 ||
      time.seconds < 0 || time.seconds > kMaxSeconds) {
    return kNanos;
  }
  const int64_t time_us = time.seconds * limits::kMicrosPerSecond + time.nanos / 1'000;
  return time_us == times.time_us ? kJudgedTime : kMicros;
}

WireTimestamp FromMicros(int64_t time_us) {
  return {time_us / limits::kMicrosPerSecond, time_us % limits::kMicrosPerSecond * 1'000};
}

// Nothing where the shape is too large.
std::optional<uint32_t> ShapeOf(const WireSummary& summary, TimeCode time_code,
                                TextDictionary& shapes) {
  std::array<char, kMaxShapeBytes> buffer;
  ByteWriter shape(buffer.data(), buffer.size());
  shape.Byte(static_cast<uint8_t>(time_code));
  shape.Byte(summary.omitted > 0 ? 1 : 0);
  shape.Sized(summary.type);
  for (const WireAttribute& attribute : summary.attributes) {
    shape.Byte(static_cast<uint8_t>(attribute.kind));
    shape.Sized(attribute.name);
  }
  if (shape.full()) return std::nullopt;
  return shapes.Take(shape.written());
}

// A double with two decimals at most as a whole number of hundredths, plus 1; else 0 and its bits.
void PackDouble(uint64_t bits, ByteWriter& out) {
  double value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  constexpr double kMost = 1e15;
  if (std::abs(value) < kMost) {
    const int64_t hundredths = std::llround(value * 100);
    const double again = static_cast<double>(hundredths) / 100;
    if (std::memcmp(&again, &value, sizeof(value)) == 0) {
      return out.Varint(ZigZag(hundredths) + 1);
    }
  }
  out.Byte(0);
  out.Bytes({reinterpret_cast<const char*>(&bits), sizeof(bits)});
}

uint64_t UnpackDouble(ByteReader& in) {
  uint64_t bits = 0;
  const uint64_t code = in.Varint();
  if (code == 0) {
    const std::string_view bytes = in.Bytes(sizeof(bits));
    if (!in.bad()) std::memcpy(&bits, bytes.data(), sizeof(bits));
    return bits;
  }
  const double value = static_cast<double>(UnZigZag(code - 1)) / 100;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

// Eight to a byte.
void PackBools(const WireSummary& summary, ByteWriter& out) {
  uint8_t bits = 0;
  int count = 0;
  for (const WireAttribute& attribute : summary.attributes) {
    if (attribute.kind != WireKind::kBool) continue;
    bits = static_cast<uint8_t>(bits | attribute.number << count % 8);
    if (++count % 8 == 0) out.Byte(std::exchange(bits, uint8_t{0}));
  }
  if (count % 8 != 0) out.Byte(bits);
}

void UnpackBools(ByteReader& in, WireSummary* summary) {
  uint8_t bits = 0;
  int count = 0;
  for (WireAttribute& attribute : summary->attributes) {
    if (attribute.kind != WireKind::kBool) continue;
    if (count % 8 == 0) bits = in.Byte();
    attribute.number = bits >> count++ % 8 & 1;
  }
}

void PackTime(const WireSummary& summary, TimeCode code, const EventTimes& times, ByteWriter& out) {
  if (code == kMicros) {
    const WireTimestamp& time = *summary.occur_time;
    out.Signed(WrappedDifference(time.seconds * limits::kMicrosPerSecond + time.nanos / 1'000,
                                 times.receive_time_us));
  } else if (code == kNanos) {
    out.Signed(summary.occur_time->seconds);
    out.Signed(summary.occur_time->nanos);
  }
}

bool UnpackTime(ByteReader& in, uint8_t code, const EventTimes& times, WireSummary* summary) {
  switch (code) {
    case kNoTime:
      return true;
    case kJudgedTime:
      summary->occur_time = FromMicros(times.time_us);
      return true;
    case kMicros:
      summary->occur_time = FromMicros(WrappedSum(in.Signed(), times.receive_time_us));
      return true;
    case kNanos:
      summary->occur_time.emplace().seconds = in.Signed();
      summary->occur_time->nanos = in.Signed();
      return true;
    default:
      return false;
  }
}

void PackValue(const WireAttribute& attribute, std::string_view key, TextDictionary& texts,
               ByteWriter& out) {
  switch (attribute.kind) {
    case WireKind::kString:
      return PackText(attribute.text, key, texts, out);
    case WireKind::kInt:
      return out.Signed(static_cast<int64_t>(attribute.number));
    case WireKind::kDouble:
      return PackDouble(attribute.number, out);
    case WireKind::kBool:
      return;
  }
}

// False, with nothing written, where its shape is not known and cannot be taken.
bool PackWire(const WireSummary& wire, const EventTimes& times, std::string_view key,
              PackContext& context, ByteWriter& out) {
  const TimeCode code = TimeCodeOf(wire, times);
  const std::optional<uint32_t> shape = ShapeOf(wire, code, context.shapes);
  if (!shape.has_value()) return false;
  out.Varint(*shape + 1);
  PackTime(wire, code, times, out);
  if (wire.omitted > 0) out.Varint(wire.omitted);
  PackBools(wire, out);
  PackText(wire.id, key, context.texts, out);
  PackText(wire.source, key, context.texts, out);
  for (const WireAttribute& attribute : wire.attributes) {
    PackValue(attribute, key, context.texts, out);
  }
  return true;
}

std::string_view View(absl::string_view text) { return {text.data(), text.size()}; }

// Orders names as their bytes do, mostly without looking at them.
struct NamePrefix {
  uint64_t prefix = 0;
  size_t index = 0;
};

WireAttribute ReadAttribute(const storage::EventAttribute& attribute) {
  using Kind = storage::EventAttribute::Kind;
  WireAttribute read;
  read.name = View(attribute.name);
  switch (attribute.kind) {
    case Kind::kString:
      read.kind = WireKind::kString;
      read.text = View(attribute.text);
      break;
    case Kind::kBool:
      read.kind = WireKind::kBool;
      read.number = static_cast<uint64_t>(attribute.number);
      break;
    case Kind::kInt64:
      read.kind = WireKind::kInt;
      read.number = static_cast<uint64_t>(attribute.number);
      break;
    case Kind::kDouble:
      read.kind = WireKind::kDouble;
      std::memcpy(&read.number, &attribute.real, sizeof(read.number));
      break;
  }
  return read;
}

// By name.
void ReadAttributes(const storage::EventView& event, WireSummary* wire) {
  absl::InlinedVector<storage::EventAttribute, 8> attributes;
  absl::InlinedVector<NamePrefix, 8> order;
  storage::AttributeReader reader(event);
  for (storage::EventAttribute attribute; reader.Next(&attribute);) {
    order.push_back({PrefixOf(attribute.name), order.size()});
    attributes.push_back(attribute);
  }
  std::sort(order.begin(), order.end(), [&](const NamePrefix& a, const NamePrefix& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    return attributes[a.index].name < attributes[b.index].name;
  });
  for (const NamePrefix& next : order) {
    wire->attributes.push_back(ReadAttribute(attributes[next.index]));
  }
}

// What packing needs of the event's summary, where that has all of it.
void ReadEvent(const storage::EventView& event, WireSummary* wire) {
  wire->id = View(event.id());
  wire->source = View(event.source());
  wire->type = View(event.type());
  if (event.has_occur_time()) wire->occur_time = {event.occur_seconds(), event.occur_nanos()};
  ReadAttributes(event, wire);
}

// The texts of a summary that is being unpacked, one after another.
class UnpackedTexts {
 public:
  UnpackedTexts(ByteReader& in, std::string_view key, const TextDictionary& known)
      : in_(in), key_(key), known_(known) {
    texts_.reserve(2 * limits::kMaxEventSummaryBytes);
  }

  // Valid as long as this: it never moves, since no summary has more text than was reserved.
  bool Next(std::string_view* text) {
    const size_t begin = texts_.size();
    if (!UnpackText(in_, key_, &known_, &texts_)) return false;
    if (texts_.size() > 2 * limits::kMaxEventSummaryBytes) return false;
    *text = std::string_view(texts_).substr(begin);
    return true;
  }

 private:
  ByteReader& in_;
  const std::string_view key_;
  const TextDictionary& known_;
  std::string texts_;
};

// The names and kinds; they point into `shape`.
bool ReadAttributeShapes(ByteReader& shape, WireSummary* summary) {
  while (!shape.at_end()) {
    WireAttribute& attribute = summary->attributes.emplace_back();
    attribute.kind = static_cast<WireKind>(shape.Byte());
    attribute.name = shape.Sized();
    switch (attribute.kind) {
      case WireKind::kString:
      case WireKind::kBool:
      case WireKind::kInt:
      case WireKind::kDouble:
        continue;
    }
    return false;
  }
  return !shape.bad();
}

bool UnpackValues(ByteReader& in, UnpackedTexts& texts, WireSummary* summary) {
  for (WireAttribute& attribute : summary->attributes) {
    if (attribute.kind == WireKind::kInt) attribute.number = static_cast<uint64_t>(in.Signed());
    if (attribute.kind == WireKind::kDouble) attribute.number = UnpackDouble(in);
    if (attribute.kind == WireKind::kString && !texts.Next(&attribute.text)) return false;
  }
  return !in.bad();
}

bool UnpackShaped(ByteReader& in, std::string_view shape_bytes, const EventTimes& times,
                  std::string_view key, const PackContext& context, std::string* summary) {
  ByteReader shape(shape_bytes);
  WireSummary wire;
  wire.sequence = times.sequence;
  wire.ingest_time = FromMicros(times.receive_time_us);
  if (!UnpackTime(in, shape.Byte(), times, &wire)) return false;
  const bool has_omitted = shape.Byte() != 0;
  wire.type = shape.Sized();
  if (has_omitted) wire.omitted = in.Varint();
  if (!ReadAttributeShapes(shape, &wire)) return false;
  UnpackBools(in, &wire);
  UnpackedTexts texts(in, key, context.texts);
  if (!texts.Next(&wire.id) || !texts.Next(&wire.source) || !UnpackValues(in, texts, &wire)) {
    return false;
  }
  WriteSummary(wire, summary);
  return true;
}

}  // namespace

PackContext::PackContext()
    : texts(kMaxTexts, kMaxTextBytes, kMaxTextsBytes),
      shapes(kMaxShapes, kMaxShapeBytes, kMaxShapesBytes) {}

void PackTimes(const EventTimes& times, PackContext& context, ByteWriter& out) {
  context.SetBases(times.receive_time_us, times.sequence);
  out.Signed(WrappedDifference(times.sequence, context.base_sequence));
  out.Signed(WrappedDifference(times.receive_time_us, context.base_time_us));
  out.Signed(WrappedDifference(times.receive_time_us, times.time_us));
}

EventTimes UnpackTimes(ByteReader& in, const PackContext& context) {
  EventTimes times;
  times.sequence = WrappedSum(in.Signed(), context.base_sequence);
  times.receive_time_us = WrappedSum(in.Signed(), context.base_time_us);
  times.time_us = WrappedDifference(times.receive_time_us, in.Signed());
  return times;
}

void PackSummary(std::string_view summary, const EventTimes& times, std::string_view key,
                 PackContext& context, ByteWriter& out) {
  WireSummary wire;
  if (ReadSummary(summary, &wire) && wire.sequence == times.sequence &&
      wire.ingest_time == FromMicros(times.receive_time_us) &&
      PackWire(wire, times, key, context, out)) {
    return;
  }
  out.Byte(kRaw);
  out.Sized(summary);
}

void PackEvent(const storage::EventView& event, const EventTimes& times, std::string_view key,
               PackContext& context, ByteWriter& out) {
  // A larger one may not be whole in its summary.
  if (event.bytes().size() + kSummaryAddsBytes <= limits::kMaxEventSummaryBytes) {
    WireSummary wire;
    ReadEvent(event, &wire);
    if (PackWire(wire, times, key, context, out)) return;
  }
  const std::string summary = SummarizeEvent(event, times.sequence, times.receive_time_us);
  PackSummary(summary, times, key, context, out);
}

bool UnpackSummary(ByteReader& in, const EventTimes& times, std::string_view key,
                   const PackContext& context, std::string* summary) {
  const uint64_t code = in.Varint();
  if (in.bad()) return false;
  if (code == kRaw) {
    *summary += in.Sized();
    return !in.bad();
  }
  if (!context.shapes.Has(code - 1)) return false;
  return UnpackShaped(in, context.shapes.TextOf(code - 1), times, key, context, summary);
}

}  // namespace lapse::monitors
