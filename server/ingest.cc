#include "server/ingest.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "server/validation.h"

namespace lapse::server {
namespace {

using lapse::v1::BatchIngestEventsResponse;
using lapse::v1::Event;
using lapse::v1::EventRejection;

absl::Status CheckBatch(int event_count, size_t request_bytes) {
  if (event_count == 0) {
    return InvalidField("events", "BATCH_EMPTY", "events is empty; a batch has at least 1 event");
  }
  if (event_count > static_cast<int>(limits::kMaxBatchEvents)) {
    return InvalidField("events", "BATCH_TOO_MANY_EVENTS",
                        absl::StrCat("events has ", event_count, " events; at most ",
                                     limits::kMaxBatchEvents, " are allowed; split the batch"));
  }
  return CheckRequestSize(request_bytes);
}

EventRejection MakeRejection(int index, const absl::Status& status) {
  const ErrorDetails details = DetailsOf(status);
  EventRejection rejection;
  rejection.set_index(index);
  rejection.set_code(static_cast<int>(status.code()));
  rejection.set_reason(details.reason);
  rejection.set_field(details.field);
  rejection.set_message(std::string(status.message()));
  return rejection;
}

}  // namespace

absl::Status CheckRequestSize(size_t request_bytes) {
  if (request_bytes <= limits::kMaxRequestBytes) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "REQUEST_TOO_LARGE",
                   absl::StrCat("The request has ", request_bytes, " bytes; at most ",
                                limits::kMaxRequestBytes, " are allowed; split the batch"));
}

absl::StatusOr<SiftedBatch> SiftBatch(EventList* events, size_t request_bytes, int64_t now_us,
                                      int64_t max_age_us) {
  RETURN_IF_ERROR(CheckBatch(events->size(), request_bytes));
  SiftedBatch batch;
  batch.event_count = events->size();
  for (int i = 0; i < events->size(); ++i) {
    const absl::Status status = ValidateEvent(events->Get(i), now_us, max_age_us);
    if (status.ok()) {
      batch.indexes.push_back(i);
    } else {
      batch.rejections.push_back(MakeRejection(i, status));
    }
  }
  if (batch.rejections.empty()) {
    batch.accepted.Swap(events);
  } else {
    for (int index : batch.indexes) batch.accepted.Add()->Swap(events->Mutable(index));
    events->Clear();
  }
  for (Event& event : batch.accepted) {
    event.clear_ingest_time();
    event.clear_sequence();
  }
  return batch;
}

BatchIngestEventsResponse MakeBatchResponse(const SiftedBatch& batch,
                                            const std::vector<storage::AppendedEvent>& appended) {
  BatchIngestEventsResponse response;
  response.mutable_sequences()->Resize(batch.event_count, 0);
  for (size_t i = 0; i < appended.size(); ++i) {
    const storage::AppendedEvent& event = appended[i];
    response.set_sequences(batch.indexes[i], event.sequence);
    if (event.duplicate) {
      response.set_duplicate_count(response.duplicate_count() + 1);
      if (event.conflicting) response.set_conflicting_count(response.conflicting_count() + 1);
      continue;
    }
    if (response.accepted_count() == 0) response.set_first_sequence(event.sequence);
    response.set_accepted_count(response.accepted_count() + 1);
  }
  for (const EventRejection& rejection : batch.rejections) *response.add_rejections() = rejection;
  return response;
}

}  // namespace lapse::server
