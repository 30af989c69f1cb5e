#include "bench/workload/batch_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "google/rpc/error_details.pb.h"

namespace lapse::bench {
namespace {

constexpr int64_t kStallUs = limits::kMicrosPerMinute;
// Where the server names no time.
constexpr int64_t kDefaultRetryUs = 100 * limits::kMicrosPerMilli;

bool IsOverload(const google::rpc::Status& status) {
  return status.code() == grpc::StatusCode::RESOURCE_EXHAUSTED ||
         status.code() == grpc::StatusCode::UNAVAILABLE;
}

int64_t RetryDelayUs(const google::rpc::Status& status) {
  for (const google::protobuf::Any& detail : status.details()) {
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&retry)) return ToMicros(retry.retry_delay());
  }
  return kDefaultRetryUs;
}

absl::Status ToAbsl(int code, const std::string& message) {
  return absl::Status(static_cast<absl::StatusCode>(code), message);
}

}  // namespace

BatchStream::BatchStream(lapse::v1::EventService::StubInterface& stub, Clock& clock, size_t window)
    : clock_(clock), window_(std::max<size_t>(1, window)), last_progress_us_(clock.SteadyUs()) {
  stub.async()->IngestEventStream(&context_, this);
  // Writes start outside of the reactions; the hold keeps the call from being done before End.
  AddHold();
  StartRead(&answer_);
  StartCall();
}

BatchStream::~BatchStream() {
  MutexLock lock(mutex_);
  if (!ended_) Cancel(lock);
  // Whoever wanted to know has called Finish.
  End(lock).IgnoreError();
}

absl::Status BatchStream::End(MutexLock& lock) {
  if (!std::exchange(ended_, true)) {
    lock.unlock();
    RemoveHold();
    lock.lock();
  }
  changed_.wait(lock, [this] { return done_; });
  return status_;
}

absl::Status BatchStream::Send(Events events) {
  auto request = std::make_shared<Request>();
  request->mutable_events()->Swap(&events);
  MutexLock lock(mutex_);
  unsent_.push_back(std::move(request));
  return SendUnsent(lock);
}

absl::Status BatchStream::Finish() {
  MutexLock lock(mutex_);
  do {
    RETURN_IF_ERROR(SendUnsent(lock));
    if (!WaitUntil(lock, [this] { return AllAnswered(); })) return End(lock);
  } while (!refused_.empty());
  finishing_ = true;
  lock.unlock();
  StartWritesDone();
  lock.lock();
  return End(lock);
}

IngestTotals BatchStream::Totals() const {
  MutexLock lock(mutex_);
  return totals_;
}

absl::Status BatchStream::SendUnsent(MutexLock& lock) {
  while (!unsent_.empty() || !refused_.empty()) {
    const auto has_room = [this] { return !writing_ && unanswered_.size() < window_; };
    if (!WaitUntil(lock, has_room)) return End(lock);
    if (refused_.empty()) {
      WriteNext(lock);
      continue;
    }
    if (!WaitUntil(lock, [this] { return AllAnswered(); })) return End(lock);
    while (clock_.NowUs() < resend_at_us_) clock_.WaitUntil(lock, changed_, resend_at_us_);
    totals_.resent_batches += static_cast<int64_t>(refused_.size());
    unsent_.insert(unsent_.begin(), refused_.begin(), refused_.end());
    refused_.clear();
  }
  return absl::OkStatus();
}

void BatchStream::WriteNext(MutexLock& lock) {
  writing_ = std::move(unsent_.front());
  unsent_.pop_front();
  writing_->set_batch_number(next_number_++);
  unanswered_.push_back(writing_);
  last_progress_us_ = clock_.SteadyUs();
  const Request* const message = writing_.get();
  lock.unlock();
  StartWrite(message);
  lock.lock();
}

bool BatchStream::WaitUntil(MutexLock& lock, const std::function<bool()>& condition) {
  while (status_.ok() && !condition()) {
    const int64_t stalled_us = clock_.SteadyUs() - last_progress_us_;
    if (stalled_us >= kStallUs) {
      Fail(absl::DeadlineExceededError("the server has not answered for 60 s"));
      Cancel(lock);
      break;
    }
    clock_.WaitUntil(lock, changed_, clock_.NowUs() + kStallUs - stalled_us);
  }
  return status_.ok();
}

void BatchStream::Fail(absl::Status status) {
  if (status_.ok()) status_ = std::move(status);
  changed_.notify_all();
}

void BatchStream::Cancel(MutexLock& lock) {
  // gRPC may react from within the call.
  lock.unlock();
  context_.TryCancel();
  lock.lock();
}

void BatchStream::OnWriteDone(bool ok) {
  MutexLock lock(mutex_);
  writing_.reset();
  if (!ok) Fail(absl::UnavailableError("the server ended the stream"));
  changed_.notify_all();
}

void BatchStream::OnReadDone(bool ok) {
  MutexLock lock(mutex_);
  if (!ok) {
    // After Finish this is how the stream ends.
    if (!finishing_) Fail(absl::UnavailableError("the server ended the stream"));
    return;
  }
  if (!TakeAnswer()) return Cancel(lock);
  lock.unlock();
  StartRead(&answer_);
}

bool BatchStream::TakeAnswer() {
  if (unanswered_.empty() || unanswered_.front()->batch_number() != answer_.batch_number()) {
    Fail(absl::InternalError(
        absl::StrCat("the server answered batch ", answer_.batch_number(), " out of order")));
    return false;
  }
  std::shared_ptr<Request> request = std::move(unanswered_.front());
  unanswered_.pop_front();
  last_progress_us_ = clock_.SteadyUs();
  changed_.notify_all();
  const google::rpc::Status& status = answer_.status();
  if (status.code() == grpc::StatusCode::OK) {
    Count(answer_.result());
    return true;
  }
  if (!IsOverload(status)) {
    Fail(ToAbsl(status.code(), status.message()));
    return false;
  }
  refused_.push_back(std::move(request));
  resend_at_us_ = clock_.NowUs() + RetryDelayUs(status);
  return true;
}

void BatchStream::Count(const lapse::v1::BatchIngestEventsResponse& result) {
  ++totals_.batches;
  totals_.accepted += result.accepted_count();
  totals_.duplicates += result.duplicate_count();
  totals_.conflicting += result.conflicting_count();
  totals_.rejected += result.rejections_size();
  if (totals_.first_rejection.empty() && result.rejections_size() > 0) {
    totals_.first_rejection = result.rejections(0).message();
  }
}

void BatchStream::OnDone(const grpc::Status& status) {
  MutexLock lock(mutex_);
  // The server's own words replace what we made of a broken stream; a call that we cancelled keeps
  // ours.
  const bool ours = status.error_code() == grpc::StatusCode::CANCELLED && !status_.ok();
  if (!status.ok() && !ours) status_ = ToAbsl(status.error_code(), status.error_message());
  done_ = true;
  changed_.notify_all();
}

}  // namespace lapse::bench
