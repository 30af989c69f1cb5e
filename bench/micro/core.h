// The server's core without gRPC: log, matcher and stores, for measuring one part at a time.
#ifndef LAPSE_BENCH_MICRO_CORE_H_
#define LAPSE_BENCH_MICRO_CORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "bench/load/event_pool.h"
#include "lapse/v1/event.pb.h"
#include "monitors/sharded_matcher.h"
#include "storage/chunk_store.h"
#include "storage/event_log.h"
#include "storage/memory/checkpoint_store.h"
#include "storage/memory/state_store.h"

namespace lapse::bench {

using Events = google::protobuf::RepeatedPtrField<lapse::v1::Event>;

// Ends the program, saying what failed.
void Must(const absl::Status& status);

// So many batches of the pool as messages, each renewed for `now_us`.
std::vector<Events> TakeBatches(EventPool& pool, size_t count, int64_t now_us);

// A new folder on disk, deleted with everything in it by the destructor.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Used by one thread.
class Core : private storage::LogFollower, private monitors::MatcherListener {
 public:
  // Three monitors, which the mix of the pool matches half of the time, unless `monitors` is off. A
  // folder holds the log's files; without one it is in memory. `clock` outlives the core.
  Core(const std::string& folder, bool monitors, Clock& clock);
  ~Core() override;

  // Appends; waits while 8 batches are unanswered.
  void Append(Events events);
  // Waits until all that was appended is answered, and matched.
  void AwaitApplied();
  // Waits until the alert feed has so many changes.
  void AwaitAlerts(int64_t changes);

  const storage::ChunkStore& log() const { return *store_; }
  // Builds a matcher from the log alone.
  void Replay(Clock& clock);

 private:
  void OnEntry(std::shared_ptr<const storage::LogEntry> entry) override;
  void OnAlertsCommitted(storage::FeedPosition last) override;
  void OnAlertsHeldUp(const absl::Status& status) override { Must(status); }
  void OnAlertsFailed(const absl::Status& status) override { Must(status); }
  void OnMatcherFailed(const absl::Status& status) override { Must(status); }
  void OnCheckpointed(storage::LogPosition) override {}

  void OpenStore(const std::string& folder);
  void Watch(const std::string& name, const std::string& primary, const std::string& secondary,
             const std::string& key);

  std::unique_ptr<storage::ChunkStore> store_;
  storage::MemoryStateStore state_;
  storage::MemoryCheckpointStore checkpoints_;
  std::unique_ptr<monitors::ShardedMatcher> matcher_;
  std::unique_ptr<storage::EventLog> event_log_;

  Mutex mutex_;
  CondVar changed_;
  int unanswered_ = 0;
  storage::LogPosition followed_ = 0;
  storage::FeedPosition committed_ = 0;
};

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_MICRO_CORE_H_
