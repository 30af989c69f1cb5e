// One IngestEventStream: reads numbered batches, queues them in the log, and answers in order as
// they become durable.
#ifndef LAPSE_SERVER_INGEST_STREAM_H_
#define LAPSE_SERVER_INGEST_STREAM_H_

#include <grpcpp/grpcpp.h>

#include <deque>
#include <memory>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "lapse/v1/event_service.pb.h"
#include "server/ingest.h"
#include "server/ingest_gate.h"
#include "server/stream_registry.h"
#include "storage/event_log.h"

namespace lapse::server {

// What a stream works with. All outlive it.
struct IngestStreamContext {
  storage::EventLog& log;
  const IngestGate& gate;
  Clock& clock;
  StreamRegistry& registry;
  int64_t max_event_age_us = 0;
};

// Owned by the registry until OnDone.
class IngestStream : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                     public Drainable,
                     public std::enable_shared_from_this<IngestStream> {
 public:
  explicit IngestStream(const IngestStreamContext& context) : context_(context) {}

  // After the registry has taken the stream.
  void Begin();

  void Drain() override;
  void Tick(int64_t /*steady_us*/) override {}

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override { context_.registry.Remove(this); }

 private:
  // A batch that waits for its answer.
  struct Slot {
    bool ready = false;
    int64_t batch_number = 0;
    grpc::ByteBuffer response;
  };

  void TakeBatch();
  std::shared_ptr<Slot> AddSlot(int64_t batch_number);
  absl::Status Submit(const std::shared_ptr<Slot>& slot, IngestRequest request);
  void Answer(const std::shared_ptr<Slot>& slot, const absl::Status& status,
              lapse::v1::BatchIngestEventsResponse result);
  // Starts whatever can be started. Holds mutex_.
  void Proceed();
  bool MayRead() const;
  void FinishIfEnded();
  void FinishOnce(const grpc::Status& status);

  const IngestStreamContext context_;

  // Touched by the read side alone.
  grpc::ByteBuffer request_;
  int64_t last_batch_number_ = 0;

  Mutex mutex_;
  std::deque<std::shared_ptr<Slot>> slots_;
  bool reading_ = false;
  bool writing_ = false;
  bool read_closed_ = false;
  // What was read last is no batch: nothing more is read.
  absl::Status fault_;
  bool draining_ = false;
  bool finished_ = false;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_INGEST_STREAM_H_
