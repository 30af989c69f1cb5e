// Against a service over real gRPC that records what it is sent and answers as it is told.
#include "bench/workload/sender.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "bench/workload/generator.h"
#include "google/rpc/error_details.pb.h"

namespace lapse::bench {
namespace {

using ::testing::HasSubstr;
using Request = lapse::v1::IngestEventStreamRequest;
using Response = lapse::v1::IngestEventStreamResponse;

class RecordingService : public lapse::v1::EventService::CallbackService {
 public:
  // Refuses the batches with these numbers, with this code.
  std::map<int64_t, grpc::StatusCode> refusals;
  // Ends the stream with this status after so many batches.
  int64_t end_after = INT64_MAX;
  // Of accepted events, in order, and when.
  std::vector<std::string> ids;
  std::vector<int64_t> receive_times_us;
  std::vector<size_t> batch_sizes;

  grpc::ServerBidiReactor<Request, Response>* IngestEventStream(
      grpc::CallbackServerContext*) override {
    return new Reactor(*this);
  }

 private:
  class Reactor : public grpc::ServerBidiReactor<Request, Response> {
   public:
    explicit Reactor(RecordingService& service) : service_(service) { StartRead(&request_); }

    void OnReadDone(bool ok) override {
      if (!ok) return Finish(grpc::Status::OK);
      if (service_.end_after-- == 0) {
        return Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "draining"));
      }
      response_ = service_.Answer(request_);
      StartWrite(&response_);
    }

    void OnWriteDone(bool ok) override {
      if (!ok) return Finish(grpc::Status::CANCELLED);
      StartRead(&request_);
    }

    void OnDone() override { delete this; }

   private:
    RecordingService& service_;
    Request request_;
    Response response_;
  };

  Response Answer(const Request& request) {
    Response response;
    response.set_batch_number(request.batch_number());
    if (refusals.count(request.batch_number()) > 0) {
      response.mutable_status()->set_code(refusals[request.batch_number()]);
      response.mutable_status()->set_message("refused");
      google::rpc::RetryInfo retry;
      retry.mutable_retry_delay()->set_nanos(1'000'000);
      response.mutable_status()->add_details()->PackFrom(retry);
      return response;
    }
    batch_sizes.push_back(request.events_size());
    for (const lapse::v1::Event& event : request.events()) {
      ids.push_back(event.id());
      receive_times_us.push_back(RealClock().NowUs());
    }
    response.mutable_result()->set_accepted_count(request.events_size());
    return response;
  }
};

class SenderTest : public testing::Test {
 protected:
  SenderTest() {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = lapse::v1::EventService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }

  ~SenderTest() override {
    stub_.reset();
    server_->Shutdown();
  }

  absl::StatusOr<SendReport> Send(const Workload& workload, const SendOptions& options) {
    return SendWorkload(workload, options, *stub_, RealClock());
  }

  static std::vector<std::string> ArrivingIds(const Workload& workload) {
    std::vector<std::string> ids;
    for (const Arrival& arrival : workload.arrivals) {
      ids.push_back(workload.events[arrival.event].id());
    }
    return ids;
  }

  RecordingService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<lapse::v1::EventService::Stub> stub_;
};

