// The messages of a load: batches of serialized events, made before the clock starts, whose ids,
// keys and times are renewed in place before each send.
#ifndef LAPSE_BENCH_LOAD_EVENT_POOL_H_
#define LAPSE_BENCH_LOAD_EVENT_POOL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "bench/load/event_ids.h"

namespace lapse::bench {

enum class Profile {
  // Journeys of payments, orders and drivers, half of the events payments. Expectations open and
  // are met as in the workloads; an event's time is that of its sending, less its delay.
  kMix,
  // Every event is of one type and has a key of its own, 16 bytes of text.
  kOpen,
};

struct PoolOptions {
  Profile profile = Profile::kMix;
  IdForm ids = IdForm::kUuid4;
  uint64_t seed = 1;
  size_t batches = 64;
  size_t batch_events = 1'000;
  // Of the first round through the pool; each further round takes others. kFirstKey to kLastKey.
  int64_t first_key = 0;
  // Of kOpen.
  std::string open_type = "order_created";
  // Of kOpen, where over 0: every event happens within this second since 1970.
  int64_t open_second = 0;
};

// Keys have numbers of nine digits, so that a new one fits in the place of the last.
inline constexpr int64_t kFirstKey = 300'000'000;
inline constexpr int64_t kLastKey = 999'999'999;

// One thread at a time.
class EventPool {
 public:
  // INVALID_ARGUMENT for a first key out of range, or no events.
  static absl::StatusOr<EventPool> Make(const PoolOptions& options);

  size_t batches() const { return batches_.size(); }
  size_t batch_events() const { return batch_events_; }
  // Of an event with its framing, on average.
  double mean_event_bytes() const;

  // Renews batch `index` for a send at `now_us` and returns it: an IngestEventStreamRequest with
  // this number where `batch_number` is over 0, else a BatchIngestEventsRequest. Valid until the
  // next call with this index. Batches are taken in turn, from 0: a round begins with 0.
  absl::string_view RenewBatch(size_t index, int64_t batch_number, int64_t now_us);

  // Renews the next event of all, in turn, and returns it as an IngestEventRequest. Valid until all
  // others have had their turn.
  absl::string_view NextEvent(int64_t now_us);

 private:
  enum class KeyForm { kNone, kDigits9, kDigits14, kVarint };

  // Places in the bytes of a batch.
  struct EventPlaces {
    uint32_t begin = 0;
    uint32_t end = 0;
    uint32_t id = 0;
    uint32_t seconds = 0;
    uint32_t nanos = 0;
    uint32_t key = 0;
    KeyForm key_form = KeyForm::kNone;
    // Within a round.
    int32_t key_number = 0;
    int32_t delay_us = 0;
  };
  struct Batch {
    std::string bytes;
    std::vector<EventPlaces> events;
    // The round the next renewal is for.
    int64_t round = 0;
  };
  friend class PoolBuilder;

  explicit EventPool(const PoolOptions& options);
  void Renew(Batch& batch, const EventPlaces& places, int64_t now_us);
  void WriteTime(int64_t time_us, const EventPlaces& places, char* bytes) const;

  PoolOptions options_;
  EventIds ids_;
  size_t batch_events_;
  std::vector<Batch> batches_;
  // Keys in a round.
  int64_t round_keys_ = 0;
  size_t next_batch_ = 0;
  size_t next_event_ = 0;
};

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_LOAD_EVENT_POOL_H_
