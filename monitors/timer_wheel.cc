#include "monitors/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <utility>

namespace lapse::monitors {
namespace {

// While one place is looked at, those so far ahead are fetched.
constexpr size_t kPrefetchAhead = 12;

uint8_t BitsOf(int64_t tick) { return static_cast<uint8_t>(tick); }

template <typename Visit>
void VisitChunk(const TimerChunk& chunk, const TimerOwner& owner, Visit visit) {
  for (size_t i = 0; i < std::min<size_t>(kPrefetchAhead, chunk.count); ++i) {
    owner.Prefetch(chunk.At(i).place);
  }
  for (size_t i = 0; i < chunk.count; ++i) {
    if (i + kPrefetchAhead < chunk.count) owner.Prefetch(chunk.At(i + kPrefetchAhead).place);
    visit(chunk.At(i));
  }
}

}  // namespace

TimerWheel::Slot TimerWheel::SlotOf(int64_t tick) const {
  const uint64_t differs = static_cast<uint64_t>(tick ^ present_tick_);
  const int level = differs == 0 ? 0 : (std::bit_width(differs) - 1) / kDigitBits;
  return {level, static_cast<int>(tick >> (level * kDigitBits)) & (kDigits - 1)};
}

void TimerWheel::Add(int64_t at_us, TimerPlace place) {
  const int64_t tick = TickOf(at_us);
  if (tick < present_tick_) {
    AddToHeap(place);
  } else {
    Put(SlotOf(tick), at_us, place);
  }
}

void TimerWheel::Put(Slot slot, int64_t at_us, TimerPlace place) {
  TimerBucket& bucket = BucketAt(slot);
  bucket.Add({place, BitsOf(TickOf(at_us))}, pool_);
  if (at_us <= bucket.earliest_us) {
    bucket.earliest_us = at_us;
    bucket.earliest_cleared = false;
  }
  occupied_[slot.level] |= uint64_t{1} << slot.digit;
  ++bucketed_;
}

void TimerWheel::AddToHeap(TimerPlace place) {
  const std::optional<KeyTimer> timer = owner_.ExactTimerAt(place);
  if (!timer.has_value()) return;
  heap_.push_back({timer->at_us, timer->key, place});
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
}

void TimerWheel::Clear(int64_t at_us) {
  const int64_t tick = TickOf(at_us);
  if (tick < present_tick_) return;
  const Slot slot = SlotOf(tick);
  TimerBucket& bucket = BucketAt(slot);
  ++bucket.void_count;
  ++bucket.unswept;
  if (at_us == bucket.earliest_us) bucket.earliest_cleared = true;
  if (bucket.void_count * 3 > bucket.count()) SweepSome(slot, bucket);
}

// Each clearing pays for looking at three places or so; a chunk is looked at when that is paid.
void TimerWheel::SweepSome(Slot slot, TimerBucket& bucket) {
  if (bucket.unswept * 3 < std::min(TimerChunk::kCapacity, bucket.count())) return;
  bucket.unswept = 0;
  std::unique_ptr<TimerChunk> chunk = bucket.TakeOldChunk();
  if (chunk == nullptr) return;
  const size_t had = chunk->count;
  std::unique_ptr<TimerChunk> kept = pool_.Take();
  kept->count = 0;
  kept->next = nullptr;
  VisitChunk(*chunk, owner_, [&](TimerEntry entry) {
    if (Holds(slot, entry, owner_.TimerAt(entry.place))) kept->Append(entry);
  });
  const size_t dropped = had - kept->count;
  bucketed_ -= dropped;
  bucket.void_count -= std::min(bucket.void_count, dropped);
  bucket.PutBack(std::move(kept), pool_);
  pool_.Give(std::move(chunk));
  NoteEmpty(slot);
}

bool TimerWheel::Holds(Slot slot, TimerEntry entry, int64_t at_us) const {
  if (at_us == kNever) return false;
  const int64_t tick = TickOf(at_us);
  if (tick < present_tick_ || BitsOf(tick) != entry.tick_bits) return false;
  const Slot now = SlotOf(tick);
  return now.level == slot.level && now.digit == slot.digit;
}

void TimerWheel::NoteEmpty(Slot slot) {
  TimerBucket& bucket = BucketAt(slot);
  if (bucket.count() > 0) return;
  occupied_[slot.level] &= ~(uint64_t{1} << slot.digit);
  bucket.earliest_us = kNever;
  bucket.earliest_cleared = false;
  bucket.void_count = 0;
  bucket.unswept = 0;
}

// Buckets of a lower level come before those of a higher one, but for the higher one that begins at
// the present and is not dealt out yet.
std::optional<TimerWheel::Next> TimerWheel::NextBucket() const {
  std::optional<Next> next;
  for (int level = 0; level < kLevels; ++level) {
    const int shift = level * kDigitBits;
    const int present = static_cast<int>(present_tick_ >> shift) & (kDigits - 1);
    const uint64_t ahead = occupied_[level] & ~uint64_t{0} << present;
    if (ahead == 0) continue;
    const int digit = std::countr_zero(ahead);
    const int64_t block = present_tick_ >> shift >> kDigitBits << kDigitBits;
    const int64_t start = (block | digit) << shift;
    if (!next.has_value() || start <= next->start_tick) next = Next{{level, digit}, start};
  }
  return next;
}

void TimerWheel::AdvanceTo(int64_t tick) {
  for (auto next = NextBucket(); next.has_value(); next = NextBucket()) {
    // One bucket at a time goes to the heap: those after it can wait.
    const int64_t end = heap_.empty() ? tick : present_tick_;
    // One of a higher level is dealt out as soon as the present is its beginning.
    const bool reached =
        next->start_tick < end || (next->start_tick == end && next->slot.level > 0);
    if (!reached) break;
    DealOut(*next);
  }
  if (heap_.empty()) present_tick_ = std::max(present_tick_, tick);
}

void TimerWheel::DealOut(const Next& next) {
  TimerBucket& bucket = BucketAt(next.slot);
  const bool is_due = next.slot.level == 0;
  present_tick_ = std::max(present_tick_, next.start_tick + (is_due ? 1 : 0));
  const size_t heap_size = heap_.size();
  while (std::unique_ptr<TimerChunk> chunk = bucket.TakeChunk()) {
    bucketed_ -= chunk->count;
    VisitChunk(*chunk, owner_, [&](TimerEntry entry) {
      if (is_due) return MoveToHeap(entry.place);
      const int64_t at_us = owner_.TimerAt(entry.place);
      if (at_us == kNever) return;
      const int64_t tick = TickOf(at_us);
      const int shift = next.slot.level * kDigitBits;
      // One that is elsewhere has been added there.
      if (tick >> shift != next.start_tick >> shift || BitsOf(tick) != entry.tick_bits) return;
      Put(SlotOf(tick), at_us, entry.place);
    });
    pool_.Give(std::move(chunk));
  }
  NoteEmpty(next.slot);
  if (heap_.size() > heap_size) std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
}

void TimerWheel::MoveToHeap(TimerPlace place) {
  const std::optional<KeyTimer> timer = owner_.ExactTimerAt(place);
  if (!timer.has_value() || TickOf(timer->at_us) >= present_tick_) return;
  heap_.push_back({timer->at_us, timer->key, place});
}

void TimerWheel::DropVoidHeapTop() {
  while (!heap_.empty()) {
    const HeapEntry& top = heap_.front();
    const std::optional<KeyTimer> timer = owner_.ExactTimerAt(top.place);
    if (timer.has_value() && timer->at_us == top.at_us && timer->key == top.key) return;
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    heap_.pop_back();
  }
}

std::optional<TimerWheel::Due> TimerWheel::PopDue(int64_t mark_us) {
  DropVoidHeapTop();
  // What is in the heap is before all buckets.
  while (heap_.empty() && present_tick_ <= TickOf(mark_us)) {
    AdvanceTo(TickOf(mark_us) + 1);
    DropVoidHeapTop();
  }
  if (heap_.empty() || heap_.front().at_us > mark_us) return std::nullopt;
  const Due due{heap_.front().at_us, heap_.front().place};
  std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
  heap_.pop_back();
  return due;
}

int64_t TimerWheel::NextUs() {
  DropVoidHeapTop();
  if (!heap_.empty()) return heap_.front().at_us;
  for (auto next = NextBucket(); next.has_value(); next = NextBucket()) {
    const int64_t earliest_us = EarliestIn(next->slot);
    if (earliest_us != kNever) return earliest_us;
  }
  return kNever;
}

int64_t TimerWheel::EarliestIn(Slot slot) {
  TimerBucket& bucket = BucketAt(slot);
  if (!bucket.earliest_cleared || bucket.count() > kExactCount) return bucket.earliest_us;
  // A small bucket may still lie in a few chunks.
  std::vector<std::pair<int64_t, TimerPlace>> kept;
  while (std::unique_ptr<TimerChunk> chunk = bucket.TakeChunk()) {
    bucketed_ -= chunk->count;
    for (size_t i = 0; i < chunk->count; ++i) {
      const TimerEntry entry = chunk->At(i);
      const int64_t at_us = owner_.TimerAt(entry.place);
      if (Holds(slot, entry, at_us)) kept.emplace_back(at_us, entry.place);
    }
    pool_.Give(std::move(chunk));
  }
  NoteEmpty(slot);
  for (const auto& [at_us, place] : kept) Put(slot, at_us, place);
  return bucket.earliest_us;
}

}  // namespace lapse::monitors
