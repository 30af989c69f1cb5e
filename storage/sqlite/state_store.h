// A StateStore on one SQLite file, state.db: WAL and synchronous=FULL, one connection that writes,
// behind a mutex, and a few that read. Each call is one transaction.
#ifndef LAPSE_STORAGE_SQLITE_STATE_STORE_H_
#define LAPSE_STORAGE_SQLITE_STATE_STORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/status_macros.h"
#include "storage/sqlite/state_connection.h"
#include "storage/state_store.h"

namespace lapse::storage {

class SqliteStateStore : public StateStore {
 public:
  // Opens the database file `path`, makes it where it is missing, and upgrades it where it is from
  // an earlier version. FAILED_PRECONDITION, reason DATA_FOLDER_NEWER (from a later version) or
  // DATA_FOLDER_READ_ONLY; DATA_LOSS, reason DATA_FOLDER_DAMAGED. One store at a time has the file
  // open (see DataFolder).
  static absl::StatusOr<std::unique_ptr<SqliteStateStore>> Open(const std::string& path);

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

  // OK, or UNAVAILABLE (reason STATE_STORE_STOPPED): a commit failed in a way that leaves what is
  // on disk uncertain, and nothing is written any more until the store is opened again.
  absl::Status stopped() const;

  // Alerts whose primary has this sequence or a later one have names that grow with it; earlier
  // ones may be stored under names of an earlier version of Lapse, and keep them. Never changes
  // in a database.
  int64_t names_ordered_from() const { return names_ordered_from_; }

  // Copies the database to a new file at `path`; readers and writers go on.
  absl::Status BackupTo(const std::string& path);

 private:
  SqliteStateStore(std::string path, int64_t names_ordered_from,
                   std::unique_ptr<StateConnection> writer, std::unique_ptr<StateReaders> readers)
      : path_(std::move(path)),
        names_ordered_from_(names_ordered_from),
        writer_(std::move(writer)),
        readers_(std::move(readers)) {}

  // Runs `body(StateConnection&)`, which returns an absl::Status, in one transaction. An error
  // undoes it all.
  template <typename Body>
  absl::Status Write(Body body) {
    MutexLock lock(writer_mutex_);
    RETURN_IF_ERROR(stopped_);
    ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(writer_->db()));
    RETURN_IF_ERROR(body(*writer_));
    const absl::Status status = transaction.Commit();
    // After a commit that failed otherwise than on a full disk, what is on disk is uncertain: a
    // later one could stand on it.
    if (status.ok() || absl::IsResourceExhausted(status) || absl::IsUnavailable(status))
      return status;
    stopped_ = Stopped(status);
    return stopped_;
  }

  static absl::Status Stopped(const absl::Status& why);

  const std::string path_;
  const int64_t names_ordered_from_;
  mutable Mutex writer_mutex_;
  absl::Status stopped_;
  const std::unique_ptr<StateConnection> writer_;
  const std::unique_ptr<StateReaders> readers_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_STATE_STORE_H_
