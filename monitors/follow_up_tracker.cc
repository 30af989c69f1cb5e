#include "monitors/follow_up_tracker.h"

#include <algorithm>
#include <utility>

namespace lapse::monitors {
namespace {

bool IsFiringLive(const Expectation& expectation) {
  return !expectation.is_final && expectation.alert.state == lapse::v1::Alert::STATE_FIRING;
}

bool IsLive(const Expectation& expectation) {
  return IsFiringLive(expectation) ||
         (!expectation.is_final && expectation.shown.verdict == lapse::v1::VERDICT_PENDING);
}

// Keeps `flag` and the count of those that have it in step.
void Count(bool now, bool& flag, uint32_t& count) {
  count += static_cast<uint32_t>(now) - static_cast<uint32_t>(flag);
  flag = now;
}

// How many of `count` are beyond the newest kMaxListedEnded.
size_t Beyond(size_t count) { return count > kMaxListedEnded ? count - kMaxListedEnded : 0; }

}  // namespace

void ExpectationTracker::Add(PlacedEvent& primary) {
  auto place = expectations_.end();
  while (place != expectations_.begin() && ComesBefore(primary, **(place - 1))) --place;
  expectations_.insert(place, PlacedEventRef(&primary));
}

void ExpectationTracker::Update(PlacedEvent& primary, int64_t wake_us) {
  Expectation& expectation = *primary.expectation;
  Count(IsLive(expectation), expectation.live, live_count_);
  Count(IsFiringLive(expectation), expectation.firing, firing_count_);
  Count(primary.fixed && !expectation.live, expectation.droppable, droppable_count_);
  if (expectation.droppable) primary.ended_by = PlacedEventRef();
  if (wake_us == expectation.wake_us) return;
  expectation.wake_us = wake_us;
  if (wake_us == kNever) return;
  timers_.push_back({wake_us, &primary});
  std::push_heap(timers_.begin(), timers_.end(), IsLater);
}

bool ExpectationTracker::IsVoid(const Timer& timer) {
  return timer.primary->expectation->wake_us != timer.mark_us;
}

ExpectationTracker::Timer ExpectationTracker::PopTimer() {
  const Timer timer = timers_.front();
  std::pop_heap(timers_.begin(), timers_.end(), IsLater);
  timers_.pop_back();
  return timer;
}

Primaries ExpectationTracker::TakeDue(int64_t mark_us) {
  Primaries due;
  while (!timers_.empty() && timers_.front().mark_us <= mark_us) {
    const Timer timer = PopTimer();
    if (!IsVoid(timer)) due.push_back(timer.primary);
  }
  return due;
}

void ExpectationTracker::Prune() {
  // Now and then, so that each costs O(1).
  if (droppable_count_ > kMaxListedEnded + expectations_.size() / 2) DropEnded();
  while (!timers_.empty() && IsVoid(timers_.front())) PopTimer();
  if (timers_.size() > 2 * expectations_.size() + 16) DropVoidTimers();
}

void ExpectationTracker::DropVoidTimers() {
  timers_.erase(std::remove_if(timers_.begin(), timers_.end(), IsVoid), timers_.end());
  std::make_heap(timers_.begin(), timers_.end(), IsLater);
}

void ExpectationTracker::DropEnded() {
  // They hold no reference.
  DropVoidTimers();
  size_t beyond = Beyond(droppable_count_);
  droppable_count_ -= beyond;
  const auto kept_end =
      std::remove_if(expectations_.begin(), expectations_.end(), [&](const PlacedEventRef& p) {
        return p->expectation->droppable && beyond > 0 && beyond-- > 0;
      });
  expectations_.erase(kept_end, expectations_.end());
}

PlacedEvent& ExpectationTracker::OldestFiring() const {
  return **std::find_if(expectations_.begin(), expectations_.end(),
                        [](const PlacedEventRef& p) { return p->expectation->firing; });
}

PlacedEvent* ExpectationTracker::Find(int64_t primary_sequence) const {
  for (const PlacedEventRef& primary : expectations_) {
    if (primary->sequence == primary_sequence) return primary.get();
  }
  return nullptr;
}

void ExpectationTracker::ForEachListed(absl::FunctionRef<void(const PlacedEvent&)> visit) const {
  size_t beyond = Beyond(expectations_.size() - live_count_);
  for (const PlacedEventRef& primary : expectations_) {
    if (!primary->expectation->live && beyond > 0) {
      --beyond;
    } else {
      visit(*primary);
    }
  }
}

void ExpectationTracker::ForEachNeeded(absl::FunctionRef<void(const PlacedEvent&)> visit) const {
  size_t beyond = Beyond(droppable_count_);
  for (const PlacedEventRef& primary : expectations_) {
    if (primary->expectation->droppable && beyond > 0) {
      --beyond;
    } else {
      visit(*primary);
    }
  }
}

}  // namespace lapse::monitors
