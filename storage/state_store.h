// Monitors, alerts with their feed, notifiers and deliveries. Implementations: sqlite/ (state.db)
// and memory/; both pass storage/state_store_contract.h. Everything is durable when a call returns
// OK. Thread-safe; a reader never waits long for a writer. Any error other than those named means
// the disk could not be written or read.
#ifndef LAPSE_STORAGE_STATE_STORE_H_
#define LAPSE_STORAGE_STATE_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lapse/internal/v1/log.pb.h"
#include "lapse/v1/alert.pb.h"
#include "lapse/v1/event_service.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "lapse/v1/notifier.pb.h"
#include "storage/encoded_alert.h"
#include "storage/log_entry.h"

namespace lapse::storage {

struct RecordedMonitorChange {
  LogPosition position = 0;
  // Its place among the monitor changes of its entry.
  int index = 0;
  lapse::internal::v1::MonitorChange change;
};

class MonitorStore {
 public:
  virtual ~MonitorStore() = default;

  // Records a change that is in the log. Idempotent by (position, index).
  virtual absl::Status RecordMonitorChange(const RecordedMonitorChange& change,
                                           int64_t time_us) = 0;
  // The monitors that exist, by name.
  virtual absl::StatusOr<std::vector<lapse::v1::Monitor>> LoadMonitors() = 0;
  // All changes ever, in log order: what the matcher needs to replay from a checkpoint.
  virtual absl::StatusOr<std::vector<RecordedMonitorChange>> LoadMonitorHistory() = 0;
  // The monitor as it was made by the create with this request_id, the newest one since `since_us`;
  // NOT_FOUND.
  virtual absl::StatusOr<lapse::v1::Monitor> FindMonitorByRequestId(const std::string& request_id,
                                                                    int64_t since_us) = 0;
};

class NotifierStore {
 public:
  virtual ~NotifierStore() = default;

  // ALREADY_EXISTS where the name is taken.
  virtual absl::Status CreateNotifier(const lapse::v1::Notifier& notifier,
                                      const std::string& request_id, int64_t time_us) = 0;
  // `expected_etag`, where not empty, must be the stored one (ABORTED). NOT_FOUND.
  virtual absl::Status UpdateNotifier(const lapse::v1::Notifier& notifier,
                                      const std::string& expected_etag) = 0;
  // Its pending deliveries become DEAD, in the same transaction. ABORTED, NOT_FOUND.
  virtual absl::Status DeleteNotifier(const std::string& name,
                                      const std::string& expected_etag) = 0;
  virtual absl::StatusOr<lapse::v1::Notifier> GetNotifier(const std::string& name) = 0;
  // By name, after `after_name`.
  virtual absl::StatusOr<std::vector<lapse::v1::Notifier>> ListNotifiers(
      const std::string& after_name, int limit) = 0;
  virtual absl::StatusOr<lapse::v1::Notifier> FindNotifierByRequestId(const std::string& request_id,
                                                                      int64_t since_us) = 0;
};

// A place in the alert feed: 1, 2, 3 and so on, without gaps. 0 is before everything.
using FeedPosition = int64_t;

struct FeedChange {
  FeedPosition position = 0;
  int64_t change_time_us = 0;
  lapse::v1::Alert alert;
};

struct FeedInfo {
  // Random, made with the database: cursors carry it.
  std::string feed_id;
  // The newest change; 0 where there is none.
  FeedPosition last = 0;
  // The oldest position after which a cursor can resume: every change after it is kept.
  FeedPosition resumable_after = 0;
};

// A change of an alert to be stored.
struct AlertWrite {
  // As of this change, with its version.
  EncodedAlert alert;
  // Whether its notifiers are told: one delivery for each is made in the same transaction.
  bool notify = false;
};

// What a commit stored.
struct CommittedAlerts {
  int64_t count = 0;
  // The newest position of the feed after it.
  FeedPosition last = 0;
};

class AlertStore {
 public:
  virtual ~AlertStore() = default;

  // Stores changes, numbers them in the feed in their order and makes their deliveries, all in one
  // transaction. A change whose version is not above the stored one was stored before a crash and
  // is left out: this is what makes a replay safe.
  virtual absl::StatusOr<CommittedAlerts> CommitAlerts(const std::vector<AlertWrite>& writes,
                                                       int64_t time_us) = 0;

  virtual absl::StatusOr<lapse::v1::Alert> GetAlert(const std::string& name) = 0;

  // Newest first by the feed position of their first change, which is returned for paging; only
  // those with that position below `before` (INT64_MAX for the first page). Reads at most
  // `scan_limit` alerts and keeps those that match.
  struct ListedAlert {
    FeedPosition first_position = 0;
    lapse::v1::Alert alert;
  };
  struct AlertList {
    std::vector<ListedAlert> alerts;
    // Go on below it; unset at the end.
    std::optional<FeedPosition> next_before;
  };
  virtual absl::StatusOr<AlertList> ListAlerts(
      absl::FunctionRef<bool(const lapse::v1::Alert&)> matches, FeedPosition before, int limit,
      int scan_limit) = 0;

