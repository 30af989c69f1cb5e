#include "bench/load/stream_load.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "google/rpc/error_details.pb.h"
#include "grpcpp/support/proto_buffer_reader.h"

namespace lapse::bench {
namespace {

constexpr char kMethod[] = "/lapse.v1.EventService/IngestEventStream";
constexpr int64_t kStallUs = limits::kMicrosPerMinute;
// Between two looks at the clock while nothing is due.
constexpr int64_t kIdleUs = 50 * limits::kMicrosPerMilli;
constexpr int64_t kDefaultRestUs = 100 * limits::kMicrosPerMilli;

// Refers to the pool's bytes, which stay until the batch is answered.
grpc::ByteBuffer BufferOf(absl::string_view bytes) {
  const grpc::Slice slice(bytes.data(), bytes.size(), grpc::Slice::STATIC_SLICE);
  return grpc::ByteBuffer(&slice, 1);
}

gpr_timespec After(int64_t duration_us) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_micros(std::max<int64_t>(0, duration_us), GPR_TIMESPAN));
}

}  // namespace

StreamLoad::StreamLoad(const std::vector<std::shared_ptr<grpc::Channel>>& channels, EventPool& pool,
                       const StreamLoadOptions& options)
    : pool_(pool), options_(options), clock_(options.plan, 0) {
  for (const auto& channel : channels) streams_.push_back(std::make_unique<Stream>(channel));
}

absl::StatusOr<LoadReport> StreamLoad::Run() {
  absl::Status status = Start();
  while (status.ok() && (!over_ || unanswered() > 0)) {
    SendWhatIsDue();
    status = HandleNext();
  }
  // Where it was accepted events that ended it, nothing more was to be sent.
  if (options_.plan.events == 0)
    report_.AddUnsent(clock_, static_cast<int64_t>(pool_.batch_events()), clock_.NowUs());
  const int64_t end_us = std::min(last_answer_us_, clock_.measure_until_us());
  report_.elapsed_us = end_us - clock_.measure_from_us();
  report_.mean_event_bytes = pool_.mean_event_bytes();
  Stop();
  RETURN_IF_ERROR(status);
  return std::move(report_);
}

absl::Status StreamLoad::Start() {
  for (const auto& stream : streams_) {
    stream->call = stream->stub.PrepareCall(&stream->context, kMethod, &queue_);
    stream->call->StartCall(&stream->start);
    void* tag = nullptr;
    bool ok = false;
    if (!queue_.Next(&tag, &ok) || !ok) return absl::UnavailableError("no stream could be opened");
  }
  for (const auto& stream : streams_) stream->call->Read(&stream->answer, &stream->read);
  clock_ = LoadClock(options_.plan, static_cast<int64_t>(pool_.batch_events()));
  last_answer_us_ = clock_.NowUs();
  return absl::OkStatus();
}

void StreamLoad::SendWhatIsDue() {
  while (!over_) {
    const int64_t now_us = clock_.NowUs();
    over_ = clock_.IsOver(now_us, report_.accepted);
    if (over_ || AllUnderWay() || clock_.NextUs() > now_us) return;
    Stream* const stream = FreeStream(now_us);
    if (stream == nullptr) return;
    Send(*stream);
  }
}

// What is unanswered may be refused: only then is more to be sent.
bool StreamLoad::AllUnderWay() const {
  const auto unanswered_events = static_cast<int64_t>(unanswered() * pool_.batch_events());
  return options_.plan.events > 0 && report_.accepted + unanswered_events >= options_.plan.events;
}

StreamLoad::Stream* StreamLoad::FreeStream(int64_t now_us) {
  for (size_t i = 0; i < streams_.size(); ++i) {
    Stream& stream = *streams_[(next_stream_ + i) % streams_.size()];
    if (stream.writing || stream.unanswered_us.size() >= options_.window) continue;
    if (stream.rest_until_us > now_us) continue;
    next_stream_ = (next_stream_ + i + 1) % streams_.size();
    return &stream;
  }
  return nullptr;
}

