#include "test/conformance/batch_feeder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "test/conformance/waiting.h"

namespace lapse::conformance {
namespace {

using Events = google::protobuf::RepeatedPtrField<lapse::v1::Event>;

constexpr std::array<size_t, 6> kBatchSizes = {1, 2, 5, 20, 50, 100};

}  // namespace

BatchFeeder::BatchFeeder(const bench::Workload& workload, uint64_t seed, int window,
                         SimulatedClock& clock, storage::EventLog& log)
    : workload_(workload),
      window_(window),
      clock_(clock),
      log_(log),
      random_(seed),
      sequence_of_event_(workload.events.size()) {}

absl::Status BatchFeeder::SendUntil(size_t end) {
  while (sent_ < end) RETURN_IF_ERROR(Send(std::min(end, sent_ + DrawBatchSize())));
  return WaitForAnswers(0);
}

size_t BatchFeeder::DrawBatchSize() { return kBatchSizes[random_() % kBatchSizes.size()]; }

absl::Status BatchFeeder::Send(size_t end) {
  RETURN_IF_ERROR(WaitForAnswers(window_ - 1));
  Events events;
  events.Reserve(static_cast<int>(end - sent_));
  for (size_t i = sent_; i < end; ++i) {
    *events.Add() = workload_.events[workload_.arrivals[i].event];
  }
  clock_.AdvanceTo(workload_.arrivals[end - 1].arrival_us);
  const size_t begin = std::exchange(sent_, end);
  return Append(std::move(events), begin);
}

absl::Status BatchFeeder::SendEnd() {
  Events events;
  events.Add()->set_type("workload_ended");
  events[0].set_source("conformance");
  events[0].set_id("end");
  RETURN_IF_ERROR(Append(std::move(events), workload_.arrivals.size()));
  return WaitForAnswers(0);
}

absl::Status BatchFeeder::Append(Events events, size_t begin) {
  {
    MutexLock lock(mutex_);
    ++unanswered_;
  }
  return log_.Append(storage::EventBatch::Of(events),
                     [this, begin](const absl::StatusOr<storage::AppendResult>& result) {
                       OnAnswer(begin, result);
                     });
}

absl::Status BatchFeeder::WaitForAnswers(int unanswered) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(WaitUntil(lock, answered_, "the log's answer",
                            [this, unanswered] { return unanswered_ <= unanswered; }));
  return status_;
}

void BatchFeeder::OnAnswer(size_t begin, const absl::StatusOr<storage::AppendResult>& result) {
  MutexLock lock(mutex_);
  status_.Update(result.ok() ? Check(begin, *result) : result.status());
  --unanswered_;
  answered_.notify_all();
}

absl::Status BatchFeeder::Check(size_t begin, const storage::AppendResult& result) {
  if (begin == workload_.arrivals.size()) return absl::OkStatus();
  for (size_t i = 0; i < result.events.size(); ++i) {
    RETURN_IF_ERROR(CheckEvent(workload_.arrivals[begin + i], result.events[i]));
  }
  return absl::OkStatus();
}

absl::Status BatchFeeder::CheckEvent(const bench::Arrival& arrival,
                                     const storage::AppendedEvent& appended) {
  int64_t& sequence = sequence_of_event_[arrival.event];
  if (!arrival.copy) sequence = appended.sequence;
  if (appended.duplicate == arrival.copy && !appended.conflicting &&
      appended.sequence == sequence) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat(arrival.copy ? "a copy" : "a first event", " of sequence ", sequence,
                   " got sequence ", appended.sequence, appended.duplicate ? " as a duplicate" : "",
                   appended.conflicting ? " in conflict" : ""));
}

absl::StatusOr<std::vector<int64_t>> BatchFeeder::TakeEventOfSequence() {
  RETURN_IF_ERROR(WaitForAnswers(0));
  std::vector<int64_t> event_of_sequence;
  for (size_t event = 0; event < sequence_of_event_.size(); ++event) {
    const size_t sequence = sequence_of_event_[event];
    if (event_of_sequence.size() <= sequence) event_of_sequence.resize(sequence + 1, -1);
    event_of_sequence[sequence] = static_cast<int64_t>(event);
  }
  return event_of_sequence;
}

}  // namespace lapse::conformance
