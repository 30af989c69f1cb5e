// The recent events of a key in order: a vector that sheds its front in O(1) amortised.
#ifndef LAPSE_MONITORS_FOLLOW_UP_RECENT_H_
#define LAPSE_MONITORS_FOLLOW_UP_RECENT_H_

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "monitors/follow_up_event.h"

namespace lapse::monitors {

class RecentEvents {
 public:
  using const_iterator = const PlacedEventRef*;

  bool empty() const { return begin_ == events_.size(); }
  size_t size() const { return events_.size() - begin_; }
  const_iterator begin() const { return events_.data() + begin_; }
  const_iterator end() const { return events_.data() + events_.size(); }
  const PlacedEventRef& front() const { return events_[begin_]; }
  const PlacedEventRef& back() const { return events_.back(); }

  // Whether `event` comes after all that are there.
  bool IsInOrder(const PlacedEvent& event) const { return empty() || ComesBefore(*back(), event); }

  void Append(PlacedEventRef event) { events_.push_back(std::move(event)); }

  void Insert(PlacedEventRef event) {
    const auto comes_before = [](const PlacedEventRef& a, const PlacedEventRef& b) {
      return ComesBefore(*a, *b);
    };
    const auto place =
        std::upper_bound(events_.begin() + begin_, events_.end(), event, comes_before);
    events_.insert(place, std::move(event));
  }

  PlacedEventRef PopFront() {
    PlacedEventRef front = std::move(events_[begin_++]);
    if (begin_ * 2 > events_.size()) {
      events_.erase(events_.begin(), events_.begin() + begin_);
      begin_ = 0;
    }
    return front;
  }

 private:
  absl::InlinedVector<PlacedEventRef, 2> events_;
  // Those before it are gone.
  size_t begin_ = 0;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_FOLLOW_UP_RECENT_H_
