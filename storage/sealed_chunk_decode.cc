// DecodeSealedChunk and FindInSealedChunk.
#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "lapse/internal/v1/sealed.pb.h"
#include "lapse/v1/event.pb.h"
#include "storage/sealed_chunk.h"
#include "storage/sealed_column.h"
#include "storage/sealed_event.h"

namespace lapse::storage {
namespace {

using lapse::internal::v1::AttributeColumn;
using lapse::internal::v1::EventShape;
using lapse::internal::v1::IntColumn;
using lapse::internal::v1::SealedChunk;

// Events of one chunk, put together.
constexpr size_t kMaxChunkWireBytes = 1u << 30;
// `places` of a row that a column has no value of.
constexpr int32_t kNone = -1;

absl::Status Damaged(const char* what) { return absl::DataLossError(what); }

// A column of which some events have a value.
struct Attribute {
  absl::string_view name;
  SealedKind kind = SealedKind::kString;
  std::unique_ptr<const StringValues> strings;
  std::vector<int64_t> bits;
  int64_t count = 0;
  // By event: its value, or kNone.
  std::vector<int32_t> places;
};

SealedKind KindOf(const AttributeColumn& column) {
  switch (column.kind_case()) {
    case AttributeColumn::kBools:
      return SealedKind::kBool;
    case AttributeColumn::kInts:
      return SealedKind::kInt;
    case AttributeColumn::kDoubles:
      return SealedKind::kDouble;
    case AttributeColumn::kStrings:
    case AttributeColumn::KIND_NOT_SET:
      break;
  }
  return SealedKind::kString;
}

absl::Status CheckSum(const std::vector<int64_t>& counts, int64_t expected) {
  int64_t sum = 0;
  for (const int64_t count : counts) {
    if (count < 0 || count > expected - sum) return Damaged("an impossible count");
    sum += count;
  }
  return sum == expected ? absl::OkStatus() : Damaged("counts that do not add up");
}

class Decoder {
 public:
  absl::Status Open(absl::string_view bytes) {
    if (!chunk_.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
      return Damaged("it is no merged chunk");
    event_count_ = chunk_.event_count();
    RETURN_IF_ERROR(ReadReceiveTimes());
    RETURN_IF_ERROR(ReadShapes());
    return PlaceValues();
  }

  absl::StatusOr<std::vector<SealedEntry>> All() {
    RETURN_IF_ERROR(ReadColumns());
    ASSIGN_OR_RETURN(std::vector<SealedEntry> entries, ReadEntries());
    int64_t row = 0;
    for (SealedEntry& entry : entries) {
      entry.first_sequence = chunk_.first_sequence() + row;
      for (const int64_t end = row + entry_events_[&entry - entries.data()]; row < end; ++row) {
        RETURN_IF_ERROR(Append(row, &entry));
      }
    }
    return entries;
  }

  absl::StatusOr<SealedEntry> Find(const EventQuery& query) {
    SealedEntry entry = {.position = chunk_.first_position(),
                         .first_sequence = chunk_.first_sequence()};
    ASSIGN_OR_RETURN(const std::vector<int64_t> rows, FindRows(query));
    if (rows.empty()) return entry;
    RETURN_IF_ERROR(ReadColumns());
    for (const int64_t row : rows) RETURN_IF_ERROR(Append(row, &entry));
    return entry;
  }

 private:
  absl::Status ReadReceiveTimes() {
    ASSIGN_OR_RETURN(const std::vector<int64_t> times,
                     DecodeInts(chunk_.receive_times_us(), chunk_.receive_count()));
    ASSIGN_OR_RETURN(const std::vector<int64_t> counts,
                     DecodeInts(chunk_.receive_events(), chunk_.receive_count()));
    if (event_count_ < 0 || event_count_ > kMaxSealedEvents) return Damaged("too many events");
    RETURN_IF_ERROR(CheckSum(counts, event_count_));
    receive_times_.reserve(event_count_);
    for (size_t i = 0; i < times.size(); ++i)
      receive_times_.insert(receive_times_.end(), counts[i], times[i]);
    ASSIGN_OR_RETURN(const std::vector<int64_t> server_ids,
                     DecodeInts(chunk_.server_id_indexes(), chunk_.server_id_count()));
    has_server_id_.resize(event_count_);
    for (const int64_t row : server_ids) {
      if (row < 0 || row >= event_count_) return Damaged("an impossible event index");
      has_server_id_[row] = true;
    }
    return absl::OkStatus();
  }

  absl::Status ReadShapes() {
    ASSIGN_OR_RETURN(shapes_, DecodeInts(chunk_.event_shapes(), event_count_));
    for (const int64_t shape : shapes_) {
      if (shape < 0 || shape >= chunk_.shapes_size()) return Damaged("no such shape");
    }
    if (chunk_.attributes_size() > static_cast<int>(kMaxSealedColumns))
      return Damaged("too many columns");
    for (const EventShape& shape : chunk_.shapes()) {
      if (shape.attributes_size() > chunk_.attributes_size()) return Damaged("too many attributes");
      for (const int32_t column : shape.attributes()) {
        if (column < 0 || column >= chunk_.attributes_size()) return Damaged("no such attribute");
      }
    }
    return absl::OkStatus();
  }

  // Counts, for each event, which value of each column is its own.
  absl::Status PlaceValues() {
    attributes_.resize(chunk_.attributes_size());
    for (int i = 0; i < chunk_.attributes_size(); ++i) {
      attributes_[i].name = chunk_.attributes(i).name();
      attributes_[i].kind = KindOf(chunk_.attributes(i));
      attributes_[i].places.assign(event_count_, kNone);
    }
    common_places_.resize(event_count_);
    time_places_.resize(event_count_, kNone);
    for (int64_t row = 0; row < event_count_; ++row) {
      const EventShape& shape = chunk_.shapes(static_cast<int>(shapes_[row]));
      common_places_[row] = shape.is_raw() ? raw_count_++ : common_count_++;
      if (shape.is_raw()) continue;
      if (shape.has_occur_time()) time_places_[row] = time_count_++;
      for (const int32_t column : shape.attributes()) {
        Attribute& attribute = attributes_[column];
        attribute.places[row] = static_cast<int32_t>(attribute.count++);
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadTimes() {
    if (times_read_) return absl::OkStatus();
    times_read_ = true;
    ASSIGN_OR_RETURN(occur_times_, DecodeInts(chunk_.occur_times_us(), time_count_));
    return absl::OkStatus();
  }

  absl::Status ReadColumns() {
    RETURN_IF_ERROR(ReadTimes());
    ASSIGN_OR_RETURN(ids_, DecodeStrings(chunk_.ids(), common_count_));
    ASSIGN_OR_RETURN(sources_, DecodeStrings(chunk_.sources(), common_count_));
    ASSIGN_OR_RETURN(types_, DecodeStrings(chunk_.types(), common_count_));
    ASSIGN_OR_RETURN(raw_, DecodeStrings(chunk_.raw(), raw_count_));
    for (size_t i = 0; i < attributes_.size(); ++i) RETURN_IF_ERROR(ReadAttribute(i));
    return absl::OkStatus();
  }

  absl::Status ReadAttribute(size_t index) {
    Attribute& attribute = attributes_[index];
    if (attribute.strings != nullptr || !attribute.bits.empty()) return absl::OkStatus();
    const AttributeColumn& column = chunk_.attributes(static_cast<int>(index));
    switch (attribute.kind) {
      case SealedKind::kString: {
        ASSIGN_OR_RETURN(attribute.strings, DecodeStrings(column.strings(), attribute.count));
        break;
      }
      case SealedKind::kBool:
      case SealedKind::kInt: {
        const bool is_bool = attribute.kind == SealedKind::kBool;
        ASSIGN_OR_RETURN(attribute.bits,
                         DecodeInts(is_bool ? column.bools() : column.ints(), attribute.count));
        break;
      }
      case SealedKind::kDouble: {
        ASSIGN_OR_RETURN(const auto doubles, DecodeDoubles(column.doubles(), attribute.count));
        for (const double value : doubles) attribute.bits.push_back(std::bit_cast<int64_t>(value));
        break;
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<SealedEntry>> ReadEntries() {
    const int64_t count = chunk_.entry_count();
    if (count > kMaxSealedEvents) return Damaged("too many entries");
    ASSIGN_OR_RETURN(const auto write_times, DecodeInts(chunk_.write_times_us(), count));
    ASSIGN_OR_RETURN(const auto mark_times, DecodeInts(chunk_.mark_times_us(), count));
    ASSIGN_OR_RETURN(entry_events_, DecodeInts(chunk_.entry_events(), count));
    RETURN_IF_ERROR(CheckSum(entry_events_, event_count_));
    std::vector<SealedEntry> entries(count);
    for (int64_t i = 0; i < count; ++i) {
      entries[i].position = chunk_.first_position() + i;
      entries[i].write_time_us = write_times[i];
      entries[i].mark_time_us = mark_times[i];
      entries[i].events.reserve(entry_events_[i]);
    }
    for (const auto& controls : chunk_.controls()) {
      if (controls.entry() < 0 || controls.entry() >= count) return Damaged("no such entry");
      entries[controls.entry()].controls.assign(controls.controls().begin(),
                                                controls.controls().end());
    }
    return entries;
  }

  // The rows that `query` may match.
  absl::StatusOr<std::vector<int64_t>> FindRows(const EventQuery& query) {
    std::vector<bool> wanted(event_count_, !query.attribute_equals);
    if (query.attribute_equals) {
      RETURN_IF_ERROR(
          MarkEqual(query.attribute_equals->first, query.attribute_equals->second, &wanted));
      // A raw one is not looked into.
      for (int64_t row = 0; row < event_count_; ++row) wanted[row] = wanted[row] || IsRaw(row);
    }
    RETURN_IF_ERROR(ReadTimes());
    std::vector<int64_t> rows;
    for (int64_t row = 0; row < event_count_; ++row) {
      if (!wanted[row] || chunk_.first_sequence() + row > query.max_sequence) continue;
      const int64_t time_us =
          time_places_[row] == kNone ? receive_times_[row] : occur_times_[time_places_[row]];
      if (IsRaw(row) || (time_us >= query.min_time_us && time_us <= query.max_time_us))
        rows.push_back(row);
    }
    return rows;
  }

  absl::Status MarkEqual(absl::string_view name, absl::string_view text,
                         std::vector<bool>* wanted) {
    for (size_t i = 0; i < attributes_.size(); ++i) {
      Attribute& attribute = attributes_[i];
      if (attribute.name != name || attribute.kind == SealedKind::kDouble) continue;
      RETURN_IF_ERROR(ReadAttribute(i));
      std::vector<bool> equal(attribute.count);
      for (const int64_t place : PlacesEqual(attribute, text)) equal[place] = true;
      for (int64_t row = 0; row < event_count_; ++row) {
        if (attribute.places[row] != kNone && equal[attribute.places[row]]) (*wanted)[row] = true;
      }
    }
    return absl::OkStatus();
  }

  static std::vector<int64_t> PlacesEqual(const Attribute& attribute, absl::string_view text) {
    if (attribute.strings != nullptr) return attribute.strings->Find(text);
    std::vector<int64_t> places;
    int64_t number = 0;
    if (attribute.kind == SealedKind::kBool) {
      if (text != "true" && text != "false") return places;
      number = text == "true" ? 1 : 0;
    } else if (!absl::SimpleAtoi(text, &number) || absl::StrCat(number) != text) {
      return places;
    }
    for (size_t i = 0; i < attribute.bits.size(); ++i) {
      if (attribute.bits[i] == number) places.push_back(static_cast<int64_t>(i));
    }
    return places;
  }

  bool IsRaw(int64_t row) const { return chunk_.shapes(static_cast<int>(shapes_[row])).is_raw(); }

  absl::Status Append(int64_t row, SealedEntry* entry) {
    const auto offset = static_cast<uint32_t>(entry->wire.size());
    if (IsRaw(row)) {
      raw_->AppendTo(common_places_[row], &entry->wire);
    } else {
      AppendFields(row, &entry->wire);
    }
    wire_bytes_ += entry->wire.size() - offset;
    if (wire_bytes_ > kMaxChunkWireBytes) return Damaged("too many bytes of events");
    entry->events.push_back({offset, static_cast<uint32_t>(entry->wire.size() - offset),
                             chunk_.first_sequence() + row, receive_times_[row],
                             has_server_id_[row]});
    return absl::OkStatus();
  }

  void AppendFields(int64_t row, std::string* wire) {
    const EventShape& shape = chunk_.shapes(static_cast<int>(shapes_[row]));
    texts_.resize(std::max<size_t>(texts_.size(), shape.attributes_size() + 3));
    size_t text = 0;
    const auto take = [&](const StringValues& values, int64_t place) -> absl::string_view {
      std::string& value = texts_[text++];
      value.clear();
      values.AppendTo(place, &value);
      return value;
    };
    fields_.id = take(*ids_, common_places_[row]);
    fields_.source = take(*sources_, common_places_[row]);
    fields_.type = take(*types_, common_places_[row]);
    fields_.has_occur_time = shape.has_occur_time();
    if (shape.has_occur_time()) fields_.occur_time_us = occur_times_[time_places_[row]];
    fields_.attributes.clear();
    for (const int32_t column : shape.attributes()) {
      const Attribute& attribute = attributes_[column];
      const int32_t place = attribute.places[row];
      SealedAttribute& value = fields_.attributes.emplace_back();
      value.name = attribute.name;
      value.kind = attribute.kind;
      if (attribute.strings != nullptr) {
        value.text = take(*attribute.strings, place);
      } else {
        value.bits = attribute.bits[place];
      }
    }
    PutTogether(fields_, wire);
  }

  SealedChunk chunk_;
  int64_t event_count_ = 0;
  std::vector<int64_t> receive_times_;
  std::vector<bool> has_server_id_;
  std::vector<int64_t> shapes_;
  std::vector<int64_t> entry_events_;
  // By event: its place among the raw ones, or among the others.
  std::vector<int32_t> common_places_;
  std::vector<int32_t> time_places_;
  int32_t raw_count_ = 0;
  int32_t common_count_ = 0;
  int32_t time_count_ = 0;
  bool times_read_ = false;
  std::vector<int64_t> occur_times_;
  std::unique_ptr<const StringValues> ids_, sources_, types_, raw_;
  std::vector<Attribute> attributes_;
  size_t wire_bytes_ = 0;
  // Of the event that is being made.
  SealedFields fields_;
  std::vector<std::string> texts_;
};

}  // namespace

absl::StatusOr<std::vector<SealedEntry>> DecodeSealedChunk(absl::string_view bytes) {
  Decoder decoder;
  RETURN_IF_ERROR(decoder.Open(bytes));
  return decoder.All();
}

absl::StatusOr<SealedEntry> FindInSealedChunk(absl::string_view bytes, const EventQuery& query) {
  Decoder decoder;
  RETURN_IF_ERROR(decoder.Open(bytes));
  return decoder.Find(query);
}

}  // namespace lapse::storage
