#include "bench/load/pool_builder.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "bench/workload/generator.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace lapse::bench {
namespace {

// A round's journeys last so long, and their delays shrink alike, so that at full rate they take
// about as long as they seem to.
constexpr int64_t kRoundUs = 200 * limits::kMicrosPerMilli;
constexpr double kTimeScale = 1e-5;

// Bytes that stand nowhere else in an event: what is renewed is found by them.
constexpr absl::string_view kDigits9 = "987654321";
constexpr absl::string_view kDigits14 = "98765432123456";
constexpr int64_t kVarintKey = 7'000'000 + 987'654'321;
constexpr int64_t kSeconds = 1'987'654'321;
constexpr int32_t kNanos = 876'543'210;

constexpr char kBatchNumberTag = 0x08;
// Of `event` and `events`, in every request.
constexpr char kEventTag = 0x12;
constexpr char kSecondsTag = 0x08;
constexpr char kNanosTag = 0x10;
constexpr char kInt64ValueTag = 0x18;

std::string TaggedVarint(char tag, uint64_t value) {
  std::string bytes(1, tag);
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>(value | 0x80));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

// Where `mark` stands in `event`. Anything but once is a fault of this program.
uint32_t PlaceOf(absl::string_view event, absl::string_view mark) {
  const size_t place = event.find(mark);
  if (place == absl::string_view::npos) std::abort();
  if (event.find(mark, place + 1) != absl::string_view::npos) std::abort();
  return static_cast<uint32_t>(place);
}

const char* KeyAttribute(Shape shape) {
  return shape == Shape::kPayments ? "payment_id" : "order_id";
}

WorkloadOptions MixOptions(Shape shape, int64_t event_count, uint64_t seed) {
  WorkloadOptions options;
  options.shape = shape;
  options.seed = seed;
  options.event_count = event_count;
  options.duration_us = kRoundUs;
  options.time_scale = kTimeScale;
  options.duplicate_rate = 0;
  return options;
}

}  // namespace

void PoolBuilder::Build() {
  options_.profile == Profile::kMix ? DraftMix() : DraftOpen();
  int64_t last_key = 0;
  size_t next = 0;
  for (size_t b = 0; b < options_.batches; ++b) {
    EventPool::Batch& batch = pool_.batches_.emplace_back();
    batch.bytes.assign(kBatchPrefixBytes, kBatchNumberTag);
    for (size_t i = 0; i < options_.batch_events; ++i, ++next) {
      last_key = std::max(last_key, drafts_[next].key_number);
      batch.events.push_back(Append(drafts_[next], batch.bytes));
    }
  }
  pool_.round_keys_ = last_key + 1;
}

void PoolBuilder::DraftMix() {
  const auto events = static_cast<int64_t>(options_.batches * options_.batch_events);
  AddShape(Shape::kOrders, events / 4);
  AddShape(Shape::kDrivers, events / 4);
  AddShape(Shape::kPayments, events - 2 * (events / 4));
  std::stable_sort(drafts_.begin(), drafts_.end(),
                   [](const Draft& a, const Draft& b) { return a.arrival_us < b.arrival_us; });
}

void PoolBuilder::AddShape(Shape shape, int64_t event_count) {
  if (event_count == 0) return;
  Workload workload = GenerateWorkload(MixOptions(shape, event_count, options_.seed));
  for (const Arrival& arrival : workload.arrivals) {
    const auto index = static_cast<size_t>(arrival.event);
    Draft& draft = drafts_.emplace_back();
    draft.arrival_us = arrival.arrival_us;
    draft.event = std::move(workload.events[index]);
    draft.delay_us = arrival.arrival_us - ToMicros(draft.event.occur_time());
    draft.key_number = workload.key_numbers[index];
    draft.key_attribute = KeyAttribute(shape);
  }
}

void PoolBuilder::DraftOpen() {
  const size_t events = options_.batches * options_.batch_events;
  const Workload workload = GenerateWorkload(MixOptions(Shape::kOrders, 1'000, options_.seed));
  for (size_t i = 0; i < events; ++i) {
    Draft& draft = drafts_.emplace_back();
    draft.event = workload.events[i % workload.events.size()];
    draft.event.set_type(options_.open_type);
    draft.key_number = static_cast<int64_t>(i);
    draft.key_attribute = "order_id";
  }
}

EventPool::KeyForm PoolBuilder::SetKey(Draft& draft) {
  if (draft.key_number < 0) return EventPool::KeyForm::kNone;
  lapse::v1::Value& key = (*draft.event.mutable_attributes())[draft.key_attribute];
  if (options_.profile == Profile::kOpen) {
    key.set_string_value("A-" + std::string(kDigits14));
    return EventPool::KeyForm::kDigits14;
  }
  if (key.kind_case() == lapse::v1::Value::kInt64Value) {
    key.set_int64_value(kVarintKey);
    return EventPool::KeyForm::kVarint;
  }
  const bool payment = draft.key_attribute[0] == 'p';
  key.set_string_value((payment ? "pay_" : "A-") + std::string(kDigits9));
  return EventPool::KeyForm::kDigits9;
}

EventPool::EventPlaces PoolBuilder::Append(Draft& draft, std::string& bytes) {
  EventPool::EventPlaces places;
  places.key_form = SetKey(draft);
  places.key_number = static_cast<int32_t>(std::max<int64_t>(0, draft.key_number));
  places.delay_us = static_cast<int32_t>(draft.delay_us);
  const std::string id(pool_.ids_.Size(), '#');
  draft.event.set_id(id);
  draft.event.mutable_occur_time()->set_seconds(kSeconds);
  draft.event.mutable_occur_time()->set_nanos(kNanos);

  const std::string event = draft.event.SerializeAsString();
  const std::string head = TaggedVarint(kEventTag, event.size());
  places.begin = static_cast<uint32_t>(bytes.size());
  const auto begin = static_cast<uint32_t>(bytes.size() + head.size());
  bytes += head;
  bytes += event;
  places.end = static_cast<uint32_t>(bytes.size());
  places.id = begin + PlaceOf(event, id);
  places.seconds = begin + 1 + PlaceOf(event, TaggedVarint(kSecondsTag, kSeconds));
  places.nanos = begin + 1 + PlaceOf(event, TaggedVarint(kNanosTag, kNanos));
  switch (places.key_form) {
    case EventPool::KeyForm::kNone:
      break;
    case EventPool::KeyForm::kDigits9:
      places.key = begin + PlaceOf(event, kDigits9);
      break;
    case EventPool::KeyForm::kDigits14:
      places.key = begin + PlaceOf(event, kDigits14);
      break;
    case EventPool::KeyForm::kVarint:
      places.key = begin + 1 + PlaceOf(event, TaggedVarint(kInt64ValueTag, kVarintKey));
      break;
  }
  return places;
}

}  // namespace lapse::bench
