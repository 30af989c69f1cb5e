#include "cli/event_sender.h"

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/context.h"
#include "cli/errors.h"
#include "google/rpc/error_details.pb.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"

namespace lapse::cli {
namespace {

using lapse::v1::EventService;
using lapse::v1::IngestEventStreamRequest;
using lapse::v1::IngestEventStreamResponse;
using ServerStream = grpc::ServerReaderWriter<IngestEventStreamResponse, IngestEventStreamRequest>;

// A real gRPC server whose answers the test decides.
class ScriptedService : public EventService::Service {
 public:
  // Fills in the answer to a request; false ends the stream with `end`.
  using Answer = std::function<bool(const IngestEventStreamRequest&, IngestEventStreamResponse*)>;

  explicit ScriptedService(Answer answer) : answer_(std::move(answer)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~ScriptedService() override { server_->Shutdown(std::chrono::system_clock::time_point()); }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  grpc::Status IngestEventStream(grpc::ServerContext*, ServerStream* stream) override {
    IngestEventStreamRequest request;
    while (stream->Read(&request)) {
      EXPECT_GT(request.batch_number(), last_number_);
      last_number_ = request.batch_number();
      IngestEventStreamResponse response;
      response.set_batch_number(request.batch_number());
      if (!answer_(request, &response)) return end;
      if (!silent) stream->Write(response);
    }
    return grpc::Status::OK;
  }

  grpc::Status end{grpc::StatusCode::UNAVAILABLE, "going down"};
  bool silent = false;

 private:
  Answer answer_;
  int port_ = 0;
  int64_t last_number_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

bool Accept(const IngestEventStreamRequest& request, IngestEventStreamResponse* response) {
  response->mutable_result()->set_accepted_count(request.events_size());
  return true;
}

void Refuse(IngestEventStreamResponse* response, int64_t retry_ms) {
  response->mutable_status()->set_code(grpc::StatusCode::RESOURCE_EXHAUSTED);
  response->mutable_status()->set_message("queues full");
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_nanos(static_cast<int>(retry_ms * 1'000'000));
  response->mutable_status()->add_details()->PackFrom(retry);
}

EventBatch BatchOf(int64_t first_line, int count) {
  EventBatch batch;
  for (int i = 0; i < count; ++i) {
    lapse::v1::Event event;
    event.set_type(absl::StrCat("line_", first_line + i));
    batch.events.push_back(event);
    batch.lines.push_back(first_line + i);
  }
  return batch;
}

class EventSenderTest : public ::testing::Test {
 protected:
  std::ostringstream out_, err_;
  Context context_{out_, err_, 0};
};

TEST_F(EventSenderTest, CountsWhatTheServerAnswers) {
  ScriptedService service([](const auto& request, auto* response) {
    auto* result = response->mutable_result();
    result->set_accepted_count(request.events_size() - 3);
    result->set_duplicate_count(2);
    result->set_conflicting_count(1);
    auto* rejection = result->add_rejections();
    rejection->set_index(1);
    rejection->set_reason("TYPE_MISSING");
    rejection->set_message("type is missing");
    return true;
  });
  context_.options.server = service.address();
  EventSender sender(context_);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(sender.Add(BatchOf(10 * i + 1, 10)).ok());
  ASSERT_TRUE(sender.Finish().ok());
  EXPECT_EQ(sender.totals().accepted, 700);
  EXPECT_EQ(sender.totals().duplicates, 200);
  EXPECT_EQ(sender.totals().conflicting, 100);
  EXPECT_EQ(sender.totals().rejected, 100);
  ASSERT_EQ(sender.rejections().size(), kMaxKeptRejections);
  EXPECT_EQ(sender.rejections()[0].line, 2);
  EXPECT_EQ(sender.rejections()[1].line, 12);
  EXPECT_EQ(sender.rejections()[0].text, "type is missing [TYPE_MISSING]");
  EXPECT_EQ(sender.first_unanswered_line(), 0);
}

TEST_F(EventSenderTest, SendsABatchAgainThatTheServerHadNoRoomFor) {
  std::multiset<std::string> accepted;
  int requests = 0;
  ScriptedService service([&](const auto& request, auto* response) {
    if (++requests % 3 != 0) {
      Refuse(response, 1);
      return true;
    }
    for (const auto& event : request.events()) accepted.insert(event.type());
    return Accept(request, response);
  });
  context_.options.server = service.address();
  EventSender sender(context_);
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(sender.Add(BatchOf(i + 1, 1)).ok());
  ASSERT_TRUE(sender.Finish().ok());
  EXPECT_EQ(sender.totals().accepted, 40);
  EXPECT_EQ(accepted.size(), 40u);
  EXPECT_EQ(accepted.count("line_17"), 1u);
}

TEST_F(EventSenderTest, GivesUpWithTheRefusalWhenNothingMovesWithinTheTimeout) {
  ScriptedService service([](const auto&, auto* response) {
    Refuse(response, 20);
    return true;
  });
  context_.options.server = service.address();
  context_.options.timeout_us = 300'000;
  EventSender sender(context_);
  ASSERT_TRUE(sender.Add(BatchOf(5, 1)).ok());
  const absl::Status status = sender.Finish();
  EXPECT_EQ(ExitCodeOf(status), kExitBusy) << status;
  EXPECT_EQ(status.message(), "queues full");
  EXPECT_EQ(sender.first_unanswered_line(), 5);
}

TEST_F(EventSenderTest, ASilentServerIsATimeout) {
  ScriptedService service(Accept);
  service.silent = true;
  context_.options.server = service.address();
  context_.options.timeout_us = 200'000;
  EventSender sender(context_);
  ASSERT_TRUE(sender.Add(BatchOf(1, 1)).ok());
  EXPECT_EQ(ExitCodeOf(sender.Finish()), kExitTimeout);
}

TEST_F(EventSenderTest, ABrokenStreamSaysFromWhichLineOnNothingIsSure) {
  ScriptedService service([](const auto& request, auto* response) {
    return request.batch_number() < 4 && Accept(request, response);
  });
  context_.options.server = service.address();
  EventSender sender(context_);
  absl::Status status;
  for (int i = 0; i < 100 && status.ok(); ++i) status = sender.Add(BatchOf(10 * i + 1, 10));
  const absl::Status finished = sender.Finish();
  EXPECT_EQ(ExitCodeOf(finished), kExitUnreachable) << finished;
  EXPECT_EQ(sender.totals().accepted, 30);
  EXPECT_EQ(sender.first_unanswered_line(), 31);
}

TEST_F(EventSenderTest, ARefusalForGoodEndsTheSending) {
  ScriptedService service([](const auto& request, auto* response) {
    if (request.batch_number() == 1) return Accept(request, response);
    response->mutable_status()->set_code(grpc::StatusCode::INVALID_ARGUMENT);
    response->mutable_status()->set_message("batch too large");
    return true;
  });
  context_.options.server = service.address();
  EventSender sender(context_);
  ASSERT_TRUE(sender.Add(BatchOf(1, 1)).ok());
  sender.Add(BatchOf(2, 1)).IgnoreError();
  const absl::Status status = sender.Finish();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ExitCodeOf(status), kExitRefused);
  EXPECT_EQ(sender.totals().accepted, 1);
  EXPECT_EQ(sender.first_unanswered_line(), 2);
}

TEST_F(EventSenderTest, MayBeDroppedUnfinished) {
  ScriptedService service(Accept);
  context_.options.server = service.address();
  EventSender sender(context_);
  EXPECT_TRUE(sender.Add(BatchOf(1, 1)).ok());
}

}  // namespace
}  // namespace lapse::cli
