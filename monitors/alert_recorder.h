// Stores the alerts that the shards give out, batch after batch, and says what is stored.
#ifndef LAPSE_MONITORS_ALERT_RECORDER_H_
#define LAPSE_MONITORS_ALERT_RECORDER_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "storage/state_store.h"

namespace lapse::monitors {

// Called on the recorder's thread; must not block.
class AlertListener {
 public:
  virtual ~AlertListener() = default;
  // Changes up to this place in the feed are stored: they may be published.
  virtual void OnAlertsCommitted(storage::FeedPosition last) = 0;
  // The disk is full: alerts wait, nothing is lost, and the shards stand still when the queue is
  // full. OK: it goes on.
  virtual void OnAlertsHeldUp(const absl::Status& status) = 0;
  // Alerts cannot be stored for another reason: nothing is stored any more. Ingest must stop; a
  // restart replays the log from the last checkpoint and makes the alerts again.
  virtual void OnAlertsFailed(const absl::Status& status) = 0;
};

// Thread-safe. Keeps the order of what one thread pushes.
//
// An alert keeps the display name, severity, labels and notifiers that its monitor had when the
// alert was made. They are not carried in the matcher's state: for a change with a version above 1
// they are read from the stored alert, which is the same in every replay.
class AlertRecorder {
 public:
  // What is given outlives the recorder.
  AlertRecorder(storage::AlertStore& store, Clock& clock, AlertListener& listener);
  // As Abort.
  ~AlertRecorder();

  void Start();

  // Waits while limits::kMaxQueuedAlerts are queued. After a failure or Abort the alerts are
  // dropped.
  void Push(std::vector<storage::AlertWrite> writes);

  // Whether Push would not wait for long: alerts of which there may be very many wait until then.
  // Where it is false, `then` is called on the recorder's thread when it is true again; never after
  // a failure or Abort.
  bool HasRoom(absl::AnyInvocable<void()> then);
  // False after a failure or Abort.
  bool IsOpen() const;

  // Calls `then` on the recorder's thread when everything pushed before it is stored; never after a
  // failure or Abort.
  void PushBarrier(absl::AnyInvocable<void()> then);

  // Why it failed; OK where it did not.
  absl::Status status() const;

  // Stores what is queued, then ends the thread. While the disk is full it gives up instead: a
  // replay makes the alerts again.
  void Stop();

  // Stores nothing more and drops what is pushed; the thread ends by itself. Never blocks; may be
  // called by the listener.
  void GiveUp();

  // GiveUp, and waits for the thread to end.
  void Abort();

 private:
  using Barrier = absl::AnyInvocable<void()>;
  using Item = std::variant<storage::AlertWrite, Barrier>;

  // How far the thread may still go.
  enum class Phase { kRunning, kStopping, kAborted, kFailed };

  bool Roomy() const { return queue_.size() < limits::kMaxQueuedAlerts / 2; }
  bool Open() const { return phase_ == Phase::kRunning || phase_ == Phase::kStopping; }
  void Run();
  // Empty when there is nothing more to do.
  std::vector<Item> TakeBatch();
  void TellOfRoom();
  // False when the thread is to end.
  bool Handle(std::vector<Item> batch);
  bool Commit(std::vector<storage::AlertWrite> writes);
  absl::StatusOr<storage::CommittedAlerts> TryCommit(std::vector<storage::AlertWrite>& writes);
  absl::Status RestoreMonitorFacts(std::vector<storage::AlertWrite>& writes);
  // The stored alert; nothing, and a word in the log, where there is none.
  absl::StatusOr<std::optional<lapse::v1::Alert>> FindMade(const storage::EncodedAlert& alert);
  bool WaitForRetry(const absl::Status& status);
  void Fail(const absl::Status& status);
  void Join();

  storage::AlertStore& store_;
  Clock& clock_;
  AlertListener& listener_;

  mutable Mutex mutex_;
  CondVar work_;
  CondVar room_;
  std::deque<Item> queue_;
  std::vector<absl::AnyInvocable<void()>> wait_for_room_;
  absl::Status status_;
  Phase phase_ = Phase::kRunning;
  std::thread thread_;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_ALERT_RECORDER_H_
