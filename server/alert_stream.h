// One StreamAlerts subscriber: pulls from the feed by its own cursor, one write under way, at most
// one page in memory. A slow one holds up nobody, loses nothing and grows nothing.
#ifndef LAPSE_SERVER_ALERT_STREAM_H_
#define LAPSE_SERVER_ALERT_STREAM_H_

#include <grpcpp/grpcpp.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "lapse/v1/alert_service.pb.h"
#include "server/alert_hub.h"
#include "server/executor.h"
#include "server/stream_registry.h"

namespace lapse::server {

// What every stream of the server shares. All outlive the streams.
struct AlertStreamContext {
  storage::AlertStore& store;
  AlertHub& hub;
  Clock& clock;
  Executor& executor;
  // Reads the feed for the streams alone, so that no slow call stands before them.
  Executor& fill_executor;
  StreamRegistry& registry;
  // How long a write may be under way.
  int64_t write_timeout_us = limits::kSubscriberWriteTimeoutUs;
};

// Owned by the registry until OnDone.
class AlertStream : public grpc::ServerWriteReactor<lapse::v1::StreamAlertsResponse>,
                    public Drainable,
                    public std::enable_shared_from_this<AlertStream> {
 public:
  using Matches = std::function<bool(const lapse::v1::Alert&)>;

  AlertStream(const AlertStreamContext& context, grpc::CallbackServerContext* call,
              Matches matches);

  // After the registry has taken the stream. `after`: the cursor's position, or -1 to start with a
  // snapshot.
  void Begin(storage::FeedPosition after);

  void Drain() override;
  void Tick(int64_t steady_us) override;

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  enum class Phase { kSnapshot, kFollowing };

  // Starts a write, or has the next page read. Holds mutex_.
  void Proceed();
  // On the executor.
  void Fill();
  absl::Status FillSnapshot();
  absl::Status FillChanges();
  void Push(lapse::v1::StreamAlertsResponse response);
  // Ends the stream although a write is stuck. Holds mutex_.
  void Cut();
  void FinishOnce(const grpc::Status& status);
  std::string CursorAt(storage::FeedPosition position) const;

  const AlertStreamContext context_;
  grpc::CallbackServerContext* const call_;
  const Matches matches_;
  int64_t listener_ = 0;

  // Touched by Fill alone, of which one runs at a time.
  Phase phase_ = Phase::kSnapshot;
  storage::FeedPosition snapshot_at_ = 0;
  storage::FeedPosition snapshot_after_first_ = 0;
  int firing_count_ = 0;

  Mutex mutex_;
  std::deque<lapse::v1::StreamAlertsResponse> buffer_;
  // Everything up to here has been put into the buffer or left out by the filter.
  storage::FeedPosition position_ = 0;
  bool begun_ = false;
  bool synced_ = false;
  bool filling_ = false;
  bool writing_ = false;
  bool finished_ = false;
  bool registered_ = false;
  // Steady time, so that a step of the wall clock ends no stream.
  int64_t write_start_us_ = 0;
  int64_t last_item_us_ = 0;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_ALERT_STREAM_H_
