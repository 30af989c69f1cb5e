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

// Thread-safe.
class EventService : public lapse::v1::EventService::CallbackService {
 public:
  explicit EventService(const EventServiceContext& context) : context_(context) {}

  grpc::ServerUnaryReactor* IngestEvent(grpc::CallbackServerContext* call,
                                        const lapse::v1::IngestEventRequest* request,
                                        lapse::v1::IngestEventResponse* response) override;
  grpc::ServerUnaryReactor* BatchIngestEvents(
      grpc::CallbackServerContext* call, const lapse::v1::BatchIngestEventsRequest* request,
      lapse::v1::BatchIngestEventsResponse* response) override;
  grpc::ServerBidiReactor<lapse::v1::IngestEventStreamRequest,
                          lapse::v1::IngestEventStreamResponse>*
  IngestEventStream(grpc::CallbackServerContext* call) override;
  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext* call,
                                       const lapse::v1::ListEventsRequest* request,
                                       lapse::v1::ListEventsResponse* response) override;
  grpc::ServerUnaryReactor* ListEventTypes(grpc::CallbackServerContext* call,
                                           const lapse::v1::ListEventTypesRequest* request,
                                           lapse::v1::ListEventTypesResponse* response) override;

 private:
  const EventServiceContext context_;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_EVENT_SERVICE_H_
