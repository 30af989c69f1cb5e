#include "server/ingest.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "google/protobuf/unknown_field_set.h"
#include "server/validation.h"
#include "storage/wire_reader.h"

namespace lapse::server {
namespace {

using lapse::v1::BatchIngestEventsRequest;
using lapse::v1::BatchIngestEventsResponse;
using lapse::v1::Event;
using lapse::v1::EventRejection;
using lapse::v1::IngestEventRequest;
using lapse::v1::IngestEventStreamRequest;
using storage::EventBatch;
using storage::EventFrameReader;
using storage::EventView;

constexpr uint8_t kBatchNumberTag = IngestEventStreamRequest::kBatchNumberFieldNumber << 3;

absl::Status Malformed() {
  return MakeError(absl::StatusCode::kInvalidArgument, "REQUEST_MALFORMED",
                   "The request is not of this method's message, or has a text that is not UTF-8");
}

absl::Status CheckRequestSize(size_t request_bytes) {
  if (request_bytes <= limits::kMaxRequestBytes) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "REQUEST_TOO_LARGE",
                   absl::StrCat("The request has ", request_bytes, " bytes; at most ",
                                limits::kMaxRequestBytes, " are allowed; split the batch"));
}

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

// Whether there are events alone, and for a single event one of them.
bool CountEvents(IngestKind kind, IngestRequest* request) {
  EventFrameReader frames(request->frames);
  absl::string_view event;
  while (frames.Next(&event)) ++request->event_count;
  return frames.done() && (kind != IngestKind::kEvent || request->event_count <= 1);
}

// False where the bytes are not of the usual form.
bool ReadPlain(IngestKind kind, absl::string_view bytes, IngestRequest* request) {
  storage::WireReader in(bytes);
  uint64_t batch_number = 0;
  if (kind == IngestKind::kStreamBatch && in.TakeTag(kBatchNumberTag) &&
      !in.TakeVarint(&batch_number)) {
    return false;
  }
  request->batch_number = static_cast<int64_t>(batch_number);
  request->frames = in.rest();
  request->event_count = 0;
  return CountEvents(kind, request);
}

// Whatever protobuf takes: fields in another order, fields that we do not know.
absl::StatusOr<BatchIngestEventsRequest> ParseOdd(IngestKind kind, absl::string_view bytes,
                                                  int64_t* batch_number) {
  const int size = static_cast<int>(bytes.size());
  BatchIngestEventsRequest batch;
  bool parsed = false;
  if (kind == IngestKind::kEvent) {
    IngestEventRequest request;
    parsed = request.ParseFromArray(bytes.data(), size);
    if (request.has_event()) *batch.add_events() = std::move(*request.mutable_event());
  } else if (kind == IngestKind::kBatch) {
    parsed = batch.ParseFromArray(bytes.data(), size);
  } else {
    IngestEventStreamRequest request;
    parsed = request.ParseFromArray(bytes.data(), size);
    *batch_number = request.batch_number();
    batch.mutable_events()->Swap(request.mutable_events());
  }
  if (!parsed) return Malformed();
  batch.GetReflection()->MutableUnknownFields(&batch)->Clear();
  return batch;
}

absl::Status ReadOdd(IngestKind kind, absl::string_view bytes, IngestRequest* request) {
  ASSIGN_OR_RETURN(const BatchIngestEventsRequest odd,
                   ParseOdd(kind, bytes, &request->batch_number));
  const size_t size = odd.ByteSizeLong();
  char* const out = request->batch.Allocate(size);
  odd.SerializeToArray(out, static_cast<int>(size));
  request->frames = absl::string_view(out, size);
  request->event_count = odd.events_size();
  return absl::OkStatus();
}

// As ValidateEvent says of it, told from what the scan leaves open.
bool IsValid(const EventView& event, const EventAges& ages) {
  if (event.type().empty()) return false;
  if (!event.has_occur_time()) return true;
  const int64_t time_us = event.occur_time_us();
  return time_us <= ages.now_us + limits::kMaxAheadUs &&
         (ages.max_age_us <= 0 || time_us >= ages.now_us - ages.max_age_us);
}

// Why an event that is not plainly valid is refused; adds it where it is not.
absl::Status AddOdd(const Event& event, const EventAges& ages, EventBatch& batch) {
  RETURN_IF_ERROR(ValidateEvent(event, ages.now_us, ages.max_age_us));
  if (batch.AddCopy(event)) return absl::OkStatus();
  return absl::InternalError("a valid event that cannot be read in place");
}

// Sets `refused` to why the event is refused. Fails where the bytes are no event.
absl::Status AddEvent(absl::string_view bytes, const EventAges& ages, EventBatch& batch,
                      absl::Status& refused) {
  if (batch.Add(bytes)) {
    if (IsValid(batch.events().back(), ages)) return absl::OkStatus();
    batch.DropLast();
  }
  Event event;
  if (!event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return Malformed();
  refused = AddOdd(event, ages, batch);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<IngestRequest> ReadIngestRequest(IngestKind kind, absl::string_view bytes,
                                                EventBatch batch) {
  IngestRequest request;
  request.batch = std::move(batch);
  request.request_bytes = bytes.size();
  if (!ReadPlain(kind, bytes, &request)) RETURN_IF_ERROR(ReadOdd(kind, bytes, &request));
  return request;
}

absl::StatusOr<SiftedBatch> SiftBatch(IngestRequest request, const EventAges& ages) {
  RETURN_IF_ERROR(CheckBatch(request.event_count, request.request_bytes));
  SiftedBatch sifted;
  sifted.event_count = request.event_count;
  sifted.indexes.reserve(request.event_count);
  request.batch.Reserve(request.event_count);
  EventFrameReader frames(request.frames);
  absl::string_view bytes;
  for (int i = 0; frames.Next(&bytes); ++i) {
    absl::Status refused;
    RETURN_IF_ERROR(AddEvent(bytes, ages, request.batch, refused));
    if (refused.ok()) {
      sifted.indexes.push_back(i);
    } else {
      sifted.rejections.push_back(MakeRejection(i, refused));
    }
  }
  sifted.accepted = std::move(request.batch);
  return sifted;
}

absl::StatusOr<EventBatch> TakeEvent(IngestRequest request, const EventAges& ages) {
  RETURN_IF_ERROR(CheckRequestSize(request.request_bytes));
  EventFrameReader frames(request.frames);
  absl::string_view bytes;
  if (!frames.Next(&bytes)) {
    return InvalidField("event", "EVENT_MISSING", "event is not set; it is required");
  }
  absl::Status refused;
  RETURN_IF_ERROR(AddEvent(bytes, ages, request.batch, refused));
  if (!refused.ok()) return WithFieldPrefix(refused, "event");
  return std::move(request.batch);
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
