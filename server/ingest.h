// What unary, batch and stream ingest share: reading requests from their bytes, sorting out the
// events that are refused, and telling where the others stand.
#ifndef LAPSE_SERVER_INGEST_H_
#define LAPSE_SERVER_INGEST_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lapse/v1/event_service.pb.h"
#include "storage/event_batch.h"
#include "storage/event_log.h"

namespace lapse::server {

// Which message a request's bytes are.
enum class IngestKind { kEvent, kBatch, kStreamBatch };

// A request whose events have not been looked at.
struct IngestRequest {
  int64_t batch_number = 0;
  int event_count = 0;
  size_t request_bytes = 0;
  // The events one after another, as EventFrameReader reads them; `batch` keeps them.
  absl::string_view frames;
  storage::EventBatch batch;
};

// Reads the request that stands in `bytes`, which `batch` keeps. Nothing is parsed into objects
// where the bytes have the form that every known client gives them. INVALID_ARGUMENT, reason
// REQUEST_MALFORMED, for what is no such message.
absl::StatusOr<IngestRequest> ReadIngestRequest(IngestKind kind, absl::string_view bytes,
                                                storage::EventBatch batch);

// By what the events' times are judged; as in ValidateEvent.
struct EventAges {
  int64_t now_us = 0;
  int64_t max_age_us = 0;
};

// A batch whose bad events have been left out.
struct SiftedBatch {
  // In order; never more than limits::kMaxBatchEvents.
  storage::EventBatch accepted;
  // Their places in the batch.
  std::vector<int> indexes;
  std::vector<lapse::v1::EventRejection> rejections;
  int event_count = 0;
};

// INVALID_ARGUMENT for a fault of the whole batch: BATCH_EMPTY, BATCH_TOO_MANY_EVENTS,
// REQUEST_TOO_LARGE, REQUEST_MALFORMED.
absl::StatusOr<SiftedBatch> SiftBatch(IngestRequest request, const EventAges& ages);

// The one event of an IngestEventRequest. INVALID_ARGUMENT with the field relative to the request.
absl::StatusOr<storage::EventBatch> TakeEvent(IngestRequest request, const EventAges& ages);

// `appended` stands for batch.accepted, in order; empty where that is.
lapse::v1::BatchIngestEventsResponse MakeBatchResponse(
    const SiftedBatch& batch, const std::vector<storage::AppendedEvent>& appended);

}  // namespace lapse::server

#endif  // LAPSE_SERVER_INGEST_H_