TEST_F(SenderTest, SendsEveryArrivalInOrderInFullBatches) {
  const Workload workload = GenerateWorkload({.event_count = 2'050});
  int64_t sent = 0;
  const auto report = Send(workload, {.batch_size = 100, .progress = [&](int64_t n) { sent = n; }});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(service_.ids, ArrivingIds(workload));
  EXPECT_EQ(service_.batch_sizes.size(), 21);
  EXPECT_EQ(service_.batch_sizes.back(), 50);
  EXPECT_EQ(report->totals.accepted, 2'050);
  EXPECT_EQ(report->totals.batches, 21);
  EXPECT_EQ(report->totals.resent_batches, 0);
  EXPECT_EQ(sent, 2'050);
}

TEST_F(SenderTest, SendsARefusedBatchAgain) {
  for (const grpc::StatusCode code :
       {grpc::StatusCode::RESOURCE_EXHAUSTED, grpc::StatusCode::UNAVAILABLE}) {
    service_.ids.clear();
    service_.refusals = {{1, code}, {3, code}, {4, code}, {10, code}};
    const Workload workload = GenerateWorkload({.event_count = 1'000});
    const auto report = Send(workload, {.batch_size = 100});
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_THAT(service_.ids, testing::UnorderedElementsAreArray(ArrivingIds(workload)));
    EXPECT_EQ(report->totals.resent_batches, 4);
  }
}

TEST_F(SenderTest, WindowOfOneKeepsTheOrderUnderOverload) {
  service_.refusals = {{1, grpc::StatusCode::RESOURCE_EXHAUSTED},
                       {2, grpc::StatusCode::RESOURCE_EXHAUSTED},
                       {7, grpc::StatusCode::RESOURCE_EXHAUSTED}};
  const Workload workload = GenerateWorkload({.event_count = 1'000});
  const auto report = Send(workload, {.batch_size = 100, .window = 1});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(service_.ids, ArrivingIds(workload));
  EXPECT_EQ(report->totals.resent_batches, 3);
}

TEST_F(SenderTest, StopsAtAnyOtherRefusal) {
  service_.refusals = {{2, grpc::StatusCode::INVALID_ARGUMENT}};
  const auto report = Send(GenerateWorkload({.event_count = 1'000}), {.batch_size = 100});
  EXPECT_EQ(report.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(report.status().message(), "refused");
}

TEST_F(SenderTest, SaysWhyTheServerEndedTheStream) {
  service_.end_after = 3;
  const auto report = Send(GenerateWorkload({.event_count = 1'000}), {.batch_size = 100});
  EXPECT_EQ(report.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(report.status().message(), "draining");
}

TEST_F(SenderTest, SaysThatNoServerIsThere) {
  server_->Shutdown();
  const auto report = Send(GenerateWorkload({.event_count = 10}), {});
  EXPECT_EQ(report.status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(SenderTest, InRealTimeNoEventIsSentBeforeItsArrival) {
  Workload workload =
      GenerateWorkload({.event_count = 200, .duration_us = 0, .time_scale = 0.0001});
  ShiftTimes(RealClock().NowUs() - workload.options.start_time_us, workload);
  const auto report = Send(workload, {.realtime = true});
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_EQ(service_.ids, ArrivingIds(workload));
  for (size_t i = 0; i < workload.arrivals.size(); ++i) {
    EXPECT_GE(service_.receive_times_us[i], workload.arrivals[i].arrival_us);
  }
}

TEST_F(SenderTest, KeepsToTheRateAskedFor) {
  const auto report =
      Send(GenerateWorkload({.event_count = 500}), {.events_per_second = 2'000, .window = 1});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GE(report->elapsed_us, 499 * limits::kMicrosPerSecond / 2'000);
}

class RecordingMonitors : public lapse::v1::MonitorService::CallbackService {
 public:
  std::vector<lapse::v1::UpdateMonitorRequest> requests;
  grpc::Status status;

  grpc::ServerUnaryReactor* UpdateMonitor(grpc::CallbackServerContext* context,
                                          const lapse::v1::UpdateMonitorRequest* request,
                                          lapse::v1::Monitor*) override {
    requests.push_back(*request);
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(status);
    return reactor;
  }
};

TEST(ApplyMonitorsTest, CreatesOrUpdatesEveryMonitorAndNamesTheOneRefused) {
  RecordingMonitors service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const auto stub = lapse::v1::MonitorService::NewStub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  const Workload workload = GenerateWorkload({.event_count = 10});
  ASSERT_TRUE(ApplyMonitors(workload, *stub).ok());
  ASSERT_EQ(service.requests.size(), workload.monitors.size());
  EXPECT_EQ(service.requests[0].monitor().name(), workload.monitors[0].monitor.name());
  EXPECT_TRUE(service.requests[0].allow_missing());

  service.status = grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no");
  const absl::Status status = ApplyMonitors(workload, *stub);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), absl::StrCat(workload.monitors[0].monitor.name(), ": no"));
}

}  // namespace
}  // namespace lapse::bench