  virtual absl::StatusOr<FeedInfo> GetFeedInfo() = 0;
  // The changes after `after`, oldest first. OUT_OF_RANGE where some of them are no longer kept.
  virtual absl::StatusOr<std::vector<FeedChange>> ReadFeed(FeedPosition after, int limit) = 0;
  // The alerts that were FIRING as of feed position `at`, as of then, by the position of their
  // first change, after `after_first` (0 for the first page). Exact however many changes came
  // since, while `at` is still resumable.
  virtual absl::StatusOr<std::vector<ListedAlert>> ReadFiringAt(FeedPosition at,
                                                                FeedPosition after_first,
                                                                int limit) = 0;
  // Drops the oldest changes, up to the last one before `older_than_us` and at most `limit`; the
  // alerts stay. Returns how many.
  virtual absl::StatusOr<int> TrimFeed(int64_t older_than_us, int limit) = 0;
};

// A delivery that waits for a try, with what it needs.
struct DueDelivery {
  lapse::v1::Delivery delivery;
  // As of the change that is told. Empty for a digest.
  lapse::v1::Alert alert;
  // For a digest: what it tells, oldest first; at most limits::kMaxDigestSamples.
  std::vector<lapse::v1::Alert> samples;
};

class DeliveryStore {
 public:
  virtual ~DeliveryStore() = default;

  // What is due: PENDING, next_try_time <= now_us, and nothing to wait for. A delivery waits while
  // an older one of the same alert to the same notifier is PENDING, or is told by a digest that is
  // PENDING, so that a resolve never overtakes its alert. Until then it does not count as due in
  // any call here.

  // The notifier's due deliveries, by next try, then by number.
  virtual absl::StatusOr<std::vector<DueDelivery>> ListDueDeliveries(const std::string& notifier,
                                                                     int64_t now_us, int limit) = 0;
  // How many deliveries to the notifier are due.
  virtual absl::StatusOr<int64_t> CountDueDeliveries(const std::string& notifier,
                                                     int64_t now_us) = 0;
  // When the next delivery will be due: the earliest next_try_time of all PENDING ones that wait
  // for no other; INT64_MAX where there is none.
  virtual absl::StatusOr<int64_t> NextTryTimeUs() = 0;
  // Notifiers (names) with deliveries due.
  virtual absl::StatusOr<std::vector<std::string>> ListNotifiersWithDue(int64_t now_us) = 0;
  // Appends `attempt` to the delivery's tries and sets its state and, where that is PENDING, its
  // next try. For a digest that is SENT or DEAD nothing else changes: its members are DIGESTED
  // since it was made. One that has ended meanwhile, as by its notifier's deletion, keeps its state
  // unless it is SENT now. NOT_FOUND.
  virtual absl::Status RecordTry(const std::string& delivery_name,
                                 const lapse::v1::DeliveryTry& attempt,
                                 lapse::v1::Delivery::State state, int64_t next_try_time_us) = 0;
  // Makes one PENDING digest, due at once, of all deliveries to the notifier that are due or wait
  // only for such; they become DIGESTED; one transaction. An earlier digest that is due is one of
  // them: what it tells is counted and sampled anew. Its samples are the newest change of the
  // newest alerts. Returns it; NOT_FOUND where none is due.
  virtual absl::StatusOr<lapse::v1::Delivery> MakeDigest(const std::string& notifier,
                                                         int64_t now_us) = 0;
  // Newest first by number, only those with a number below `before` (INT64_MAX for the first page).
  // Filters: empty means all. `notifier` is a notifier's name.
  struct ListedDelivery {
    int64_t number = 0;
    lapse::v1::Delivery delivery;
  };
  virtual absl::StatusOr<std::vector<ListedDelivery>> ListDeliveries(
      const std::string& notifier, const std::string& alert,
      const std::vector<lapse::v1::Delivery::State>& states, int64_t before, int limit) = 0;
  // Drops ended deliveries created before `older_than_us`, at most `limit`. Returns how many.
  virtual absl::StatusOr<int> TrimDeliveries(int64_t older_than_us, int limit) = 0;
};

// What has been seen of event types. Counted by the log's follower, saved now and then with the
// position reached; what came after it is counted again from the log at start.
class EventTypeStore {
 public:
  virtual ~EventTypeStore() = default;
  virtual absl::Status SaveEventTypes(const std::vector<lapse::v1::EventType>& changed,
                                      LogPosition position) = 0;
  // Sets `position` to what was reached; 0 for a new store.
  virtual absl::StatusOr<std::vector<lapse::v1::EventType>> LoadEventTypes(
      LogPosition* position) = 0;
};

class StateStore : public MonitorStore,
                   public NotifierStore,
                   public AlertStore,
                   public DeliveryStore,
                   public EventTypeStore {};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_STATE_STORE_H_
