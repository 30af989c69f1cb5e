// Events with the bytes they are read from.
#ifndef LAPSE_STORAGE_EVENT_BATCH_H_
#define LAPSE_STORAGE_EVENT_BATCH_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "lapse/v1/event.pb.h"
#include "storage/event_view.h"

namespace lapse::storage {

// Owns what its events point into. Used by one thread until it is handed on; moving it keeps the
// events, and what they point to, in their places.
class EventBatch {
 public:
  EventBatch() = default;
  EventBatch(EventBatch&&) = default;
  EventBatch& operator=(EventBatch&&) = default;

  // Copies of `events`, for callers that have objects. Each has the limits of EventView.
  static EventBatch Of(const google::protobuf::RepeatedPtrField<lapse::v1::Event>& events);

  static EventBatch Of(const lapse::v1::Event& event);

  // Room that lives as long as the batch.
  char* Allocate(size_t size);

  void Reserve(size_t events) { events_.reserve(events); }

  // Adds the event that is serialized in `bytes`, which the batch or the caller keeps; where they
  // directly follow those of the event before, but for a few bytes, these are its frame (see
  // EventFrameReader). False, and nothing is added, where they have not the shape of
  // EventView::Scan.
  bool Add(absl::string_view bytes);
  // Adds a copy of `event` as its serialized form should be: without what only the server sets.
  // False where it has no name for an attribute or breaks another limit of EventView.
  bool AddCopy(lapse::v1::Event event);
  void DropLast() { events_.pop_back(); }

  // Gives each event without an id one of 36 characters from `next`; returns which they were,
  // ascending.
  std::vector<int> GiveIds(absl::FunctionRef<std::string()> next);

  const std::vector<EventView>& events() const { return events_; }
  // Of the events in their frames.
  size_t ByteSize() const;
  // Of all that Allocate gave, which may be far more than its events take up.
  size_t AllocatedBytes() const { return allocated_bytes_; }

 private:
  std::vector<std::unique_ptr<char[]>> buffers_;
  size_t allocated_bytes_ = 0;
  std::vector<EventView> events_;
};

// How many bytes the frame of an event adds to it, and the frame written to `out`; returns where it
// ends.
size_t EventFrameBytes(size_t event_size);
char* WriteEventFrame(size_t event_size, char* out);

// Goes through serialized events that stand one after another, each a field 2 with its size in
// front, as in a BatchIngestEventsRequest.
class EventFrameReader {
 public:
  explicit EventFrameReader(absl::string_view frames) : in_(frames) {}

  // False at the end, and where no such field comes next, or none that is whole: then the last
  // event did not end where the frames do.
  bool Next(absl::string_view* event) { return in_.TakeTag(kTag) && in_.TakeBytes(event); }

 private:
  static constexpr uint8_t kTag = 2 << 3 | 2;

  WireReader in_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_EVENT_BATCH_H_
