// A matcher over stores in memory, fed with a log that the test writes entry by entry. Kill drops
// everything that is not stored. For tests.
#ifndef LAPSE_MONITORS_TEST_MATCHER_H_
#define LAPSE_MONITORS_TEST_MATCHER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "monitors/recovery.h"
#include "monitors/sharded_matcher.h"
#include "monitors/test_alerts.h"
#include "monitors/test_monitors.h"
#include "storage/memory/checkpoint_store.h"
#include "storage/memory/chunk_store.h"

namespace lapse::monitors {

// The real store in memory, behind a disk that fails.
class FailingCheckpointStore : public storage::MemoryCheckpointStore {
 public:
  // After so many more partitions nothing is saved; -1: all are.
  void FailAfter(int partitions);
  absl::Status Save(const std::vector<storage::PartitionCheckpoint>& checkpoints) override;
  // How many partitions were saved, manifests not counted.
  int saved() const;

 private:
  mutable Mutex mutex_;
  int left_ = -1;
  int saved_ = 0;
};

class MarkCollector : public storage::MarkRequester {
 public:
  void RequestMark(int64_t at_us) override;
  // The earliest that was asked for since the last call; waits for one.
  int64_t Take();

 private:
  Mutex mutex_;
  CondVar asked_;
  int64_t earliest_us_ = INT64_MAX;
};

class TestMatcher {
 public:
  ~TestMatcher();

  // As a start of the server does.
  absl::Status TryStart(int shard_count);
  void Start(int shard_count);
  // Makes an entry durable and hands it to the matcher, where one runs.
  void Append(double now, std::vector<lapse::v1::Event> events,
              std::vector<ControlRecord> controls = {});
  void Append(const std::shared_ptr<const storage::LogEntry>& entry);
  // As kill -9.
  void Kill();
  void Stop();
  // Waits until a checkpoint stands at the last entry.
  void Checkpoint();

  lapse::v1::MonitorStats Stats(const std::string& uid);
  absl::StatusOr<ExpectationPage> List(ExpectationQuery query);
  // Every change of every alert, by name, in the order of the feed.
  std::map<std::string, std::vector<std::string>> Alerts();
  // "FIRING A" and so on, in the order of the feed.
  std::vector<std::string> Feed();

  ShardedMatcher& matcher() { return *matcher_; }
  EntryMaker& maker() { return maker_; }

  SimulatedClock clock{At(0)};
  storage::MemoryChunkStore log;
  FailingAlertStore state;
  FailingCheckpointStore checkpoints;
  RecordingListener listener;
  MarkCollector marks;
  // Whether monitor changes are recorded by the harness, as the server does, or by checkpoints
  // alone.
  bool record_changes = true;

 private:
  EntryMaker maker_;
  std::unique_ptr<ShardedMatcher> matcher_;
};

// opened = met + late + missed + cancelled + shed + withdrawn + pending.
bool Balances(const lapse::v1::MonitorStats& stats);

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_TEST_MATCHER_H_
