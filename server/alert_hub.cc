#include "server/alert_hub.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "spdlog/spdlog.h"

namespace lapse::server {
namespace {

using storage::FeedChange;
using storage::FeedPosition;

constexpr size_t kRecentChanges = 4'096;
constexpr int kReadPage = 1'000;

}  // namespace

absl::Status AlertHub::Load() {
  ASSIGN_OR_RETURN(const storage::FeedInfo info, store_.GetFeedInfo());
  MutexLock lock(mutex_);
  feed_id_ = info.feed_id;
  last_ = info.last;
  return absl::OkStatus();
}

void AlertHub::Publish(FeedPosition last) {
  // Without subscribers nothing is read, as while very many alerts fire at once.
  if (HasListeners()) {
    ReadUpTo(last);
  } else {
    Skip(last);
  }
  published_.notify_all();
  MutexLock lock(listeners_mutex_);
  for (const auto& [token, listener] : listeners_) listener();
}

bool AlertHub::HasListeners() {
  MutexLock lock(listeners_mutex_);
  return !listeners_.empty();
}

void AlertHub::Skip(FeedPosition last) {
  MutexLock lock(mutex_);
  recent_.clear();
  last_ = last;
}

void AlertHub::ReadUpTo(FeedPosition last) {
  while (Last() < last) {
    absl::StatusOr<std::vector<FeedChange>> changes = store_.ReadFeed(Last(), kReadPage);
    if (!changes.ok() || changes->empty()) {
      // Subscribers read from the database themselves: nothing is lost, it only costs more.
      spdlog::error("alert feed: cannot read what was just committed: {}",
                    changes.status().ToString());
      Skip(last);
      return;
    }
    MutexLock lock(mutex_);
    for (FeedChange& change : *changes) {
      last_ = change.position;
      recent_.push_back(std::make_shared<const FeedChange>(std::move(change)));
    }
    while (recent_.size() > kRecentChanges) recent_.pop_front();
  }
}

int64_t AlertHub::Listen(std::function<void()> listener) {
  MutexLock lock(listeners_mutex_);
  listeners_.emplace(next_token_, std::move(listener));
  return next_token_++;
}

void AlertHub::Unlisten(int64_t token) {
  MutexLock lock(listeners_mutex_);
  listeners_.erase(token);
}

FeedPosition AlertHub::Last() const {
  MutexLock lock(mutex_);
  return last_;
}

std::vector<AlertHub::SharedChange> AlertHub::ReadRecent(FeedPosition after, int limit) const {
  std::vector<SharedChange> changes;
  MutexLock lock(mutex_);
  if (recent_.empty() || after + 1 < recent_.front()->position) return changes;
  const size_t begin = static_cast<size_t>(after + 1 - recent_.front()->position);
  const size_t end = std::min(recent_.size(), begin + static_cast<size_t>(limit));
  for (size_t i = begin; i < end; ++i) changes.push_back(recent_[i]);
  return changes;
}

absl::StatusOr<std::vector<AlertHub::SharedChange>> AlertHub::Read(FeedPosition after,
                                                                   int limit) const {
  const FeedPosition last = Last();
  if (after >= last) return std::vector<SharedChange>();
  std::vector<SharedChange> recent = ReadRecent(after, limit);
  if (!recent.empty()) return recent;
  ASSIGN_OR_RETURN(std::vector<FeedChange> stored, store_.ReadFeed(after, limit));
  std::vector<SharedChange> changes;
  for (FeedChange& change : stored) {
    // Committed, but not published yet: the publish will tell of it.
    if (change.position > last) break;
    changes.push_back(std::make_shared<const FeedChange>(std::move(change)));
  }
  return changes;
}

absl::StatusOr<lapse::v1::Alert> AlertHub::AwaitResolved(const std::string& alert_name,
                                                         int64_t deadline_us) {
  while (true) {
    const FeedPosition seen = Last();
    ASSIGN_OR_RETURN(lapse::v1::Alert alert, store_.GetAlert(alert_name));
    if (alert.state() == lapse::v1::Alert::STATE_RESOLVED || clock_.NowUs() >= deadline_us)
      return alert;
    MutexLock lock(mutex_);
    if (stopped_) return alert;
    while (last_ == seen && !stopped_ && clock_.NowUs() < deadline_us)
      clock_.WaitUntil(lock, published_, deadline_us);
  }
}

void AlertHub::Stop() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
  }
  published_.notify_all();
}

}  // namespace lapse::server
