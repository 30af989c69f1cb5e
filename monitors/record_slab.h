// Memory for many small records: cells of four-byte steps in segments of 16 KiB, found again by a
// small number. No allocation a record, and growth that never copies.
//
//   segment   | cell | cell | free | cell | free      |
//   cell      | tag: size in steps, kind (2 bytes) | the record's bytes | padding |
//   free cell | tag, kind 0                        | -  | next free one (4 bytes) |
#ifndef LAPSE_MONITORS_RECORD_SLAB_H_
#define LAPSE_MONITORS_RECORD_SLAB_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace lapse::monitors {

// Used by one thread at a time.
class RecordSlab {
 public:
  // Where a record is; below 2^30. It stays where it is until it is freed.
  using Place = uint32_t;
  static constexpr Place kNowhere = UINT32_MAX;

  static constexpr size_t kMaxRecordBytes = 4'000;
  // A record's kind: 1 to 15.
  static constexpr uint8_t kFree = 0;

  // `bytes` is not empty and has at most kMaxRecordBytes.
  Place Add(uint8_t kind, std::string_view bytes);
  void Free(Place place);
  // Puts another record in its place; false, with nothing done, where the cell is not of its size.
  bool Replace(Place place, uint8_t kind, std::string_view bytes);

  // Whether the place is within the slab; it may still be in the midst of a cell.
  bool Has(Place place) const {
    const size_t segment = place / kSegmentSteps;
    if (segment + 1 < segments_.size()) return true;
    return segment < segments_.size() && place % kSegmentSteps < used_steps_;
  }

  // kFree where the place holds no record.
  uint8_t KindAt(Place place) const { return static_cast<uint8_t>(TagAt(place) & 15); }
  // With padding: up to three bytes, up to 63 where it is large. Valid until the record is freed.
  std::string_view BytesAt(Place place) const {
    // In the midst of a cell anything may stand for the size.
    const size_t steps = std::min(CellSteps(place), kSegmentSteps - place % kSegmentSteps);
    return {CellAt(place) + kTagBytes, std::max<size_t>(steps, 1) * kStepBytes - kTagBytes};
  }
  void Prefetch(Place place) const {
    const char* cell = CellAt(place);
    __builtin_prefetch(cell);
    __builtin_prefetch(cell + 64);
  }

  // Of where a record's bytes are found; and, some time later, of where the next record goes.
  void PrefetchSegments() const {
    if (!segments_.empty()) __builtin_prefetch(&segments_.back());
  }
  void PrefetchNew() const {
    if (segments_.empty()) return;
    const char* const next = segments_.back().get() + size_t{used_steps_} * kStepBytes;
    __builtin_prefetch(next, 1);
    __builtin_prefetch(next + 64, 1);
  }

  // Calls `visit(place)` for each record, in order of places. It may free the record.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (size_t segment = 0; segment < segments_.size(); ++segment) {
      const uint32_t end = segment + 1 < segments_.size() ? kSegmentSteps : used_steps_;
      for (uint32_t step = 0; step < end;) {
        const Place place = static_cast<Place>(segment * kSegmentSteps + step);
        step += CellSteps(place);
        if (KindAt(place) != kFree) visit(place);
      }
    }
  }

  size_t record_count() const { return record_count_; }
  size_t free_bytes() const { return size_t{free_steps_} * kStepBytes; }
  size_t total_bytes() const { return segments_.size() * kSegmentBytes; }

 private:
  static constexpr size_t kStepBytes = 4;
  static constexpr size_t kSegmentBytes = 16u << 10;
  static constexpr uint32_t kSegmentSteps = kSegmentBytes / kStepBytes;
  static constexpr size_t kTagBytes = 2;
  static constexpr uint32_t kMinSteps = 2;
  // Free cells of up to this size have a list a size. The sizes of larger ones are multiples of
  // kCoarseSteps, but for rests, which are in the list of the next smaller size.
  static constexpr uint32_t kMaxFineSteps = 96;
  static constexpr uint32_t kCoarseSteps = 16;
  static constexpr uint32_t kLastList = kMaxFineSteps + 58;
  // How many larger sizes are looked through for a cell to cut.
  static constexpr uint32_t kCutSearch = 24;

  char* CellAt(Place place) const {
    return segments_[place / kSegmentSteps].get() + size_t{place % kSegmentSteps} * kStepBytes;
  }
  uint16_t TagAt(Place place) const {
    uint16_t tag;
    std::memcpy(&tag, CellAt(place), sizeof(tag));
    return tag;
  }
  uint32_t CellSteps(Place place) const { return TagAt(place) >> 4; }
  void SetTag(Place place, uint32_t steps, uint8_t kind) {
    const uint16_t tag = static_cast<uint16_t>(steps << 4 | kind);
    std::memcpy(CellAt(place), &tag, sizeof(tag));
  }
  Place NextFree(Place place) const {
    Place next;
    std::memcpy(&next, CellAt(place) + kStepBytes, sizeof(next));
    return next;
  }
  static uint32_t StepsFor(std::string_view bytes) {
    const size_t steps = (kTagBytes + bytes.size() + kStepBytes - 1) / kStepBytes;
    if (steps <= kMaxFineSteps) return std::max(static_cast<uint32_t>(steps), kMinSteps);
    return static_cast<uint32_t>((steps + kCoarseSteps - 1) / kCoarseSteps * kCoarseSteps);
  }
  static uint32_t ListOf(uint32_t steps) {
    if (steps <= kMaxFineSteps) return steps;
    return std::min(kMaxFineSteps + (steps - kMaxFineSteps) / kCoarseSteps, kLastList);
  }

  void Write(Place place, uint8_t kind, std::string_view bytes);
  Place Take(uint32_t steps);
  // From the lists `first` to `last`, which have no smaller cells; kNowhere where they have none.
  Place TakeListed(uint32_t steps, uint32_t first, uint32_t last);
  Place TakeNew(uint32_t steps);
  void Cut(Place place, uint32_t steps);
  void PutFree(Place place, uint32_t steps);

  std::vector<std::unique_ptr<char[]>> segments_;
  // Of the last segment.
  uint32_t used_steps_ = kSegmentSteps;
  uint32_t free_steps_ = 0;
  // Free cells of more than kMaxFineSteps.
  uint32_t large_free_ = 0;
  size_t record_count_ = 0;
  // The first of each list's cells, plus 1; 0 for none.
  std::array<Place, kLastList + 1> free_ = {};
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_RECORD_SLAB_H_
