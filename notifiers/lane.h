// The deliveries of one notifier, sent one after the other.
#ifndef LAPSE_NOTIFIERS_LANE_H_
#define LAPSE_NOTIFIERS_LANE_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "lapse/v1/notifier.pb.h"
#include "notifiers/channel.h"
#include "notifiers/rate_limit.h"
#include "storage/state_store.h"

namespace lapse::notifiers {

// One channel for each kind of notifier.
using Channels = std::map<lapse::v1::Notifier::KindCase, std::unique_ptr<Channel>>;

struct LaneCounters {
  std::atomic<int64_t> sent = 0;
  std::atomic<int64_t> failed_tries = 0;
  std::atomic<int64_t> dead = 0;
};

// What lanes share; all of it thread-safe.
struct LaneContext {
  storage::DeliveryStore& deliveries;
  storage::NotifierStore& notifiers;
  Channels& channels;
  Clock& clock;
  const std::atomic<bool>& stopping;
  LaneCounters counters;
};

// Not thread-safe: run by one thread at a time.
class Lane {
 public:
  // What Run returns where it has nothing to wait for.
  static constexpr int64_t kNoWaitUs = 0;

  // `notifier_name` is `notifiers/{id}`; `context` outlives the lane.
  Lane(std::string notifier_name, LaneContext& context);

  // Sends what is due until nothing is, the minute is full, the receiver is down, or the context
  // says stop. Returns the time before which running it again is of no use; kNoWaitUs where that
  // depends on what becomes due alone.
  int64_t Run();

 private:
  // What Run does once; sets `more` where it is to be done again at once. NOT_FOUND where the
  // notifier does not exist.
  absl::StatusOr<int64_t> Step(bool* more);
  absl::StatusOr<int64_t> SendOldest(const lapse::v1::Notifier& notifier, bool* more);
  absl::Status Try(const lapse::v1::Notifier& notifier, const storage::DueDelivery& due);
  absl::Status Record(const storage::DueDelivery& due, const SendResult& result,
                      int64_t start_time_us);
  absl::Status GiveUpOld(const std::string& error);
  absl::Status RestoreRate();
  void HoldAfter(const SendResult& result);
  absl::Status MakeDigest();

  const std::string notifier_name_;
  LaneContext& context_;
  RateLimit rate_;
  bool rate_restored_ = false;
  // Failures in a row that say that nothing can be sent, and until when nothing is tried.
  int failure_count_ = 0;
  int64_t hold_until_us_ = 0;
};

lapse::v1::DeliveryTry TryOf(const SendResult& result, int64_t start_time_us, int64_t end_time_us);

// What `channels` makes of `message`; kMisconfigured where there is none for the notifier's kind.
SendResult SendThrough(Channels& channels, const Message& message,
                       const lapse::v1::Notifier& notifier);

}  // namespace lapse::notifiers

#endif  // LAPSE_NOTIFIERS_LANE_H_
