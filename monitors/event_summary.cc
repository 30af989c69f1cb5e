#include "monitors/event_summary.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "google/protobuf/io/coded_stream.h"
#include "lapse/v1/monitor.pb.h"

namespace lapse::monitors {
namespace {

using google::protobuf::io::CodedOutputStream;
using lapse::v1::EventSummary;
using Attribute = google::protobuf::MapPair<std::string, lapse::v1::Value>;

constexpr uint32_t kVarint = 0;
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

  void Message(int field, const google::protobuf::MessageLite& message, size_t size) {
    Raw(Tag(field, kBytes));
    Raw(size);
    message.AppendToString(&bytes_);
  }

  void Entry(int field, const Attribute& attribute, size_t entry_size, size_t value_size) {
    Raw(Tag(field, kBytes));
    Raw(entry_size);
    Bytes(1, attribute.first);
    Message(2, attribute.second, value_size);
  }

  std::string Take() { return std::move(bytes_); }
  size_t size() const { return bytes_.size(); }

 private:
  void Raw(uint64_t value) {
    uint8_t buffer[10];
    const uint8_t* end = CodedOutputStream::WriteVarint64ToArray(value, buffer);
    bytes_.append(reinterpret_cast<const char*>(buffer), end - buffer);
  }

  std::string bytes_;
};

absl::InlinedVector<const Attribute*, 16> ByName(const lapse::v1::Event& event) {
  absl::InlinedVector<const Attribute*, 16> attributes;
  for (const Attribute& attribute : event.attributes()) attributes.push_back(&attribute);
  std::sort(attributes.begin(), attributes.end(),
            [](const Attribute* a, const Attribute* b) { return a->first < b->first; });
  return attributes;
}

void WriteHead(const lapse::v1::Event& event, int64_t sequence, int64_t receive_time_us,
               Writer& writer) {
  writer.Varint(EventSummary::kSequenceFieldNumber, sequence);
  if (!event.id().empty()) writer.Bytes(EventSummary::kIdFieldNumber, event.id());
  if (!event.source().empty()) writer.Bytes(EventSummary::kSourceFieldNumber, event.source());
  if (!event.type().empty()) writer.Bytes(EventSummary::kTypeFieldNumber, event.type());
  if (event.has_occur_time()) {
    const auto& time = event.occur_time();
    writer.Message(EventSummary::kOccurTimeFieldNumber, time, time.ByteSizeLong());
  }
  google::protobuf::Timestamp received;
  SetTimestamp(receive_time_us, &received);
  writer.Message(EventSummary::kIngestTimeFieldNumber, received, received.ByteSizeLong());
}

// Returns how many were left out.
int WriteAttributes(const lapse::v1::Event& event, Writer& writer) {
  int omitted = 0;
  for (const Attribute* attribute : ByName(event)) {
    const size_t value_size = attribute->second.ByteSizeLong();
    const size_t entry_size = BytesFieldSize(attribute->first.size()) + BytesFieldSize(value_size);
    const size_t after = writer.size() + BytesFieldSize(entry_size) + kOmittedCountBytes;
    if (after > limits::kMaxEventSummaryBytes) {
      ++omitted;
    } else {
      writer.Entry(EventSummary::kAttributesFieldNumber, *attribute, entry_size, value_size);
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

std::string SummarizeEvent(const lapse::v1::Event& event, int64_t sequence,
                           int64_t receive_time_us) {
  Writer writer(std::min(event.ByteSizeLong() + 32, limits::kMaxEventSummaryBytes));
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
