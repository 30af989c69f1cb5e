// Sends a workload's arrivals to an event log, batch after batch.
#ifndef LAPSE_TEST_CONFORMANCE_BATCH_FEEDER_H_
#define LAPSE_TEST_CONFORMANCE_BATCH_FEEDER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "bench/workload/workload.h"
#include "storage/event_log.h"

namespace lapse::conformance {

// Moves the clock to each batch's last arrival and appends it then. Used by one thread.
class BatchFeeder {
 public:
  // Sizes of batches are drawn by `seed`; at most `window` batches are unanswered at a time. What
  // is given outlives the feeder, and the feeder the log's run.
  BatchFeeder(const bench::Workload& workload, uint64_t seed, int window, SimulatedClock& clock,
              storage::EventLog& log);

  // Sends arrivals until `end` (an index in Workload::arrivals) and waits for the answers.
  absl::Status SendUntil(size_t end);
  // Appends an event that concerns nobody, so that the present time is logged.
  absl::Status SendEnd();

  // As LiveRun has it; after the last answer.
  absl::StatusOr<std::vector<int64_t>> TakeEventOfSequence();

 private:
  size_t DrawBatchSize();
  absl::Status Send(size_t end);
  absl::Status Append(google::protobuf::RepeatedPtrField<lapse::v1::Event> events, size_t begin);
  absl::Status WaitForAnswers(int unanswered);
  // On the log's thread.
  void OnAnswer(size_t begin, const absl::StatusOr<storage::AppendResult>& result);
  absl::Status Check(size_t begin, const storage::AppendResult& result);
  absl::Status CheckEvent(const bench::Arrival& arrival, const storage::AppendedEvent& appended);

  const bench::Workload& workload_;
  const int window_;
  SimulatedClock& clock_;
  storage::EventLog& log_;
  std::mt19937_64 random_;
  size_t sent_ = 0;

  Mutex mutex_;
  CondVar answered_;
  int unanswered_ = 0;
  absl::Status status_;
  // By event; 0 for none yet.
  std::vector<int64_t> sequence_of_event_;
};

}  // namespace lapse::conformance

#endif  // LAPSE_TEST_CONFORMANCE_BATCH_FEEDER_H_
