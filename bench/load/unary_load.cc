#include "bench/load/unary_load.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/limits.h"

namespace lapse::bench {
namespace {

constexpr char kMethod[] = "/lapse.v1.EventService/IngestEvent";
constexpr int64_t kIdleUs = 50 * limits::kMicrosPerMilli;
constexpr int64_t kHopelessCalls = 1'000;
// gRPC's timers may come so much late.
constexpr int64_t kTimerLateUs = 2 * limits::kMicrosPerMilli;

gpr_timespec After(int64_t duration_us) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_micros(std::max<int64_t>(0, duration_us), GPR_TIMESPAN));
}

}  // namespace

UnaryLoad::UnaryLoad(const std::vector<std::shared_ptr<grpc::Channel>>& channels, EventPool& pool,
                     const UnaryLoadOptions& options)
    : pool_(pool), options_(options), clock_(options.plan, 1) {
  for (const auto& channel : channels) {
    stubs_.push_back(std::make_unique<grpc::GenericStub>(channel));
  }
  for (size_t i = 0; i < options.in_flight; ++i) {
    calls_.push_back(std::make_unique<Call>());
    calls_.back()->stub = stubs_[i % stubs_.size()].get();
    free_.push_back(calls_.back().get());
  }
}

absl::StatusOr<LoadReport> UnaryLoad::Run() {
  clock_ = LoadClock(options_.plan, 1);
  last_answer_us_ = clock_.NowUs();
  while (!over_ || free_.size() < calls_.size()) {
    SendWhatIsDue();
    HandleNext();
    if (report_.accepted == 0 && report_.errors.size() == 1 &&
        report_.errors.begin()->second >= kHopelessCalls) {
      return absl::UnavailableError(
          absl::StrCat(report_.errors.begin()->first, ": ", report_.first_error));
    }
  }
  if (options_.plan.events == 0) report_.AddUnsent(clock_, 1, clock_.NowUs());
  report_.elapsed_us =
      std::min(last_answer_us_, clock_.measure_until_us()) - clock_.measure_from_us();
  report_.mean_event_bytes = pool_.mean_event_bytes();
  return std::move(report_);
}

void UnaryLoad::SendWhatIsDue() {
  while (!over_ && !free_.empty()) {
    const int64_t now_us = clock_.NowUs();
    over_ = clock_.IsOver(now_us, report_.accepted);
    if (over_ || AllUnderWay() || clock_.NextUs() > now_us) return;
    Call* const call = free_.back();
    free_.pop_back();
    Send(*call);
  }
}

// What is unanswered may be refused: only then is more to be sent.
bool UnaryLoad::AllUnderWay() const {
  const auto under_way = static_cast<int64_t>(calls_.size() - free_.size());
  return options_.plan.events > 0 && report_.accepted + under_way >= options_.plan.events;
}

void UnaryLoad::Send(Call& call) {
  call.scheduled_us = clock_.Take(clock_.NowUs());
  const absl::string_view bytes = pool_.NextEvent(RealClock().NowUs());
  const grpc::Slice slice(bytes.data(), bytes.size(), grpc::Slice::STATIC_SLICE);
  call.context.emplace();
  call.reader =
      call.stub->PrepareUnaryCall(&*call.context, kMethod, grpc::ByteBuffer(&slice, 1), &queue_);
  call.reader->StartCall();
  call.reader->Finish(&call.answer, &call.status, &call);
}

void UnaryLoad::HandleNext() {
  int64_t wait_us = kIdleUs;
  if (!over_ && !free_.empty() && !AllUnderWay()) {
    const int64_t next_in_us = clock_.NextUs() - clock_.NowUs();
    if (calls_.size() == 1 && next_in_us <= kTimerLateUs) return AwaitNext();
    wait_us = std::min(wait_us, calls_.size() == 1 ? next_in_us - kTimerLateUs : next_in_us);
  }
  void* tag = nullptr;
  bool ok = false;
  if (queue_.AsyncNext(&tag, &ok, After(wait_us)) == grpc::CompletionQueue::GOT_EVENT) {
    TakeAnswer(*static_cast<Call*>(tag));
  }
}

// A lone call's latency is the server's: it is sent at its time to the microsecond.
void UnaryLoad::AwaitNext() const {
  while (clock_.NowUs() < clock_.NextUs()) {
  }
}

void UnaryLoad::TakeAnswer(Call& call) {
  const int64_t now_us = clock_.NowUs();
  last_answer_us_ = now_us;
  free_.push_back(&call);
  if (!call.status.ok()) {
    report_.AddError(call.status.error_code(), call.status.error_message());
    return;
  }
  ++report_.accepted;
  if (clock_.IsMeasured(now_us)) ++report_.events;
  if (clock_.IsMeasured(call.scheduled_us)) report_.ack.Add(now_us - call.scheduled_us);
}

}  // namespace lapse::bench
