// An event in its place among the events of one key, and, for a primary, the expectation it opened.
#ifndef LAPSE_MONITORS_FOLLOW_UP_EVENT_H_
#define LAPSE_MONITORS_FOLLOW_UP_EVENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "lapse/v1/alert.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/key_state.h"

namespace lapse::monitors {

// What the fold over a key's events says of a primary. Written to checkpoints: values never change.
enum class Judged : uint8_t {
  kNotOpened = 0,
  kOpen = 1,
  kMissed = 2,
  kMet = 3,
  kLate = 4,
  kCancelledLate = 5,
  kCancelled = 6,
  kShed = 7,
};

// Whether an expectation that is judged so has an alert once its fire time has passed.
inline bool NeedsAlert(Judged judged) {
  return judged == Judged::kOpen || judged == Judged::kMissed || judged == Judged::kLate ||
         judged == Judged::kCancelledLate;
}

// What the books show of an expectation.
struct Shown {
  lapse::v1::Verdict verdict = lapse::v1::VERDICT_UNSPECIFIED;
  lapse::v1::VerdictReason reason = lapse::v1::VERDICT_REASON_UNSPECIFIED;
  int64_t ending_sequence = 0;
  // -1 where it has none.
  int64_t elapsed_us = -1;
  int64_t lateness_us = -1;

  bool operator==(const Shown&) const = default;
};

struct ShownAlert {
  lapse::v1::Alert::State state = lapse::v1::Alert::STATE_UNSPECIFIED;
  lapse::v1::Alert::Reason reason = lapse::v1::Alert::REASON_UNSPECIFIED;
  // 0 where no alert was made.
  int64_t version = 0;
  int64_t fire_time_us = 0;
  int64_t resolve_time_us = 0;
  bool detected_late = false;
};

// The shown side of a primary that was judged to open, at least once.
struct Expectation {
  Shown shown;
  ShownAlert alert;
  bool fired = false;
  // Closed or cancelled from outside: judging again passes over it.
  bool is_final = false;
  // Events up to this sequence came before it became final; for those alone it keeps its part in
  // the fold, so that judging them again says what it said then.
  int64_t final_sequence = 0;

  // Kept by ExpectationTracker, and not written to checkpoints.
  bool live = false;
  bool firing = false;
  bool droppable = false;
  int64_t wake_us = kNever;
};

struct PlacedEvent;

// A counted reference; may be null. Used by one thread at a time.
class PlacedEventRef {
 public:
  PlacedEventRef() = default;
  explicit PlacedEventRef(PlacedEvent* event) : event_(event) { Add(); }
  PlacedEventRef(const PlacedEventRef& other) : event_(other.event_) { Add(); }
  PlacedEventRef(PlacedEventRef&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  PlacedEventRef& operator=(PlacedEventRef other) noexcept {
    std::swap(event_, other.event_);
    return *this;
  }
  ~PlacedEventRef() { Drop(); }

  PlacedEvent* get() const { return event_; }
  PlacedEvent& operator*() const { return *event_; }
  PlacedEvent* operator->() const { return event_; }
  explicit operator bool() const { return event_ != nullptr; }

 private:
  inline void Add();
  inline void Drop();

  PlacedEvent* event_ = nullptr;
};

// Lives as long as a reference to it.
struct PlacedEvent {
  std::string_view source() const { return {summary.data() + source_begin, source_size}; }
  std::string_view id() const { return {summary.data() + id_begin, id_size}; }
  bool is_straggler() const { return order_time_us != time_us; }

  int64_t order_time_us = 0;
  int64_t time_us = 0;
  int64_t sequence = 0;
  // For a primary: the expectation fires at the first mark after it.
  int64_t fire_time_us = 0;
  // Serialized lapse.v1.EventSummary, which holds source and id.
  std::string summary;
  uint16_t source_begin = 0;
  uint16_t source_size = 0;
  uint16_t id_begin = 0;
  uint16_t id_size = 0;

  Role role = Role::kPrimary;
  // For a primary, as the current result has it.
  Judged judged = Judged::kNotOpened;
  // Nothing can change `judged` any more: the settled part has ended it, or never opened it.
  bool fixed = false;
  uint32_t reference_count = 0;
  // For a primary that was judged to open at least once.
  std::unique_ptr<Expectation> expectation;
  // The event that ended it. Held while an alert might still have to tell of it.
  PlacedEventRef ended_by;
};

void PlacedEventRef::Add() {
  if (event_ != nullptr) ++event_->reference_count;
}

void PlacedEventRef::Drop() {
  if (event_ != nullptr && --event_->reference_count == 0) delete event_;
}

// The order in which events are judged. Total: a sequence stands for one event.
bool ComesBefore(const PlacedEvent& a, const PlacedEvent& b);

// Sets `event`'s summary and where its names stand in it. False where `summary` is not a summary.
bool SetSummary(std::string summary, PlacedEvent& event);

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_FOLLOW_UP_EVENT_H_
