#include "server/ingest_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "server/ingest.h"
#include "server/status.h"

namespace lapse::server {

using lapse::v1::BatchIngestEventsResponse;

void IngestStream::Begin() {
  MutexLock lock(mutex_);
  Proceed();
}

void IngestStream::Drain() {
  MutexLock lock(mutex_);
  draining_ = true;
  Proceed();
}

void IngestStream::OnReadDone(bool ok) {
  if (ok) TakeBatch();
  MutexLock lock(mutex_);
  reading_ = false;
  if (!ok) read_closed_ = true;
  Proceed();
}

void IngestStream::OnWriteDone(bool ok) {
  MutexLock lock(mutex_);
  writing_ = false;
  slots_.pop_front();
  if (!ok) read_closed_ = true;
  Proceed();
}

void IngestStream::OnCancel() {
  MutexLock lock(mutex_);
  FinishOnce(grpc::Status(grpc::StatusCode::CANCELLED, "the client gave up"));
}

void IngestStream::TakeBatch() {
  const std::shared_ptr<Slot> slot = AddSlot();
  const absl::Status status = Submit(slot);
  if (!status.ok()) Answer(slot, status, {});
}

std::shared_ptr<IngestStream::Slot> IngestStream::AddSlot() {
  auto slot = std::make_shared<Slot>();
  slot->response.set_batch_number(request_.batch_number());
  MutexLock lock(mutex_);
  slots_.push_back(slot);
  return slot;
}

absl::Status IngestStream::Submit(const std::shared_ptr<Slot>& slot) {
  if (request_.batch_number() <= last_batch_number_) {
    return InvalidField(
        "batch_number", "BATCH_NUMBER_NOT_RISING",
        absl::StrCat("batch_number is ", request_.batch_number(), "; it must be above ",
                     last_batch_number_, ", the one before"));
  }
  last_batch_number_ = request_.batch_number();
  RETURN_IF_ERROR(context_.gate.Check());
  const size_t request_bytes = request_.ByteSizeLong();
  ASSIGN_OR_RETURN(SiftedBatch sifted,
                   SiftBatch(request_.mutable_events(), request_bytes, context_.clock.NowUs(),
                             context_.max_event_age_us));
  if (sifted.accepted.empty()) {
    Answer(slot, absl::OkStatus(), MakeBatchResponse(sifted, {}));
    return absl::OkStatus();
  }
  EventList events;
  events.Swap(&sifted.accepted);
  return context_.log.Append(
      std::move(events), [self = shared_from_this(), slot, sifted = std::move(sifted)](
                             absl::StatusOr<storage::AppendResult> result) {
        self->Answer(
            slot, result.status(),
            result.ok() ? MakeBatchResponse(sifted, result->events) : BatchIngestEventsResponse());
      });
}

void IngestStream::Answer(const std::shared_ptr<Slot>& slot, const absl::Status& status,
                          BatchIngestEventsResponse result) {
  *slot->response.mutable_status() = ToRpcStatus(status);
  if (status.ok()) *slot->response.mutable_result() = std::move(result);
  MutexLock lock(mutex_);
  slot->ready = true;
  Proceed();
}

void IngestStream::Proceed() {
  if (finished_) return;
  if (!writing_ && !slots_.empty() && slots_.front()->ready) {
    writing_ = true;
    StartWrite(&slots_.front()->response);
  }
  const bool ended = read_closed_ || draining_;
  if (!ended && !reading_ && slots_.size() < limits::kMaxUnansweredStreamBatches) {
    reading_ = true;
    StartRead(&request_);
  }
  if (ended && slots_.empty()) {
    FinishOnce(read_closed_
                   ? grpc::Status::OK
                   : ToGrpcStatus(Unavailable("DRAINING", "The server is stopping; connect again",
                                              limits::kMicrosPerSecond)));
  }
}

void IngestStream::FinishOnce(const grpc::Status& status) {
  if (std::exchange(finished_, true)) return;
  Finish(status);
}

}  // namespace lapse::server
