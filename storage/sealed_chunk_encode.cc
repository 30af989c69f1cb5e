// EncodeSealedChunk.
#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/proto_time.h"
#include "lapse/internal/v1/sealed.pb.h"
#include "lapse/v1/event.pb.h"
#include "storage/chunk_index.h"
#include "storage/sealed_chunk.h"
#include "storage/sealed_column.h"
#include "storage/sealed_event.h"
#include "storage/sealed_sort.h"
// What is hashed is short: the call would cost as much as the hash.
#define XXH_INLINE_ALL
#include "xxhash.h"

namespace lapse::storage {
namespace {

using lapse::internal::v1::AttributeColumn;
using lapse::internal::v1::SealedChunk;

// Values of one attribute and kind.
struct Attribute {
  std::string name;
  SealedKind kind = SealedKind::kString;
  // By SealedEntry::indexed.
  bool indexed = false;
  // Columns of one name have the same.
  size_t name_number = 0;
  std::vector<absl::string_view> texts;
  std::vector<int64_t> bits;
};

// A shape by its columns, ascending, or {kRaw}; then whether it has a time.
using ShapeKey = std::pair<std::vector<int32_t>, bool>;
const ShapeKey kRawShape = {{-1}, false};

class Encoder {
 public:
  Encoder(uint64_t seed, const IndexedAttributes& indexed) : seed_(seed), indexed_(indexed) {}

  void Add(const SealedEntry& entry) {
    entry_events_.push_back(static_cast<int64_t>(entry.events.size()));
    write_times_.push_back(entry.write_time_us);
    mark_times_.push_back(entry.mark_time_us);
    if (!entry.controls.empty()) {
      auto* controls = chunk_.add_controls();
      controls->set_entry(static_cast<int32_t>(entry_events_.size() - 1));
      for (const auto& control : entry.controls) *controls->add_controls() = control;
    }
    for (const SealedEvent& event : entry.events) AddEvent(entry.WireOf(event), event);
  }

  EncodedSealedChunk Finish(const SealedEntry& first) {
    chunk_.set_first_position(first.position);
    chunk_.set_first_sequence(first.first_sequence);
    chunk_.set_entry_count(static_cast<int32_t>(entry_events_.size()));
    EncodeInts(write_times_, chunk_.mutable_write_times_us());
    EncodeInts(mark_times_, chunk_.mutable_mark_times_us());
    EncodeInts(entry_events_, chunk_.mutable_entry_events());
    chunk_.set_receive_count(static_cast<int32_t>(receive_times_.size()));
    EncodeInts(receive_times_, chunk_.mutable_receive_times_us());
    EncodeInts(receive_events_, chunk_.mutable_receive_events());
    chunk_.set_server_id_count(static_cast<int32_t>(server_ids_.size()));
    EncodeInts(server_ids_, chunk_.mutable_server_id_indexes());
    FinishEvents();
    result_.bytes = chunk_.SerializeAsString();
    auto& fingerprints = result_.fingerprints;
    SortByNumber(&fingerprints, [](uint32_t fingerprint) { return fingerprint; });
    fingerprints.erase(std::unique(fingerprints.begin(), fingerprints.end()), fingerprints.end());
    return std::move(result_);
  }

 private:
  void AddEvent(absl::string_view wire, const SealedEvent& event) {
    if (receive_times_.empty() || receive_times_.back() != event.receive_time_us) {
      receive_times_.push_back(event.receive_time_us);
      receive_events_.push_back(0);
    }
    ++receive_events_.back();
    if (event.has_server_id) server_ids_.push_back(result_.event_count);
    ++result_.event_count;
    if (!TakeApart(wire, &fields_) || !FindColumns()) return AddRaw(wire, event);
    NoteTime(fields_.has_occur_time ? fields_.occur_time_us : event.receive_time_us);
    ids_.push_back(fields_.id);
    sources_.push_back(fields_.source);
    types_.push_back(fields_.type);
    if (fields_.has_occur_time) occur_times_.push_back(fields_.occur_time_us);
    for (size_t i = 0; i < fields_.attributes.size(); ++i)
      AddAttribute(fields_.attributes[i], attributes_[columns_of_event_[i]]);
    shapes_of_events_.push_back(ShapeIndex(shape_));
  }

