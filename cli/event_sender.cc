#include "cli/event_sender.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/limits.h"
#include "cli/context.h"
#include "cli/errors.h"
#include "cli/human.h"

namespace lapse::cli {
namespace {

using lapse::v1::BatchIngestEventsResponse;
using lapse::v1::IngestEventStreamResponse;

// A quarter of what the server allows unanswered: full pipes, and it never stops reading because of
// us.
constexpr size_t kMaxUnderWay = limits::kMaxUnansweredStreamBatches / 4;
constexpr int64_t kDefaultRetryUs = limits::kMicrosPerSecond;

bool MayRetry(const absl::Status& status) {
  return status.code() == absl::StatusCode::kResourceExhausted ||
         (status.code() == absl::StatusCode::kUnavailable &&
          DetailsFromServer(status).retry_after_us.has_value());
}

int64_t LowestLine(const std::vector<int64_t>& lines) {
  return *std::min_element(lines.begin(), lines.end());
}

}  // namespace

EventSender::EventSender(Context& context)
    : context_(context),
      stub_(context.NewStub<lapse::v1::EventService>()),
      stream_(stub_->IngestEventStream(&call_)),
      last_progress_us_(RealClock().SteadyUs()) {
  reader_ = std::thread([this] { ReadAnswers(); });
}

EventSender::~EventSender() {
  if (!reader_.joinable()) return;
  {
    MutexLock lock(mutex_);
    EndWith(absl::CancelledError("not finished"));
  }
  reader_.join();
}

absl::Status EventSender::Add(EventBatch batch) {
  absl::Status status = WaitForAnswers(kMaxUnderWay - 1);
  if (!status.ok()) return status;
  auto under_way = std::make_shared<UnderWay>();
  for (auto& event : batch.events) *under_way->request.add_events() = std::move(event);
  under_way->lines = std::move(batch.lines);
  Write(under_way);
  return absl::OkStatus();
}

absl::Status EventSender::Finish() {
  const absl::Status answered = WaitForAnswers(0);
  if (answered.ok()) {
    MutexLock write_lock(write_mutex_);
    stream_->WritesDone();
  }
  reader_.join();
  MutexLock lock(mutex_);
  return error_;
}

SendTotals EventSender::totals() {
  MutexLock lock(mutex_);
  return totals_;
}

std::vector<Rejection> EventSender::rejections() {
  MutexLock lock(mutex_);
  return rejections_;
}

int64_t EventSender::first_unanswered_line() {
  MutexLock lock(mutex_);
  int64_t first = 0;
  for (const auto& [number, batch] : under_way_) {
    const int64_t line = LowestLine(batch->lines);
    first = first == 0 ? line : std::min(first, line);
  }
  return first;
}

void EventSender::Write(const std::shared_ptr<UnderWay>& batch) {
  MutexLock write_lock(write_mutex_);
  {
    MutexLock lock(mutex_);
    if (under_way_.empty()) last_progress_us_ = RealClock().SteadyUs();
    batch->request.set_batch_number(next_number_);
    under_way_[next_number_++] = batch;
    if (ended_) return;
  }
  stream_->Write(batch->request);
}

void EventSender::ReadAnswers() {
  IngestEventStreamResponse response;
  while (stream_->Read(&response)) Take(response);
  MutexLock write_lock(write_mutex_);
  const absl::Status status = FromGrpc(stream_->Finish());
  MutexLock lock(mutex_);
  if (error_.ok()) error_ = status;
  if (error_.ok() && !under_way_.empty()) {
    error_ = FromGrpc(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the stream ended early"));
  }
  ended_ = true;
  changed_.notify_all();
}

void EventSender::Take(const IngestEventStreamResponse& response) {
  const absl::Status status = FromRpc(response.status());
  MutexLock lock(mutex_);
  const auto found = under_way_.find(response.batch_number());
  if (found == under_way_.end()) return;
  if (MayRetry(status)) {
    refusal_ = status;
    const std::shared_ptr<UnderWay> batch = found->second;
    lock.unlock();
    return SendAgain(batch, status);
  }
  if (!status.ok()) return EndWith(status);
  Count(*found->second, response.result());
  under_way_.erase(found);
  last_progress_us_ = RealClock().SteadyUs();
  refusal_ = absl::OkStatus();
  changed_.notify_all();
}

void EventSender::Count(const UnderWay& batch, const BatchIngestEventsResponse& result) {
  totals_.accepted += result.accepted_count();
  totals_.duplicates += result.duplicate_count();
  totals_.conflicting += result.conflicting_count();
  totals_.rejected += result.rejections_size();
  for (const auto& rejection : result.rejections()) {
    if (rejections_.size() == kMaxKeptRejections) break;
    const size_t index = rejection.index();
    const int64_t line = index < batch.lines.size() ? batch.lines[index] : 0;
    rejections_.push_back(
        {line, Printable(absl::StrCat(rejection.message(), " [", rejection.reason(), "]"))});
  }
}

void EventSender::SendAgain(const std::shared_ptr<UnderWay>& batch, const absl::Status& refusal) {
  const int64_t old_number = batch->request.batch_number();
  const int64_t wait_us = DetailsFromServer(refusal).retry_after_us.value_or(kDefaultRetryUs);
  const int64_t until_us = RealClock().NowUs() + wait_us;
  {
    MutexLock lock(mutex_);
    while (error_.ok() && RealClock().NowUs() < until_us) {
      RealClock().WaitUntil(lock, changed_, until_us);
    }
    if (!error_.ok()) return;
  }
  Write(batch);
  MutexLock lock(mutex_);
  under_way_.erase(old_number);
  changed_.notify_all();
}

absl::Status EventSender::WaitForAnswers(size_t count) {
  const auto no_answer = grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "no answer");
  MutexLock lock(mutex_);
  while (error_.ok() && !ended_ && under_way_.size() > count) {
    const int64_t left_us =
        last_progress_us_ + context_.options.timeout_us - RealClock().SteadyUs();
    if (left_us > 0) {
      RealClock().WaitUntil(lock, changed_, RealClock().NowUs() + left_us);
    } else {
      EndWith(refusal_.ok() ? FromGrpc(no_answer) : refusal_);
    }
  }
  return error_;
}

void EventSender::EndWith(const absl::Status& error) {
  if (error_.ok()) error_ = error;
  call_.TryCancel();
  changed_.notify_all();
}

}  // namespace lapse::cli
