// What unary, batch and stream ingest share: sorting out the events that are refused, and telling
// where the others stand.
#ifndef LAPSE_SERVER_INGEST_H_
#define LAPSE_SERVER_INGEST_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "lapse/v1/event_service.pb.h"
#include "storage/event_log.h"

namespace lapse::server {

using EventList = google::protobuf::RepeatedPtrField<lapse::v1::Event>;

// A batch whose bad events have been taken out.
struct SiftedBatch {
  // In order; never more than limits::kMaxBatchEvents.
  EventList accepted;
  // Their places in the batch.
  std::vector<int> indexes;
  std::vector<lapse::v1::EventRejection> rejections;
  int event_count = 0;
};

// Empties `events`. INVALID_ARGUMENT for a fault of the whole batch: BATCH_EMPTY,
// BATCH_TOO_MANY_EVENTS, REQUEST_TOO_LARGE. `max_age_us` as in ValidateEvent.
absl::StatusOr<SiftedBatch> SiftBatch(EventList* events, size_t request_bytes, int64_t now_us,
                                      int64_t max_age_us);

// INVALID_ARGUMENT, reason REQUEST_TOO_LARGE, over limits::kMaxRequestBytes.
absl::Status CheckRequestSize(size_t request_bytes);

// `appended` stands for batch.accepted, in order; empty where that is.
lapse::v1::BatchIngestEventsResponse MakeBatchResponse(
    const SiftedBatch& batch, const std::vector<storage::AppendedEvent>& appended);

}  // namespace lapse::server

#endif  // LAPSE_SERVER_INGEST_H_