  // Makes shape_ and columns_of_event_ the event's; false where it would need too many columns, or
  // has two attributes of one name.
  bool FindColumns() {
    columns_of_event_.clear();
    for (const SealedAttribute& attribute : fields_.attributes) {
      if (attributes_.size() == kMaxSealedColumns) return false;
      const int32_t column = ColumnOf(attribute);
      int64_t& last_event = last_event_of_name_[attributes_[column].name_number];
      if (std::exchange(last_event, result_.event_count) == result_.event_count) return false;
      columns_of_event_.push_back(column);
    }
    shape_.first = columns_of_event_;
    shape_.second = fields_.has_occur_time;
    std::sort(shape_.first.begin(), shape_.first.end());
    return true;
  }

  void AddAttribute(const SealedAttribute& attribute, Attribute& values) {
    if (attribute.kind == SealedKind::kString) {
      values.texts.push_back(attribute.text);
    } else {
      values.bits.push_back(attribute.bits);
    }
    if (values.indexed && KeyTextOf(attribute, &text_)) AddFingerprint(attribute.name, text_);
  }

  void AddRaw(absl::string_view wire, const SealedEvent& accepted) {
    raw_.push_back(wire);
    shapes_of_events_.push_back(ShapeIndex(kRawShape));
    lapse::v1::Event event;
    // What does not parse is told when it is read.
    if (!event.ParseFromArray(wire.data(), static_cast<int>(wire.size()))) return;
    NoteTime(event.has_occur_time() ? ToMicros(event.occur_time()) : accepted.receive_time_us);
    for (const std::string& name : indexed_) {
      const auto value = event.attributes().find(name);
      if (value != event.attributes().end() && KeyTextOf(AttributeOf(value->second), &text_))
        AddFingerprint(name, text_);
    }
  }

  // Without its name. No value at all is as little a key as a double.
  static SealedAttribute AttributeOf(const lapse::v1::Value& value) {
    switch (value.kind_case()) {
      case lapse::v1::Value::kStringValue:
        return {.kind = SealedKind::kString, .text = value.string_value()};
      case lapse::v1::Value::kBoolValue:
        return {.kind = SealedKind::kBool, .bits = value.bool_value() ? 1 : 0};
      case lapse::v1::Value::kInt64Value:
        return {.kind = SealedKind::kInt, .bits = value.int64_value()};
      case lapse::v1::Value::kDoubleValue:
      case lapse::v1::Value::KIND_NOT_SET:
        break;
    }
    return {.kind = SealedKind::kDouble};
  }

  void NoteTime(int64_t time_us) {
    result_.min_time_us = std::min(result_.min_time_us, time_us);
    result_.max_time_us = std::max(result_.max_time_us, time_us);
  }

  void AddFingerprint(absl::string_view name, absl::string_view text) {
    result_.fingerprints.push_back(SealedFingerprint(IndexFingerprint(seed_, name, text)));
  }

  int32_t ColumnOf(const SealedAttribute& attribute) {
    const uint64_t hash = XXH3_64bits_withSeed(attribute.name.data(), attribute.name.size(),
                                               static_cast<uint64_t>(attribute.kind));
    int32_t& recent = recent_columns_[hash % kRecentColumns];
    const bool is_it = static_cast<size_t>(recent) < attributes_.size() &&
                       attributes_[recent].kind == attribute.kind &&
                       attributes_[recent].name == attribute.name;
    if (!is_it) recent = LookUpColumn(attribute);
    return recent;
  }

  int32_t LookUpColumn(const SealedAttribute& attribute) {
    const std::string name(attribute.name);
    const auto [place, is_new] =
        columns_.try_emplace(std::make_pair(name, attribute.kind), attributes_.size());
    if (is_new) {
      const size_t name_number = names_.try_emplace(name, names_.size()).first->second;
      last_event_of_name_.resize(names_.size());
      const bool indexed = std::find(indexed_.begin(), indexed_.end(), name) != indexed_.end();
      attributes_.push_back({name, attribute.kind, indexed, name_number});
    }
    return static_cast<int32_t>(place->second);
  }

