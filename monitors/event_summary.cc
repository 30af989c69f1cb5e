#include "monitors/event_summary.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "base/limits.h"
#include "google/protobuf/io/coded_stream.h"
#include "lapse/v1/monitor.pb.h"

namespace lapse::monitors {
namespace {

using google::protobuf::io::CodedOutputStream;
using lapse::v1::EventSummary;
using storage::EventAttribute;
using storage::EventView;

constexpr uint32_t kVarint = 0;
constexpr uint32_t kFixed64 = 1;
constexpr uint32_t kBytes = 2;
// Tag and value: at most limits::kMaxAttributes are left out, which is one byte.
constexpr size_t kOmittedCountBytes = 2;
static_assert(limits::kMaxAttributes < 128);

constexpr uint32_t Tag(int field, uint32_t wire_type) {
  return static_cast<uint32_t>(field) << 3 | wire_type;
}

// Field numbers here are below 16, so that every tag is one byte.
size_t BytesFieldSize(size_t size) { return 1 + CodedOutputStream::VarintSize64(size) + size; }

class Writer {
 public:
  explicit Writer(size_t capacity) { bytes_.reserve(capacity); }

  void Varint(int field, int64_t value) {
    Raw(Tag(field, kVarint));
    Raw(static_cast<uint64_t>(value));
  }

  void Bytes(int field, std::string_view value) {
    Raw(Tag(field, kBytes));
    Raw(value.size());
    bytes_.append(value);
  }

  // What is empty is left out.
  void Text(int field, std::string_view value) {
    if (!value.empty()) Bytes(field, value);
  }

  // A google.protobuf.Timestamp.
  void Time(int field, int64_t seconds, int32_t nanos) {
    size_t size = 0;
    if (seconds != 0) size += 1 + CodedOutputStream::VarintSize64(static_cast<uint64_t>(seconds));
    if (nanos != 0) size += 1 + CodedOutputStream::VarintSize32(static_cast<uint32_t>(nanos));
    Raw(Tag(field, kBytes));
    Raw(size);
    if (seconds != 0) Varint(1, seconds);
    if (nanos != 0) Varint(2, nanos);
  }

  // An entry of a map of lapse.v1.Value.
  void Entry(int field, const EventAttribute& attribute) {
    const size_t value_size = ValueSize(attribute);
    Raw(Tag(field, kBytes));
    Raw(BytesFieldSize(attribute.name.size()) + BytesFieldSize(value_size));
    Bytes(1, {attribute.name.data(), attribute.name.size()});
    Raw(Tag(2, kBytes));
    Raw(value_size);
    Value(attribute);
  }

  static size_t EntrySize(const EventAttribute& attribute) {
    return BytesFieldSize(attribute.name.size()) + BytesFieldSize(ValueSize(attribute));
  }

  std::string Take() { return std::move(bytes_); }
  size_t size() const { return bytes_.size(); }

 private:
  static size_t ValueSize(const EventAttribute& attribute) {
    switch (attribute.kind) {
      case EventAttribute::Kind::kString:
        return BytesFieldSize(attribute.text.size());
      case EventAttribute::Kind::kBool:
        return 2;
      case EventAttribute::Kind::kInt64:
        return 1 + CodedOutputStream::VarintSize64(static_cast<uint64_t>(attribute.number));
      case EventAttribute::Kind::kDouble:
        return 1 + sizeof(double);
    }
    return 0;
  }

  void Value(const EventAttribute& attribute) {
    const int field = static_cast<int>(attribute.kind);
    switch (attribute.kind) {
      case EventAttribute::Kind::kString:
        return Bytes(field, {attribute.text.data(), attribute.text.size()});
      case EventAttribute::Kind::kBool:
      case EventAttribute::Kind::kInt64:
        return Varint(field, attribute.number);
      case EventAttribute::Kind::kDouble:
        Raw(Tag(field, kFixed64));
        bytes_.append(reinterpret_cast<const char*>(&attribute.real), sizeof(attribute.real));
        return;
    }
  }

