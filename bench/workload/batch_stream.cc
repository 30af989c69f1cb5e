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
  // Writes start outside of the reactions; the hold keeps the call from being done before Finish.
  AddHold();
  stub.async()->IngestEventStream(&context_, this);
  StartRead(&answer_);
  StartCall();
}

BatchStream::~BatchStream() {
  MutexLock lock(mutex_);
  if (!ended_) context_.TryCancel();
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
  RETURN_IF_ERROR(ResendRefused(lock));
  return Write(lock, std::move(request));
}

absl::Status BatchStream::Finish() {
  MutexLock lock(mutex_);
  do {
    if (!WaitUntil(lock, [this] { return !writing_ && unanswered_.empty(); })) return End(lock);
    RETURN_IF_ERROR(ResendRefused(lock));
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

absl::Status BatchStream::ResendRefused(MutexLock& lock) {
  while (!refused_.empty()) {
    if (!WaitUntil(lock, [this] { return !writing_ && unanswered_.empty(); })) return End(lock);
    while (clock_.NowUs() < resend_at_us_) clock_.WaitUntil(lock, changed_, resend_at_us_);
    const std::vector<std::shared_ptr<Request>> again = std::exchange(refused_, {});
    for (const std::shared_ptr<Request>& request : again) {
      ++totals_.resent_batches;
      RETURN_IF_ERROR(Write(lock, request));
    }
    // Their answers decide whether there is more to send again.
    if (!WaitUntil(lock, [this] { return !writing_ && unanswered_.empty(); })) return End(lock);
  }
  return absl::OkStatus();
}

absl::Status BatchStream::Write(MutexLock& lock, std::shared_ptr<Request> request) {
  if (!WaitUntil(lock, [this] { return !writing_ && unanswered_.size() < window_; })) {
    return End(lock);
  }
  request->set_batch_number(next_number_++);
  unanswered_.push_back(request);
  writing_ = std::move(request);
  last_progress_us_ = clock_.SteadyUs();
  const Request* const message = writing_.get();
  lock.unlock();
  StartWrite(message);
  lock.lock();
  return absl::OkStatus();
}

bool BatchStream::WaitUntil(MutexLock& lock, const std::function<bool()>& condition) {
  while (status_.ok() && !condition()) {
    const int64_t stalled_us = clock_.SteadyUs() - last_progress_us_;
    if (stalled_us >= kStallUs) {
      Abandon(absl::DeadlineExceededError("the server has not answered for 60 s"));
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

void BatchStream::Abandon(absl::Status status) {
  Fail(std::move(status));
  context_.TryCancel();
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
  TakeAnswer();
  if (!status_.ok()) return;
  lock.unlock();
  StartRead(&answer_);
}

void BatchStream::TakeAnswer() {
  if (unanswered_.empty() || unanswered_.front()->batch_number() != answer_.batch_number()) {
    return Abandon(absl::InternalError(
        absl::StrCat("the server answered batch ", answer_.batch_number(), " out of order")));
  }
  std::shared_ptr<Request> request = std::move(unanswered_.front());
  unanswered_.pop_front();
  last_progress_us_ = clock_.SteadyUs();
  changed_.notify_all();
  if (answer_.status().code() != 0) return TakeRefusal(std::move(request));
  const lapse::v1::BatchIngestEventsResponse& result = answer_.result();
  ++totals_.batches;
  totals_.accepted += result.accepted_count();
  totals_.duplicates += result.duplicate_count();
  totals_.conflicting += result.conflicting_count();
  totals_.rejected += result.rejections_size();
  if (totals_.first_rejection.empty() && result.rejections_size() > 0) {
    totals_.first_rejection = result.rejections(0).message();
  }
}

void BatchStream::TakeRefusal(std::shared_ptr<Request> refused) {
  if (!IsOverload(answer_.status())) {
    return Abandon(ToAbsl(answer_.status().code(), answer_.status().message()));
  }
  refused_.push_back(std::move(refused));
  resend_at_us_ = clock_.NowUs() + RetryDelayUs(answer_.status());
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