  int64_t ShapeIndex(const ShapeKey& shape) {
    const auto [place, is_new] = shape_places_.try_emplace(shape, shapes_.size());
    if (is_new) shapes_.push_back(shape);
    return static_cast<int64_t>(place->second);
  }

  void FinishEvents() {
    chunk_.set_event_count(static_cast<int32_t>(result_.event_count));
    for (ShapeKey& key : shapes_) {
      auto* shape = chunk_.add_shapes();
      shape->set_is_raw(key == kRawShape);
      if (shape->is_raw()) continue;
      shape->set_has_occur_time(key.second);
      std::sort(key.first.begin(), key.first.end(),
                [this](int32_t a, int32_t b) { return attributes_[a].name < attributes_[b].name; });
      shape->mutable_attributes()->Add(key.first.begin(), key.first.end());
    }
    EncodeInts(shapes_of_events_, chunk_.mutable_event_shapes());
    EncodeStrings(ids_, chunk_.mutable_ids());
    EncodeStrings(sources_, chunk_.mutable_sources());
    EncodeStrings(types_, chunk_.mutable_types());
    EncodeInts(occur_times_, chunk_.mutable_occur_times_us());
    for (const Attribute& attribute : attributes_)
      FinishAttribute(attribute, chunk_.add_attributes());
    EncodeStrings(raw_, chunk_.mutable_raw());
  }

  static void FinishAttribute(const Attribute& attribute, AttributeColumn* column) {
    column->set_name(attribute.name);
    switch (attribute.kind) {
      case SealedKind::kString:
        return EncodeStrings(attribute.texts, column->mutable_strings());
      case SealedKind::kBool:
        return EncodeInts(attribute.bits, column->mutable_bools());
      case SealedKind::kInt:
        return EncodeInts(attribute.bits, column->mutable_ints());
      case SealedKind::kDouble:
        break;
    }
    std::vector<double> doubles;
    for (const int64_t bits : attribute.bits) doubles.push_back(std::bit_cast<double>(bits));
    EncodeDoubles(doubles, column->mutable_doubles());
  }

  static constexpr size_t kRecentColumns = 512;

  const uint64_t seed_;
  const IndexedAttributes& indexed_;
  SealedChunk chunk_;
  EncodedSealedChunk result_;
  // Of the present event.
  SealedFields fields_;
  std::vector<int32_t> columns_of_event_;
  ShapeKey shape_;
  std::string text_;

  std::vector<int64_t> write_times_, mark_times_, entry_events_;
  std::vector<int64_t> receive_times_, receive_events_, server_ids_;
  std::vector<absl::string_view> ids_, sources_, types_, raw_;
  std::vector<int64_t> occur_times_;
  std::vector<int64_t> shapes_of_events_;
  std::vector<Attribute> attributes_;
  absl::flat_hash_map<std::pair<std::string, SealedKind>, size_t> columns_;
  absl::flat_hash_map<std::string, size_t> names_;
  // By name: the event that had it last, counted from 1.
  std::vector<int64_t> last_event_of_name_;
  // By hash: the column that was looked up last.
  std::array<int32_t, kRecentColumns> recent_columns_ = {};
  absl::flat_hash_map<ShapeKey, size_t> shape_places_;
  std::vector<ShapeKey> shapes_;
};

}  // namespace

absl::StatusOr<EncodedSealedChunk> EncodeSealedChunk(absl::Span<const SealedEntry> entries,
                                                     uint64_t seed,
                                                     const IndexedAttributes& indexed) {
  int64_t events = 0;
  for (const SealedEntry& entry : entries) events += static_cast<int64_t>(entry.events.size());
  if (events > kMaxSealedEvents || static_cast<int64_t>(entries.size()) > kMaxSealedEvents)
    return absl::InvalidArgumentError("too many events for one sealed chunk");
  Encoder encoder(seed, indexed);
  for (const SealedEntry& entry : entries) encoder.Add(entry);
  return encoder.Finish(entries.front());
}

}  // namespace lapse::storage