  void Raw(uint64_t value) {
    uint8_t buffer[10];
    const uint8_t* end = CodedOutputStream::WriteVarint64ToArray(value, buffer);
    bytes_.append(reinterpret_cast<const char*>(buffer), end - buffer);
  }

  std::string bytes_;
};

absl::InlinedVector<EventAttribute, 16> ByName(const EventView& event) {
  absl::InlinedVector<EventAttribute, 16> attributes;
  storage::AttributeReader reader(event);
  EventAttribute attribute;
  while (reader.Next(&attribute)) attributes.push_back(attribute);
  std::sort(attributes.begin(), attributes.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return attributes;
}

std::string_view Std(absl::string_view text) { return {text.data(), text.size()}; }

void WriteHead(const EventView& event, int64_t sequence, int64_t receive_time_us, Writer& writer) {
  writer.Varint(EventSummary::kSequenceFieldNumber, sequence);
  writer.Text(EventSummary::kIdFieldNumber, Std(event.id()));
  writer.Text(EventSummary::kSourceFieldNumber, Std(event.source()));
  writer.Text(EventSummary::kTypeFieldNumber, Std(event.type()));
  if (event.has_occur_time()) {
    writer.Time(EventSummary::kOccurTimeFieldNumber, event.occur_seconds(), event.occur_nanos());
  }
  writer.Time(EventSummary::kIngestTimeFieldNumber, receive_time_us / limits::kMicrosPerSecond,
              static_cast<int32_t>(receive_time_us % limits::kMicrosPerSecond * 1'000));
}

// Returns how many were left out.
int WriteAttributes(const EventView& event, Writer& writer) {
  int omitted = 0;
  for (const EventAttribute& attribute : ByName(event)) {
    const size_t after =
        writer.size() + BytesFieldSize(Writer::EntrySize(attribute)) + kOmittedCountBytes;
    if (after > limits::kMaxEventSummaryBytes) {
      ++omitted;
    } else {
      writer.Entry(EventSummary::kAttributesFieldNumber, attribute);
    }
  }
  return omitted;
}

// Takes a varint off the front; nullopt where there is none.
std::optional<uint64_t> TakeVarint(std::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const uint8_t byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

// Takes a bytes field off the front; empty where another field, or none, stands there.
std::optional<std::string_view> TakeBytes(int field, std::string_view& bytes) {
  if (bytes.empty() || static_cast<uint8_t>(bytes.front()) != Tag(field, kBytes)) {
    return std::string_view();
  }
  bytes.remove_prefix(1);
  const std::optional<uint64_t> size = TakeVarint(bytes);
  if (!size.has_value() || *size > bytes.size()) return std::nullopt;
  const std::string_view value = bytes.substr(0, *size);
  bytes.remove_prefix(*size);
  return value;
}

}  // namespace

std::string SummarizeEvent(const EventView& event, int64_t sequence, int64_t receive_time_us) {
  Writer writer(std::min(event.bytes().size() + 32, limits::kMaxEventSummaryBytes));
  WriteHead(event, sequence, receive_time_us, writer);
  const int omitted = WriteAttributes(event, writer);
  if (omitted > 0) writer.Varint(EventSummary::kOmittedAttributeCountFieldNumber, omitted);
  assert(writer.size() <= limits::kMaxEventSummaryBytes);
  return writer.Take();
}

std::optional<SummaryNames> NamesOfSummary(std::string_view summary) {
  if (summary.size() > limits::kMaxEventSummaryBytes || summary.empty() ||
      static_cast<uint8_t>(summary.front()) != Tag(EventSummary::kSequenceFieldNumber, kVarint)) {
    return std::nullopt;
  }
  summary.remove_prefix(1);
  if (!TakeVarint(summary).has_value()) return std::nullopt;
  const auto id = TakeBytes(EventSummary::kIdFieldNumber, summary);
  if (!id.has_value()) return std::nullopt;
  const auto source = TakeBytes(EventSummary::kSourceFieldNumber, summary);
  if (!source.has_value()) return std::nullopt;
  return SummaryNames{.source = *source, .id = *id};
}

}  // namespace lapse::monitors
