#include "monitors/alert_recorder.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "monitors/alert_builder.h"
#include "spdlog/spdlog.h"

namespace lapse::monitors {
namespace {

using lapse::v1::Alert;
using storage::AlertWrite;
using storage::EncodedAlert;

bool IsDiskFull(const absl::Status& status) {
  return absl::IsResourceExhausted(status) && DetailsOf(status).reason == "DISK_FULL";
}

}  // namespace

AlertRecorder::AlertRecorder(storage::AlertStore& store, Clock& clock, AlertListener& listener)
    : store_(store), clock_(clock), listener_(listener) {}

AlertRecorder::~AlertRecorder() { Abort(); }

void AlertRecorder::Start() {
  thread_ = std::thread([this] { Run(); });
}

void AlertRecorder::Push(std::vector<AlertWrite> writes) {
  MutexLock lock(mutex_);
  for (AlertWrite& write : writes) {
    if (queue_.size() >= limits::kMaxQueuedAlerts) work_.notify_one();
    room_.wait(lock, [this] { return queue_.size() < limits::kMaxQueuedAlerts || !Open(); });
    if (!Open()) return;
    queue_.push_back(std::move(write));
  }
  work_.notify_one();
}

bool AlertRecorder::HasRoom(absl::AnyInvocable<void()> then) {
  MutexLock lock(mutex_);
  if (Roomy() || !Open()) return true;
  wait_for_room_.push_back(std::move(then));
  return false;
}

bool AlertRecorder::IsOpen() const {
  MutexLock lock(mutex_);
  return Open();
}

void AlertRecorder::PushBarrier(Barrier then) {
  MutexLock lock(mutex_);
  if (!Open()) return;
  queue_.push_back(std::move(then));
  work_.notify_one();
}

absl::Status AlertRecorder::status() const {
  MutexLock lock(mutex_);
  return status_;
}

void AlertRecorder::Stop() {
  {
    MutexLock lock(mutex_);
    if (phase_ == Phase::kRunning) phase_ = Phase::kStopping;
    work_.notify_all();
  }
  Join();
}

void AlertRecorder::GiveUp() {
  MutexLock lock(mutex_);
  if (Open()) phase_ = Phase::kAborted;
  work_.notify_all();
  room_.notify_all();
}

void AlertRecorder::Abort() {
  GiveUp();
  Join();
}

void AlertRecorder::Join() {
  if (thread_.joinable()) thread_.join();
}

void AlertRecorder::Run() {
  while (true) {
    std::vector<Item> batch = TakeBatch();
    // While the batch is stored, the shards make the next.
    TellOfRoom();
    if (batch.empty() || !Handle(std::move(batch))) return;
  }
}

std::vector<AlertRecorder::Item> AlertRecorder::TakeBatch() {
  MutexLock lock(mutex_);
  work_.wait(lock, [this] { return !queue_.empty() || phase_ != Phase::kRunning; });
  std::vector<Item> batch;
  if (!Open()) return batch;
  const size_t size = std::min(queue_.size(), limits::kMaxAlertsPerCommit);
  batch.reserve(size);
  std::move(queue_.begin(), queue_.begin() + size, std::back_inserter(batch));
  queue_.erase(queue_.begin(), queue_.begin() + size);
  room_.notify_all();
  return batch;
}

void AlertRecorder::TellOfRoom() {
  std::vector<absl::AnyInvocable<void()>> told;
  {
    MutexLock lock(mutex_);
    if (Roomy() && Open()) told.swap(wait_for_room_);
  }
  for (auto& then : told) then();
}

bool AlertRecorder::Handle(std::vector<Item> batch) {
  std::vector<AlertWrite> writes;
  writes.reserve(batch.size());
  std::vector<Barrier> barriers;
  // A barrier promises what came before it: storing what came after it as well does no harm.
  for (Item& item : batch) {
    if (auto* write = std::get_if<AlertWrite>(&item)) writes.push_back(std::move(*write));
    if (auto* barrier = std::get_if<Barrier>(&item)) barriers.push_back(std::move(*barrier));
  }
  if (!writes.empty() && !Commit(std::move(writes))) return false;
  for (Barrier& barrier : barriers) barrier();
  return true;
}

bool AlertRecorder::Commit(std::vector<AlertWrite> writes) {
  bool held_up = false;
  while (true) {
    const auto stored = TryCommit(writes);
    if (stored.ok()) {
      if (held_up) listener_.OnAlertsHeldUp(absl::OkStatus());
      if (stored->count > 0) listener_.OnAlertsCommitted(stored->last);
      return true;
    }
    if (!IsDiskFull(stored.status())) {
      Fail(stored.status());
      return false;
    }
    if (!held_up) listener_.OnAlertsHeldUp(stored.status());
    held_up = true;
    if (!WaitForRetry(stored.status())) return false;
  }
}

absl::StatusOr<storage::CommittedAlerts> AlertRecorder::TryCommit(std::vector<AlertWrite>& writes) {
  RETURN_IF_ERROR(RestoreMonitorFacts(writes));
  return store_.CommitAlerts(writes, clock_.NowUs());
}

absl::Status AlertRecorder::RestoreMonitorFacts(std::vector<AlertWrite>& writes) {
  const auto is_new = [](const AlertWrite& write) { return write.alert.version() == 1; };
  // As in a burst of deadlines.
  if (std::all_of(writes.begin(), writes.end(), is_new)) return absl::OkStatus();
  absl::flat_hash_map<std::string, const EncodedAlert*> in_batch;
  for (AlertWrite& write : writes) {
    const auto [earlier, is_first] = in_batch.try_emplace(write.alert.name(), &write.alert);
    if (is_new(write)) continue;
    std::optional<Alert> made;
    if (is_first) {
      ASSIGN_OR_RETURN(made, FindMade(write.alert));
    } else {
      ASSIGN_OR_RETURN(made, earlier->second->Parse());
    }
    if (!made.has_value()) continue;
    ASSIGN_OR_RETURN(Alert alert, write.alert.Parse());
    CopyMonitorFacts(*made, &alert);
    write.alert = EncodedAlert(alert);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Alert>> AlertRecorder::FindMade(const EncodedAlert& alert) {
  absl::StatusOr<Alert> made = store_.GetAlert(alert.name());
  if (made.ok()) return *std::move(made);
  if (!absl::IsNotFound(made.status())) return made.status();
  spdlog::warn("{} version {} has no earlier version stored: it takes the monitor's present facts",
               alert.name(), alert.version());
  return std::nullopt;
}

bool AlertRecorder::WaitForRetry(const absl::Status& status) {
  spdlog::error("alerts wait to be stored: {}", std::string(status.message()));
  const int64_t retry_us = clock_.NowUs() + limits::kAlertStoreRetryUs;
  MutexLock lock(mutex_);
  while (phase_ == Phase::kRunning && clock_.NowUs() < retry_us) {
    clock_.WaitUntil(lock, work_, retry_us);
  }
  if (phase_ == Phase::kRunning) return true;
  if (phase_ == Phase::kStopping) {
    spdlog::warn("stopping while alerts cannot be stored: a restart makes them again from the log");
  }
  phase_ = Phase::kAborted;
  room_.notify_all();
  return false;
}

void AlertRecorder::Fail(const absl::Status& status) {
  spdlog::error("alerts cannot be stored: {}", status.ToString());
  {
    MutexLock lock(mutex_);
    phase_ = Phase::kFailed;
    status_ = status;
    queue_.clear();
    room_.notify_all();
  }
  listener_.OnAlertsFailed(status);
}

}  // namespace lapse::monitors
