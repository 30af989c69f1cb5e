#include "server/event_service.h"

#include <memory>
#include <tuple>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/filter/event_fields.h"
#include "base/filter/filter.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "server/ingest.h"
#include "server/ingest_stream.h"
#include "server/lists.h"
#include "server/page_token.h"
#include "server/raw_message.h"
#include "server/refused_stream.h"
#include "server/status.h"
#include "server/unary.h"

namespace lapse::server {
namespace {

using lapse::v1::BatchIngestEventsResponse;
using lapse::v1::Event;
using lapse::v1::IngestEventResponse;
using lapse::v1::ListEventsRequest;
using lapse::v1::ListEventsResponse;
using lapse::v1::ListEventTypesRequest;
using lapse::v1::ListEventTypesResponse;

// Answers the call: with `answer`, or with why there is none.
template <typename Answer>
void Finish(grpc::ServerUnaryReactor* reactor, const absl::Status& status, const Answer& answer,
            grpc::ByteBuffer* response) {
  reactor->Finish(status.ok() ? WriteMessage(answer, response) : ToGrpcStatus(status));
}

absl::StatusOr<bool> IsDescending(const std::string& order_by) {
  if (order_by.empty() || order_by == "occur_time" || order_by == "occur_time asc") return false;
  if (order_by == "occur_time desc") return true;
  return InvalidField("order_by", "ORDER_UNKNOWN",
                      absl::StrCat("order_by is ", Quoted(order_by),
                                   "; expected `occur_time` or `occur_time desc`"));
}

// The place of a page: time, sequence, and the highest sequence when the list began.
absl::Status ReadPlace(const PagePlace& place, storage::EventQuery* query) {
  if (place.empty()) return absl::OkStatus();
  std::pair<int64_t, int64_t> after;
  if (place.size() != 3 || !absl::SimpleAtoi(place[0], &after.first) ||
      !absl::SimpleAtoi(place[1], &after.second) ||
      !absl::SimpleAtoi(place[2], &query->max_sequence)) {
    return absl::InternalError("page token of another form");
  }
  query->after_time_and_sequence = after;
  return absl::OkStatus();
}

void Narrow(const Filter& filter, const IndexedAttributeSet& indexed, storage::EventQuery* query) {
  std::tie(query->min_time_us, query->max_time_us) = filter.RequiredTimeRange(kEventOccurTime);
  for (const RequiredEquality& equality : filter.RequiredEqualities()) {
    // A double is not indexed, and 5.0 equals 5.
    if (equality.field_id != kEventAttributes || equality.is_number ||
        !indexed.Contains(equality.key))
      continue;
    query->attribute_equals = {equality.key, equality.value};
    return;
  }
}

absl::StatusOr<ListEventsResponse> ListPage(const EventServiceContext& context,
                                            const ListEventsRequest& request) {
  ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  ASSIGN_OR_RETURN(const Filter filter, Filter::Parse(request.filter(), EventSchema()));
  ASSIGN_OR_RETURN(const bool descending, IsDescending(request.order_by()));
  const PageQuery same = {"ListEvents", request.filter(), descending ? "desc" : "asc"};
  ASSIGN_OR_RETURN(const PagePlace place, ReadPageToken(same, request.page_token()));
  const auto matches = [&filter](const Event& event) { return filter.Matches(EventFields(event)); };
  storage::EventQuery query{.matches = matches};
  query.max_sequence = context.chunks.NextSequence() - 1;
  RETURN_IF_ERROR(ReadPlace(place, &query));
  Narrow(filter, context.indexed, &query);
  query.descending = descending;
  query.page_size = page_size;
  ASSIGN_OR_RETURN(storage::EventPage page, context.chunks.List(query));
  if (CutPage(&page.events)) {
    const Event& last = page.events.back();
    page.next_after = {ToMicros(last.occur_time()), last.sequence()};
  }
  ListEventsResponse response;
  for (Event& event : page.events) *response.add_events() = std::move(event);
  if (page.next_after.has_value()) {
    response.set_next_page_token(MakePageToken(
        same, {absl::StrCat(page.next_after->first), absl::StrCat(page.next_after->second),
               absl::StrCat(query.max_sequence)}));
  }
  return response;
}

absl::StatusOr<ListEventTypesResponse> ListTypes(const EventServiceContext& context,
                                                 const ListEventTypesRequest& request) {
  ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  const PageQuery same = {"ListEventTypes"};
  ASSIGN_OR_RETURN(const PagePlace place, ReadPageToken(same, request.page_token()));
  std::vector<lapse::v1::EventType> page =
      context.types.List(place.empty() ? "" : place[0], page_size);
  const bool more = static_cast<int>(page.size()) == page_size;
  ListEventTypesResponse response;
  if (CutPage(&page) || more)
    response.set_next_page_token(MakePageToken(same, {page.back().type()}));
  for (lapse::v1::EventType& type : page) *response.add_event_types() = std::move(type);
  return response;
}

}  // namespace

absl::StatusOr<IngestRequest> EventService::Receive(IngestKind kind,
                                                    const grpc::ByteBuffer& request) const {
  RETURN_IF_ERROR(context_.gate.Check());
  storage::EventBatch batch;
  const absl::string_view bytes = CopyMessage(request, batch);
  return ReadIngestRequest(kind, bytes, std::move(batch));
}

absl::Status EventService::SubmitEvent(const grpc::ByteBuffer& request,
                                       grpc::ServerUnaryReactor* reactor,
                                       grpc::ByteBuffer* response) {
  ASSIGN_OR_RETURN(IngestRequest read, Receive(IngestKind::kEvent, request));
  ASSIGN_OR_RETURN(storage::EventBatch event, TakeEvent(std::move(read), Ages()));
  return context_.log.Append(
      std::move(event), [reactor, response](const absl::StatusOr<storage::AppendResult>& result) {
        IngestEventResponse answer;
        if (result.ok()) {
          answer.set_sequence(result->events[0].sequence);
          answer.set_duplicate(result->events[0].duplicate);
          answer.set_conflicting(result->events[0].conflicting);
        }
        Finish(reactor, result.status(), answer, response);
      });
}

absl::Status EventService::SubmitBatch(const grpc::ByteBuffer& request,
                                       grpc::ServerUnaryReactor* reactor,
                                       grpc::ByteBuffer* response) {
  ASSIGN_OR_RETURN(IngestRequest read, Receive(IngestKind::kBatch, request));
  ASSIGN_OR_RETURN(SiftedBatch sifted, SiftBatch(std::move(read), Ages()));
  storage::EventBatch accepted = std::move(sifted.accepted);
  if (accepted.events().empty()) {
    Finish(reactor, absl::OkStatus(), MakeBatchResponse(sifted, {}), response);
    return absl::OkStatus();
  }
  return context_.log.Append(
      std::move(accepted), [reactor, response, sifted = std::move(sifted)](
                               const absl::StatusOr<storage::AppendResult>& result) {
        Finish(
            reactor, result.status(),
            result.ok() ? MakeBatchResponse(sifted, result->events) : BatchIngestEventsResponse(),
            response);
      });
}

grpc::ServerUnaryReactor* EventService::IngestEvent(grpc::CallbackServerContext* call,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  const absl::Status status = SubmitEvent(*request, reactor, response);
  if (!status.ok()) reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

grpc::ServerUnaryReactor* EventService::BatchIngestEvents(grpc::CallbackServerContext* call,
                                                          const grpc::ByteBuffer* request,
                                                          grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  const absl::Status status = SubmitBatch(*request, reactor, response);
  if (!status.ok()) reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* EventService::IngestEventStream(
    grpc::CallbackServerContext* /*call*/) {
  using Refused = RefusedStream<grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>>;
  const auto stream = std::make_shared<IngestStream>(IngestStreamContext{
      context_.log, context_.gate, context_.clock, context_.registry, context_.max_event_age_us});
  if (!context_.registry.Add(stream)) {
    return new Refused(Unavailable("TOO_MANY_STREAMS",
                                   "The server stops, or has too many streams; try again later",
                                   limits::kMicrosPerSecond));
  }
  stream->Begin();
  return stream.get();
}

grpc::ServerUnaryReactor* EventService::ListEvents(grpc::CallbackServerContext* call,
                                                   const ListEventsRequest* request,
                                                   ListEventsResponse* response) {
  return RunUnary(context_.executor, call, request, response,
                  [this](const ListEventsRequest& list) { return ListPage(context_, list); });
}

grpc::ServerUnaryReactor* EventService::ListEventTypes(grpc::CallbackServerContext* call,
                                                       const ListEventTypesRequest* request,
                                                       ListEventTypesResponse* response) {
  return RunUnary(context_.executor, call, request, response,
                  [this](const ListEventTypesRequest& list) { return ListTypes(context_, list); });
}

}  // namespace lapse::server
