#include "monitors/record_slab.h"

namespace lapse::monitors {

RecordSlab::Place RecordSlab::Add(uint8_t kind, std::string_view bytes) {
  const Place place = Take(StepsFor(bytes));
  Write(place, kind, bytes);
  ++record_count_;
  return place;
}

void RecordSlab::Write(Place place, uint8_t kind, std::string_view bytes) {
  const uint32_t steps = CellSteps(place);
  SetTag(place, steps, kind);
  char* const begin = CellAt(place) + kTagBytes;
  std::memcpy(begin, bytes.data(), bytes.size());
  std::memset(begin + bytes.size(), 0, steps * kStepBytes - kTagBytes - bytes.size());
}

bool RecordSlab::Replace(Place place, uint8_t kind, std::string_view bytes) {
  if (StepsFor(bytes) != CellSteps(place)) return false;
  Write(place, kind, bytes);
  return true;
}

void RecordSlab::Free(Place place) {
  --record_count_;
  PutFree(place, CellSteps(place));
}

// The cell's tag has its size.
RecordSlab::Place RecordSlab::Take(uint32_t steps) {
  const uint32_t list = ListOf(steps);
  Place place = TakeListed(steps, list, std::min(list + kCutSearch, kMaxFineSteps));
  if (place == kNowhere && large_free_ > 0) {
    place = TakeListed(steps, std::max(list, kMaxFineSteps + 1), kLastList);
  }
  return place == kNowhere ? TakeNew(steps) : place;
}

RecordSlab::Place RecordSlab::TakeListed(uint32_t steps, uint32_t first, uint32_t last) {
  for (uint32_t list = first; list <= last; ++list) {
    // A rest of one step is no cell.
    if (free_[list] == 0 || list == steps + 1) continue;
    const Place place = free_[list] - 1;
    free_[list] = NextFree(place);
    free_steps_ -= CellSteps(place);
    if (CellSteps(place) > kMaxFineSteps) --large_free_;
    Cut(place, steps);
    return place;
  }
  return kNowhere;
}

RecordSlab::Place RecordSlab::TakeNew(uint32_t steps) {
  // The rest of a segment has room for a cell or is nothing.
  const uint32_t rest = kSegmentSteps - used_steps_;
  if (rest < steps || (rest != steps && rest < steps + kMinSteps)) {
    if (rest > 0) {
      PutFree(static_cast<Place>((segments_.size() - 1) * kSegmentSteps + used_steps_), rest);
    }
    segments_.push_back(std::make_unique_for_overwrite<char[]>(kSegmentBytes));
    used_steps_ = 0;
  }
  const Place place = static_cast<Place>((segments_.size() - 1) * kSegmentSteps + used_steps_);
  used_steps_ += steps;
  SetTag(place, steps, kFree);
  return place;
}

void RecordSlab::Cut(Place place, uint32_t steps) {
  const uint32_t has = CellSteps(place);
  // What is no cell stays with this one.
  if (has < steps + kMinSteps) return SetTag(place, has, kFree);
  SetTag(place, steps, kFree);
  PutFree(place + steps, has - steps);
}

void RecordSlab::PutFree(Place place, uint32_t steps) {
  SetTag(place, steps, kFree);
  Place& first = free_[ListOf(steps)];
  std::memcpy(CellAt(place) + kStepBytes, &first, sizeof(first));
  first = place + 1;
  free_steps_ += steps;
  if (steps > kMaxFineSteps) ++large_free_;
}

}  // namespace lapse::monitors
