#include "server/ingest_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "server/ingest.h"
#include "server/raw_message.h"
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
  storage::EventBatch batch;
  const absl::string_view bytes = CopyMessage(request_, batch);
  absl::StatusOr<IngestRequest> request =
      ReadIngestRequest(IngestKind::kStreamBatch, bytes, std::move(batch));
  request_.Clear();
  if (!request.ok()) {
    MutexLock lock(mutex_);
    fault_ = request.status();
    read_closed_ = true;
    return;
  }
  const std::shared_ptr<Slot> slot = AddSlot(request->batch_number);
  const absl::Status status = Submit(slot, *std::move(request));
  if (!status.ok()) Answer(slot, status, {});
}

std::shared_ptr<IngestStream::Slot> IngestStream::AddSlot(int64_t batch_number) {
  auto slot = std::make_shared<Slot>();
  slot->batch_number = batch_number;
  MutexLock lock(mutex_);
  slots_.push_back(slot);
  return slot;
}

absl::Status IngestStream::Submit(const std::shared_ptr<Slot>& slot, IngestRequest request) {
  if (request.batch_number <= last_batch_number_) {
    return InvalidField(
        "batch_number", "BATCH_NUMBER_NOT_RISING",
        absl::StrCat("batch_number is ", request.batch_number, "; it must be above ",
                     last_batch_number_, ", the one before"));
  }
  last_batch_number_ = request.batch_number;
  RETURN_IF_ERROR(context_.gate.Check());
  const EventAges ages = {context_.clock.NowUs(), context_.max_event_age_us};
  ASSIGN_OR_RETURN(SiftedBatch sifted, SiftBatch(std::move(request), ages));
  storage::EventBatch events = std::move(sifted.accepted);
  if (events.events().empty()) {
    Answer(slot, absl::OkStatus(), MakeBatchResponse(sifted, {}));
    return absl::OkStatus();
  }
  return context_.log.Append(
      std::move(events), [self = shared_from_this(), slot, sifted = std::move(sifted)](
                             const absl::StatusOr<storage::AppendResult>& result) {
        self->Answer(
            slot, result.status(),
            result.ok() ? MakeBatchResponse(sifted, result->events) : BatchIngestEventsResponse());
      });
}

void IngestStream::Answer(const std::shared_ptr<Slot>& slot, const absl::Status& status,
                          BatchIngestEventsResponse result) {
  lapse::v1::IngestEventStreamResponse answer;
  answer.set_batch_number(slot->batch_number);
  *answer.mutable_status() = ToRpcStatus(status);
  if (status.ok()) *answer.mutable_result() = std::move(result);
  const grpc::Status written = WriteMessage(answer, &slot->response);
  MutexLock lock(mutex_);
  slot->ready = true;
  if (!written.ok()) return FinishOnce(written);
  Proceed();
}

void IngestStream::Proceed() {
  if (finished_) return;
  if (!writing_ && !slots_.empty() && slots_.front()->ready) {
    writing_ = true;
    StartWrite(&slots_.front()->response);
  }
  if (MayRead()) {
    reading_ = true;
    StartRead(&request_);
  }
  FinishIfEnded();
}

// While the log is behind, the client's bytes wait in the transport. An answer that is still to
// come looks again.
bool IngestStream::MayRead() const {
  if (read_closed_ || draining_ || reading_) return false;
  if (slots_.size() >= limits::kMaxUnansweredStreamBatches) return false;
  return slots_.empty() || !context_.log.IsBehind();
}

void IngestStream::FinishIfEnded() {
  if (!slots_.empty() || !(read_closed_ || draining_)) return;
  if (!fault_.ok()) return FinishOnce(ToGrpcStatus(fault_));
  FinishOnce(read_closed_
                 ? grpc::Status::OK
                 : ToGrpcStatus(Unavailable("DRAINING", "The server is stopping; connect again",
                                            limits::kMicrosPerSecond)));
}

void IngestStream::FinishOnce(const grpc::Status& status) {
  if (std::exchange(finished_, true)) return;
  Finish(status);
}

}  // namespace lapse::server
