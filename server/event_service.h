// lapse.v1.EventService over the event log.
#ifndef LAPSE_SERVER_EVENT_SERVICE_H_
#define LAPSE_SERVER_EVENT_SERVICE_H_

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "lapse/v1/event_service.grpc.pb.h"
#include "server/event_types.h"
#include "server/executor.h"
#include "server/indexed_attributes.h"
#include "server/ingest.h"
#include "server/ingest_gate.h"
#include "server/stream_registry.h"
#include "storage/chunk_store.h"
#include "storage/event_log.h"

namespace lapse::server {

// What the service works with. All outlive it.
struct EventServiceContext {
  storage::EventLog& log;
  const IngestGate& gate;
  storage::ChunkStore& chunks;
  EventTypes& types;
  IndexedAttributeSet& indexed;
  Clock& clock;
  Executor& executor;
  StreamRegistry& registry;
  // 0: any age.
  int64_t max_event_age_us = 0;
};

// The methods that take events in have their requests as bytes: most are never parsed.
using EventServiceBase = lapse::v1::EventService::WithRawCallbackMethod_IngestEvent<
    lapse::v1::EventService::WithRawCallbackMethod_BatchIngestEvents<
        lapse::v1::EventService::WithRawCallbackMethod_IngestEventStream<
            lapse::v1::EventService::WithCallbackMethod_ListEvents<
                lapse::v1::EventService::WithCallbackMethod_ListEventTypes<
                    lapse::v1::EventService::Service>>>>>;

// Thread-safe.
class EventService : public EventServiceBase {
 public:
  explicit EventService(const EventServiceContext& context) : context_(context) {}

  grpc::ServerUnaryReactor* IngestEvent(grpc::CallbackServerContext* call,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* BatchIngestEvents(grpc::CallbackServerContext* call,
                                              const grpc::ByteBuffer* request,
                                              grpc::ByteBuffer* response) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* IngestEventStream(
      grpc::CallbackServerContext* call) override;
  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext* call,
                                       const lapse::v1::ListEventsRequest* request,
                                       lapse::v1::ListEventsResponse* response) override;
  grpc::ServerUnaryReactor* ListEventTypes(grpc::CallbackServerContext* call,
                                           const lapse::v1::ListEventTypesRequest* request,
                                           lapse::v1::ListEventTypesResponse* response) override;

 private:
  // What a unary call sent, unless the server takes nothing now.
  absl::StatusOr<IngestRequest> Receive(IngestKind kind, const grpc::ByteBuffer& request) const;
  // Done is answered once OK is returned.
  absl::Status SubmitEvent(const grpc::ByteBuffer& request, grpc::ServerUnaryReactor* reactor,
                           grpc::ByteBuffer* response);
  absl::Status SubmitBatch(const grpc::ByteBuffer& request, grpc::ServerUnaryReactor* reactor,
                           grpc::ByteBuffer* response);
  EventAges Ages() const { return {context_.clock.NowUs(), context_.max_event_age_us}; }

  const EventServiceContext context_;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_EVENT_SERVICE_H_
