// Between the alert recorder and the subscribers: the newest changes of the feed, read once for all
// of them.
#ifndef LAPSE_SERVER_ALERT_HUB_H_
#define LAPSE_SERVER_ALERT_HUB_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "storage/state_store.h"

namespace lapse::server {

// Thread-safe.
class AlertHub {
 public:
  using SharedChange = std::shared_ptr<const storage::FeedChange>;

  // `store` and `clock` outlive the hub.
  AlertHub(storage::AlertStore& store, Clock& clock) : store_(store), clock_(clock) {}

  // Reads where the feed stands. Before anything else.
  absl::Status Load();

  // The recorder has committed the feed up to `last`: reads what is new, where somebody listens,
  // and calls the listeners. One thread at a time.
  void Publish(storage::FeedPosition last);

  // Called after each publish, on the recorder's thread; must not block. Returns a token for
  // Unlisten, after which the listener is not called any more.
  int64_t Listen(std::function<void()> listener);
  void Unlisten(int64_t token);

  // The newest published position.
  storage::FeedPosition Last() const;
  const std::string& feed_id() const { return feed_id_; }

  // Published changes after `after`, oldest first; from memory where they are recent. OUT_OF_RANGE
  // as ReadFeed.
  absl::StatusOr<std::vector<SharedChange>> Read(storage::FeedPosition after, int limit) const;

  // Waits until the alert's stored state is RESOLVED, the clock reaches `deadline_us`, or Stop;
  // returns the alert.
  absl::StatusOr<lapse::v1::Alert> AwaitResolved(const std::string& alert_name,
                                                 int64_t deadline_us);

  // Ends every wait, now and later.
  void Stop();

 private:
  bool HasListeners();
  // Moves last_, and keeps nothing in memory of what lies before.
  void Skip(storage::FeedPosition last);
  void ReadUpTo(storage::FeedPosition last);
  std::vector<SharedChange> ReadRecent(storage::FeedPosition after, int limit) const;

  storage::AlertStore& store_;
  Clock& clock_;
  std::string feed_id_;

  mutable Mutex mutex_;
  CondVar published_;
  storage::FeedPosition last_ = 0;
  bool stopped_ = false;
  // Consecutive, up to last_.
  std::deque<SharedChange> recent_;

  // Held while listeners run, so that Unlisten waits for them.
  Mutex listeners_mutex_;
  int64_t next_token_ = 1;
  absl::flat_hash_map<int64_t, std::function<void()>> listeners_;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_ALERT_HUB_H_
