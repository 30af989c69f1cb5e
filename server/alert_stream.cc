#include "server/alert_stream.h"

#include <grpc/grpc.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "server/page_token.h"
#include "server/status.h"
#include "spdlog/spdlog.h"

namespace lapse::server {
namespace {

using lapse::v1::StreamAlertsResponse;
using storage::FeedPosition;

// What a stream may hold in memory, in items.
constexpr int kPageItems = 256;

}  // namespace

AlertStream::AlertStream(const AlertStreamContext& context, grpc::CallbackServerContext* call,
                         Matches matches)
    : context_(context), call_(call), matches_(std::move(matches)) {
  last_item_us_ = context_.clock.SteadyUs();
}

void AlertStream::Begin(FeedPosition after) {
  // Weak: the hub must not keep alive a stream that has ended.
  const int64_t listener = context_.hub.Listen([weak = weak_from_this()] {
    const std::shared_ptr<AlertStream> self = weak.lock();
    if (self == nullptr) return;
    MutexLock lock(self->mutex_);
    self->Proceed();
  });
  MutexLock lock(mutex_);
  listener_ = listener;
  registered_ = true;
  begun_ = true;
  if (after >= 0) {
    phase_ = Phase::kFollowing;
    synced_ = true;
    position_ = after;
  } else {
    snapshot_at_ = context_.hub.Last();
    position_ = snapshot_at_;
  }
  Proceed();
}

void AlertStream::Drain() {
  MutexLock lock(mutex_);
  FinishOnce(
      ToGrpcStatus(Unavailable("DRAINING", "The server is stopping; connect again with your cursor",
                               limits::kMicrosPerSecond)));
}

void AlertStream::Tick(int64_t steady_us) {
  MutexLock lock(mutex_);
  if (finished_ || !begun_) return;
  if (writing_) {
    if (steady_us - write_start_us_ > context_.write_timeout_us) Cut();
    return;
  }
  if (synced_ && !filling_ && buffer_.empty() &&
      steady_us - last_item_us_ >= limits::kHeartbeatUs) {
    StreamAlertsResponse response;
    response.mutable_heartbeat()->set_cursor(CursorAt(position_));
    SetTimestamp(context_.clock.NowUs(), response.mutable_heartbeat()->mutable_server_time());
    buffer_.push_back(std::move(response));
  }
  Proceed();
}

void AlertStream::OnWriteDone(bool ok) {
  MutexLock lock(mutex_);
  writing_ = false;
  buffer_.pop_front();
  if (!ok) {
    FinishOnce(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the subscriber is gone"));
    return;
  }
  last_item_us_ = context_.clock.SteadyUs();
  Proceed();
}

void AlertStream::OnCancel() {
  MutexLock lock(mutex_);
  FinishOnce(grpc::Status(grpc::StatusCode::CANCELLED, "the subscriber gave up"));
}

void AlertStream::OnDone() {
  if (registered_) context_.hub.Unlisten(listener_);
  context_.registry.Remove(this);
}

void AlertStream::Proceed() {
  if (finished_ || !begun_) return;
  if (!writing_ && !buffer_.empty()) {
    writing_ = true;
    write_start_us_ = context_.clock.SteadyUs();
    StartWrite(&buffer_.front());
  }
  if (!buffer_.empty() || filling_) return;
  if (synced_ && position_ >= context_.hub.Last()) return;
  filling_ = context_.fill_executor.Submit([self = shared_from_this()] { self->Fill(); });
}

void AlertStream::Fill() {
  const absl::Status status = phase_ == Phase::kSnapshot ? FillSnapshot() : FillChanges();
  MutexLock lock(mutex_);
  filling_ = false;
  if (!status.ok()) {
    FinishOnce(ToGrpcStatus(status));
    return;
  }
  Proceed();
}

absl::Status AlertStream::FillSnapshot() {
  ASSIGN_OR_RETURN(std::vector<storage::AlertStore::ListedAlert> page,
                   context_.store.ReadFiringAt(snapshot_at_, snapshot_after_first_, kPageItems));
  for (storage::AlertStore::ListedAlert& listed : page) {
    snapshot_after_first_ = listed.first_position;
    if (!matches_(listed.alert)) continue;
    ++firing_count_;
    StreamAlertsResponse response;
    *response.mutable_change()->mutable_alert() = std::move(listed.alert);
    Push(std::move(response));
  }
  if (static_cast<int>(page.size()) == kPageItems) return absl::OkStatus();
  StreamAlertsResponse response;
  response.mutable_synced()->set_cursor(CursorAt(snapshot_at_));
  response.mutable_synced()->set_firing_count(firing_count_);
  Push(std::move(response));
  phase_ = Phase::kFollowing;
  MutexLock lock(mutex_);
  synced_ = true;
  return absl::OkStatus();
}

absl::Status AlertStream::FillChanges() {
  FeedPosition after = 0;
  {
    MutexLock lock(mutex_);
    after = position_;
  }
  ASSIGN_OR_RETURN(const std::vector<AlertHub::SharedChange> changes,
                   context_.hub.Read(after, kPageItems));
  for (const AlertHub::SharedChange& change : changes) {
    after = change->position;
    if (!matches_(change->alert)) continue;
    StreamAlertsResponse response;
    *response.mutable_change()->mutable_alert() = change->alert;
    response.mutable_change()->set_cursor(CursorAt(after));
    SetTimestamp(change->change_time_us, response.mutable_change()->mutable_change_time());
    Push(std::move(response));
  }
  MutexLock lock(mutex_);
  position_ = after;
  return absl::OkStatus();
}

void AlertStream::Push(StreamAlertsResponse response) {
  MutexLock lock(mutex_);
  buffer_.push_back(std::move(response));
}

void AlertStream::Cut() {
  const std::string message =
      absl::StrCat("The subscriber has not read for ",
                   absl::FormatDuration(absl::Microseconds(context_.write_timeout_us)),
                   "; connect again with your cursor");
  spdlog::warn("subscriber {} is cut: {}", call_->peer(), message);
  // The write that is stuck can only be ended by cancelling the call; TryCancel would tell the
  // subscriber CANCELLED, and not why.
  grpc_call_cancel_with_status(call_->c_call(), GRPC_STATUS_DEADLINE_EXCEEDED, message.c_str(),
                               nullptr);
  FinishOnce(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, message));
}

void AlertStream::FinishOnce(const grpc::Status& status) {
  if (std::exchange(finished_, true)) return;
  Finish(status);
}

std::string AlertStream::CursorAt(FeedPosition position) const {
  return MakeAlertCursor(context_.hub.feed_id(), position);
}

}  // namespace lapse::server