void StreamLoad::Send(Stream& stream) {
  const int64_t scheduled_us = clock_.Take(clock_.NowUs());
  const absl::string_view bytes = pool_.RenewBatch(next_batch_, ++stream.sent, RealClock().NowUs());
  next_batch_ = (next_batch_ + 1) % pool_.batches();
  stream.unanswered_us.push_back(scheduled_us);
  stream.writing = true;
  stream.call->Write(BufferOf(bytes), &stream.write);
}

absl::Status StreamLoad::HandleNext() {
  const int64_t now_us = clock_.NowUs();
  if (unanswered() > 0 && now_us - last_answer_us_ > kStallUs) {
    return absl::DeadlineExceededError("no batch was answered for 60 s");
  }
  int64_t wait_us = kIdleUs;
  if (!over_ && !AllUnderWay() && FreeStream(now_us) != nullptr) {
    wait_us = std::min(wait_us, clock_.NextUs() - now_us);
  }
  void* tag = nullptr;
  bool ok = false;
  switch (queue_.AsyncNext(&tag, &ok, After(wait_us))) {
    case grpc::CompletionQueue::GOT_EVENT:
      return Handle(*static_cast<const Tag*>(tag), ok);
    case grpc::CompletionQueue::TIMEOUT:
      return absl::OkStatus();
    case grpc::CompletionQueue::SHUTDOWN:
      break;
  }
  return absl::InternalError("the completion queue has ended");
}

absl::Status StreamLoad::Handle(const Tag& tag, bool ok) {
  if (!ok) return absl::UnavailableError("the server ended a stream");
  if (tag.action == Action::kWrite) {
    tag.stream->writing = false;
  } else {
    TakeAnswer(*tag.stream);
    tag.stream->call->Read(&tag.stream->answer, &tag.stream->read);
  }
  return absl::OkStatus();
}

void StreamLoad::TakeAnswer(Stream& stream) {
  const int64_t now_us = clock_.NowUs();
  last_answer_us_ = now_us;
  const int64_t scheduled_us = stream.unanswered_us.front();
  stream.unanswered_us.pop_front();
  if (!CountAnswer(stream, now_us)) return;
  if (clock_.IsMeasured(now_us)) report_.events += static_cast<int64_t>(pool_.batch_events());
  if (clock_.IsMeasured(scheduled_us)) report_.ack.Add(now_us - scheduled_us);
}

// False where the batch was refused.
bool StreamLoad::CountAnswer(Stream& stream, int64_t now_us) {
  if (options_.opaque_answers) {
    report_.accepted += static_cast<int64_t>(pool_.batch_events());
    return true;
  }
  grpc::ProtoBufferReader reader(&stream.answer);
  if (!response_.ParseFromZeroCopyStream(&reader)) {
    report_.AddError(grpc::StatusCode::INTERNAL, "an answer cannot be parsed");
    return false;
  }
  if (response_.status().code() != grpc::StatusCode::OK) {
    Rest(stream, now_us);
    return false;
  }
  const lapse::v1::BatchIngestEventsResponse& result = response_.result();
  report_.accepted += result.accepted_count();
  report_.duplicates += result.duplicate_count();
  report_.rejected += result.rejections_size();
  if (result.rejections_size() > 0 && report_.first_error.empty()) {
    report_.first_error = result.rejections(0).message();
  }
  return true;
}

void StreamLoad::Rest(Stream& stream, int64_t now_us) {
  report_.AddError(response_.status().code(), response_.status().message());
  stream.rest_until_us = now_us + kDefaultRestUs;
  for (const google::protobuf::Any& detail : response_.status().details()) {
    google::rpc::RetryInfo retry;
    if (!detail.UnpackTo(&retry)) continue;
    stream.rest_until_us = now_us + ToMicros(retry.retry_delay());
  }
}

size_t StreamLoad::unanswered() const {
  size_t count = 0;
  for (const auto& stream : streams_) count += stream->unanswered_us.size();
  return count;
}

void StreamLoad::Stop() {
  for (const auto& stream : streams_) stream->context.TryCancel();
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

}  // namespace lapse::bench
