// A server's real parts, wired as server/lapse_server.cc wires them, but for gRPC and notifiers.
#ifndef LAPSE_TEST_SIMULATION_NODE_H_
#define LAPSE_TEST_SIMULATION_NODE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/sharded_matcher.h"
#include "server/event_types.h"
#include "server/housekeeper.h"
#include "server/ingest_gate.h"
#include "server/monitor_catalog.h"
#include "storage/event_log.h"
#include "storage/sqlite/checkpoint_store.h"
#include "storage/sqlite/chunk_store.h"
#include "storage/sqlite/data_folder.h"
#include "storage/sqlite/state_store.h"

namespace lapse::simulation {

struct NodeOptions {
  std::string folder;
  int shard_count = 1;
  int64_t log_file_bytes = 0;
  int64_t checkpoint_interval_us = 0;
  int64_t settle_us = 0;
  int64_t idle_key_retention_us = 0;
  int64_t event_retention_us = 0;
  size_t duplicate_window_events = 0;
  // Between two saves of the duplicate window, and two tries to retire files.
  int64_t save_interval_us = 0;
  int64_t retire_interval_us = 0;
};

// Sees what the node makes known. Called on the node's threads; must not block.
class NodeObserver {
 public:
  virtual ~NodeObserver() = default;
  // Durable, and about to be matched. Again for what a start finds.
  virtual void OnEntry(const storage::LogEntry& entry) = 0;
  // The feed up to `last` is what subscribers see from now on.
  virtual void OnPublished(storage::FeedPosition last) = 0;
};

// Its methods may block: they are called by threads of the life, not by the driver.
class Node : private monitors::MatcherListener {
 public:
  // What is given outlives the node.
  static absl::StatusOr<std::unique_ptr<Node>> Start(const NodeOptions& options, Clock& clock,
                                                     NodeObserver& observer);
  ~Node() override;
  void Stop();

  // As EventService: nothing is taken once what follows ingest has failed.
  absl::Status Append(const google::protobuf::RepeatedPtrField<lapse::v1::Event>& events,
                      storage::EventLog::AppendCallback done);
  // Once it cannot take events any more, until a restart: why.
  absl::Status Health() const;

  server::MonitorCatalog& catalog() { return *catalog_; }
  storage::EventLog& log() { return *log_; }
  storage::ChunkStore& chunks() { return *chunks_; }
  storage::AlertStore& alerts() { return *state_; }
  monitors::ShardedMatcher& matcher() { return *matcher_; }

 private:
  class FanOut;

  Node(const NodeOptions& options, Clock& clock, NodeObserver& observer);
  absl::Status Open();
  absl::Status Recover();
  absl::Status ReadBack();
  absl::Status Serve();
  void KeepHouse();
  absl::Status Retire();

  void OnAlertsCommitted(storage::FeedPosition last) override { observer_.OnPublished(last); }
  void OnAlertsHeldUp(const absl::Status&) override {}
  void OnAlertsFailed(const absl::Status& status) override { gate_.Close(status); }
  void OnMatcherFailed(const absl::Status& status) override { gate_.Close(status); }
  void OnCheckpointed(storage::LogPosition position) override { checkpointed_ = position; }

  const NodeOptions options_;
  Clock& clock_;
  NodeObserver& observer_;
  server::IngestGate gate_;
  std::atomic<storage::LogPosition> checkpointed_ = 0;
  bool started_ = false;

  std::unique_ptr<storage::DataFolder> folder_;
  std::unique_ptr<storage::SqliteStateStore> state_;
  std::unique_ptr<storage::SqliteChunkStore> chunks_;
  std::unique_ptr<storage::FileCheckpointStore> checkpoints_;
  std::unique_ptr<storage::EventLog> log_;
  std::unique_ptr<server::MonitorCatalog> catalog_;
  std::unique_ptr<server::EventTypes> types_;
  std::unique_ptr<monitors::ShardedMatcher> matcher_;
  std::unique_ptr<FanOut> fan_out_;
  server::Housekeeper housekeeper_;
};

}  // namespace lapse::simulation

#endif  // LAPSE_TEST_SIMULATION_NODE_H_
