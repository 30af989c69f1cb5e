// A StateStore in memory, for tests and simulations: the whole contract but durability, which ends
// with the object.
#ifndef LAPSE_STORAGE_MEMORY_STATE_STORE_H_
#define LAPSE_STORAGE_MEMORY_STATE_STORE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "storage/state_store.h"

namespace lapse::storage {

class MemoryStateStore : public StateStore {
 public:
  MemoryStateStore();

  absl::Status RecordMonitorChange(const RecordedMonitorChange& change, int64_t time_us) override;
  absl::StatusOr<std::vector<lapse::v1::Monitor>> LoadMonitors() override;
  absl::StatusOr<std::vector<RecordedMonitorChange>> LoadMonitorHistory() override;
  absl::StatusOr<lapse::v1::Monitor> FindMonitorByRequestId(const std::string& request_id,
                                                            int64_t since_us) override;

  absl::Status CreateNotifier(const lapse::v1::Notifier& notifier, const std::string& request_id,
                              int64_t time_us) override;
  absl::Status UpdateNotifier(const lapse::v1::Notifier& notifier,
                              const std::string& expected_etag) override;
  absl::Status DeleteNotifier(const std::string& name, const std::string& expected_etag) override;
  absl::StatusOr<lapse::v1::Notifier> GetNotifier(const std::string& name) override;
  absl::StatusOr<std::vector<lapse::v1::Notifier>> ListNotifiers(const std::string& after_name,
                                                                 int limit) override;
  absl::StatusOr<lapse::v1::Notifier> FindNotifierByRequestId(const std::string& request_id,
                                                              int64_t since_us) override;

  absl::StatusOr<CommittedAlerts> CommitAlerts(const std::vector<AlertWrite>& writes,
                                               int64_t time_us) override;
  absl::StatusOr<lapse::v1::Alert> GetAlert(const std::string& name) override;
  absl::StatusOr<AlertList> ListAlerts(absl::FunctionRef<bool(const lapse::v1::Alert&)> matches,
                                       FeedPosition before, int limit, int scan_limit) override;
  absl::StatusOr<FeedInfo> GetFeedInfo() override;
  absl::StatusOr<std::vector<FeedChange>> ReadFeed(FeedPosition after, int limit) override;
  absl::StatusOr<std::vector<ListedAlert>> ReadFiringAt(FeedPosition at, FeedPosition after_first,
                                                        int limit) override;
  absl::StatusOr<int> TrimFeed(int64_t older_than_us, int limit) override;

  absl::StatusOr<std::vector<DueDelivery>> ListDueDeliveries(const std::string& notifier,
                                                             int64_t now_us, int limit) override;
  absl::StatusOr<int64_t> CountDueDeliveries(const std::string& notifier, int64_t now_us) override;
  absl::StatusOr<int64_t> NextTryTimeUs() override;
  absl::StatusOr<std::vector<std::string>> ListNotifiersWithDue(int64_t now_us) override;
  absl::Status RecordTry(const std::string& delivery_name, const lapse::v1::DeliveryTry& attempt,
                         lapse::v1::Delivery::State state, int64_t next_try_time_us) override;
  absl::StatusOr<lapse::v1::Delivery> MakeDigest(const std::string& notifier,
                                                 int64_t now_us) override;
  absl::StatusOr<std::vector<ListedDelivery>> ListDeliveries(
      const std::string& notifier, const std::string& alert,
      const std::vector<lapse::v1::Delivery::State>& states, int64_t before, int limit) override;
  absl::StatusOr<int> TrimDeliveries(int64_t older_than_us, int limit) override;

  absl::Status SaveEventTypes(const std::vector<lapse::v1::EventType>& changed,
                              LogPosition position) override;
  absl::StatusOr<std::vector<lapse::v1::EventType>> LoadEventTypes(LogPosition* position) override;

 private:
  struct TimedMonitorChange {
    RecordedMonitorChange recorded;
    int64_t time_us = 0;
  };
  struct NotifierRequest {
    int64_t time_us = 0;
    // As it was created.
    lapse::v1::Notifier notifier;
  };
  struct StoredAlert {
    lapse::v1::Alert alert;
    FeedPosition last_position = 0;
  };
  struct StoredChange {
    FeedChange change;
    FeedPosition first_position = 0;
    // Of the same alert; 0 and unset with its first change.
    FeedPosition previous_position = 0;
    std::optional<lapse::v1::Alert> previous;
  };
  struct StoredDelivery {
    lapse::v1::Delivery delivery;
    std::string notifier;
    int64_t create_time_us = 0;
    int64_t next_try_time_us = 0;
    // The delivery that must end first; 0 for none.
    int64_t waits_for = 0;
    // Those that wait for this one, and some that no longer do.
    std::vector<int64_t> waiting;
    // The digest that tells it; 0 for none.
    int64_t digest = 0;
    // Oldest first; dropped when it ends.
    std::vector<lapse::v1::Alert> told;
  };

  // All below: with mutex_ held.
  void StoreChange(const lapse::v1::Alert& alert, int64_t time_us);
  bool IsStored(const EncodedAlert& alert) const;
  FeedPosition LastPosition() const {
    return trimmed_through_ + static_cast<FeedPosition>(feed_.size());
  }
  void MakeDeliveries(const lapse::v1::Alert& alert, int64_t time_us);
  // Adds a PENDING one; returns its number.
  int64_t AddDelivery(const lapse::v1::Notifier& notifier, int64_t time_us);
  void WaitFor(int64_t number, int64_t waits_for);
  // What a new delivery of the alert to the notifier waits for.
  int64_t UnfinishedBefore(const std::string& alert, const std::string& notifier) const;
  bool IsDue(int64_t number, int64_t now_us) const;
  // By next try, then number.
  std::vector<int64_t> DueNumbers(const std::string& notifier, int64_t now_us) const;
  // What is due and what waits only for that, ascending.
  std::set<int64_t> DigestMembers(const std::string& notifier, int64_t now_us) const;
  // Takes the delivery out of the pending ones; those that wait for it wait for `instead`.
  void EndDelivery(int64_t number, lapse::v1::Delivery::State state, int64_t instead);
  absl::StatusOr<StoredDelivery*> FindDelivery(const std::string& name);

  Mutex mutex_;
  std::map<std::pair<LogPosition, int>, TimedMonitorChange> monitor_history_;
  std::map<std::string, lapse::v1::Monitor> monitors_;
  std::map<std::string, lapse::v1::Notifier> notifiers_;
  std::map<std::string, NotifierRequest> notifier_requests_;

  const std::string feed_id_;
  std::map<FeedPosition, StoredAlert> alerts_;
  std::map<std::string, FeedPosition> first_positions_;
  // Consecutive positions, after trimmed_through_.
  std::deque<StoredChange> feed_;
  FeedPosition trimmed_through_ = 0;

  int64_t last_delivery_ = 0;
  std::map<int64_t, StoredDelivery> deliveries_;
  // By notifier.
  std::map<std::string, std::set<int64_t>> pending_;
  // By alert and notifier.
  std::map<std::pair<std::string, std::string>, int64_t> newest_delivery_;

  std::map<std::string, lapse::v1::EventType> event_types_;
  LogPosition event_types_position_ = 0;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_MEMORY_STATE_STORE_H_
