#include "bench/load/event_pool.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "bench/load/pool_builder.h"

namespace lapse::bench {
namespace {

// From here a varint takes four bytes, up to 2^28; batches are numbered from here.
constexpr int64_t kFirstBatchNumber = 1 << 21;
// From here it takes five, up to 2^35.
constexpr int64_t kFirstNanos = 1 << 28;
constexpr int64_t kDriverKeys = 7'000'000;

void WriteVarint(uint64_t value, int bytes, char* out) {
  for (int i = 0; i < bytes; ++i, value >>= 7) {
    out[i] = static_cast<char>((value & 0x7f) | (i + 1 < bytes ? 0x80 : 0));
  }
}

}  // namespace

absl::StatusOr<EventPool> EventPool::Make(const PoolOptions& options) {
  PoolOptions valid = options;
  if (valid.first_key == 0) valid.first_key = kFirstKey;
  if (valid.first_key < kFirstKey || valid.first_key > kLastKey) {
    return absl::InvalidArgumentError(absl::StrCat("the first key is ", valid.first_key,
                                                   "; it may be ", kFirstKey, " to ", kLastKey));
  }
  if (valid.batches == 0 || valid.batch_events == 0) {
    return absl::InvalidArgumentError("a pool needs a batch of one event at least");
  }
  EventPool pool(valid);
  PoolBuilder(valid, pool).Build();
  return pool;
}

EventPool::EventPool(const PoolOptions& options)
    : options_(options), ids_(options.ids, options.seed), batch_events_(options.batch_events) {}

double EventPool::mean_event_bytes() const {
  size_t bytes = 0;
  for (const Batch& batch : batches_) bytes += batch.bytes.size() - kBatchPrefixBytes;
  return static_cast<double>(bytes) / static_cast<double>(batches_.size() * batch_events_);
}

absl::string_view EventPool::RenewBatch(size_t index, int64_t batch_number, int64_t now_us) {
  Batch& batch = batches_[index];
  for (const EventPlaces& places : batch.events) Renew(batch, places, now_us);
  ++batch.round;
  const absl::string_view bytes(batch.bytes);
  if (batch_number == 0) return bytes.substr(kBatchPrefixBytes);
  WriteVarint(static_cast<uint64_t>(kFirstBatchNumber + batch_number), kBatchPrefixBytes - 1,
              &batch.bytes[1]);
  return bytes;
}

absl::string_view EventPool::NextEvent(int64_t now_us) {
  Batch& batch = batches_[next_batch_];
  const EventPlaces& places = batch.events[next_event_];
  Renew(batch, places, now_us);
  if (++next_event_ == batch.events.size()) {
    ++batch.round;
    next_event_ = 0;
    next_batch_ = (next_batch_ + 1) % batches_.size();
  }
  return absl::string_view(batch.bytes).substr(places.begin, places.end - places.begin);
}

void EventPool::Renew(Batch& batch, const EventPlaces& places, int64_t now_us) {
  char* const bytes = batch.bytes.data();
  ids_.Write(now_us, bytes + places.id);
  WriteTime(options_.open_second > 0 ? options_.open_second * limits::kMicrosPerSecond
                                     : now_us - places.delay_us,
            places, bytes);
  const int64_t span = kLastKey - options_.first_key + 1;
  const auto key = static_cast<uint64_t>(options_.first_key +
                                         (batch.round * round_keys_ + places.key_number) % span);
  switch (places.key_form) {
    case KeyForm::kNone:
      return;
    case KeyForm::kDigits9:
      return WriteDigits(key, 9, bytes + places.key);
    case KeyForm::kDigits14:
      return WriteDigits(key, 14, bytes + places.key);
    case KeyForm::kVarint:
      return WriteVarint(kDriverKeys + key, 5, bytes + places.key);
  }
}

// Nanoseconds below kFirstNanos would take fewer bytes: such a time is set back to the end of the
// second before. Two events of a key then tie, and stay in their order.
void EventPool::WriteTime(int64_t time_us, const EventPlaces& places, char* bytes) const {
  int64_t seconds = time_us / limits::kMicrosPerSecond;
  int64_t nanos = time_us % limits::kMicrosPerSecond * 1'000;
  if (options_.open_second > 0) {
    nanos = kFirstNanos + places.key_number % 700'000 * 1'000;
  } else if (nanos < kFirstNanos) {
    --seconds;
    nanos = 999'999'000;
  }
  WriteVarint(static_cast<uint64_t>(seconds), 5, bytes + places.seconds);
  WriteVarint(static_cast<uint64_t>(nanos), 5, bytes + places.nanos);
}

}  // namespace lapse::bench
