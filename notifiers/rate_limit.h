// At most limits::kMaxMailsPerMinute in any minute, for one notifier. Pure: single-threaded, reads
// no clock.
#ifndef LAPSE_NOTIFIERS_RATE_LIMIT_H_
#define LAPSE_NOTIFIERS_RATE_LIMIT_H_

#include <cstdint>
#include <deque>

namespace lapse::notifiers {

// What to do next.
struct SendPlan {
  enum class Action {
    // Nothing is due.
    kIdle,
    // Send the oldest that is due.
    kSendOne,
    // Put all that is due into one digest, then ask again.
    kMakeDigest,
    // The minute is full: ask again at until_us.
    kWait,
  };
  Action action = Action::kIdle;
  int64_t until_us = 0;
};

// Messages go singly while the minute has room. What is due when it has none waits, and goes as one
// digest, which counts as one message, as soon as there is room. A single one that waited goes as
// it is.
class RateLimit {
 public:
  // `due_count` deliveries wait. Call it before each send.
  SendPlan Plan(int64_t now_us, int64_t due_count);

  // A message was sent, or may have been, by then. A time after that of a later call counts as that
  // call's.
  void Add(int64_t time_us);

  // A digest of what waited has been made.
  void DigestMade() { overflowed_ = false; }

 private:
  void Forget(int64_t now_us);

  // Ascending; at most limits::kMaxMailsPerMinute.
  std::deque<int64_t> sent_us_;
  bool overflowed_ = false;
};

}  // namespace lapse::notifiers

#endif  // LAPSE_NOTIFIERS_RATE_LIMIT_H_
