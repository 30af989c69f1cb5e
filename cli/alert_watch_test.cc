#include "cli/alert_watch.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/context.h"
#include "cli/errors.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "lapse/v1/alert_service.grpc.pb.h"

namespace lapse::cli {
namespace {

using lapse::v1::StreamAlertsRequest;
using lapse::v1::StreamAlertsResponse;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Writer = grpc::ServerWriter<StreamAlertsResponse>;

// A real gRPC server whose streams the test scripts, one after the other.
class ScriptedService : public lapse::v1::AlertService::Service {
 public:
  using Script = std::function<grpc::Status(Writer*)>;

  explicit ScriptedService(std::vector<Script> scripts) : scripts_(std::move(scripts)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~ScriptedService() override { server_->Shutdown(std::chrono::system_clock::time_point()); }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  grpc::Status StreamAlerts(grpc::ServerContext*, const StreamAlertsRequest* request,
                            Writer* writer) override {
    requests.push_back(absl::StrCat(request->cursor(), "|", request->filter()));
    return scripts_.at(requests.size() - 1)(writer);
  }

  // Cursor and filter of each stream.
  std::vector<std::string> requests;

 private:
  std::vector<Script> scripts_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

StreamAlertsResponse Change(const std::string& key, const std::string& cursor) {
  StreamAlertsResponse response;
  auto* change = response.mutable_change();
  change->set_cursor(cursor);
  change->mutable_alert()->set_name("alerts/" + key);
  change->mutable_alert()->set_monitor("monitors/m");
  change->mutable_alert()->set_key(key);
  change->mutable_alert()->set_state(lapse::v1::Alert::STATE_FIRING);
  return response;
}

StreamAlertsResponse Synced(const std::string& cursor) {
  StreamAlertsResponse response;
  response.mutable_synced()->set_cursor(cursor);
  response.mutable_synced()->set_firing_count(1);
  return response;
}

StreamAlertsResponse Heartbeat(const std::string& cursor) {
  StreamAlertsResponse response;
  response.mutable_heartbeat()->set_cursor(cursor);
  return response;
}

const grpc::Status kBroken(grpc::StatusCode::UNAVAILABLE, "going down");

class AlertWatchTest : public ::testing::Test {
 protected:
  // As in lapsectl, no thread must be there that would take the signal.
  static void SetUpTestSuite() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  }

  absl::Status Watch(ScriptedService& service, const WatchOptions& options) {
    context_.options.server = service.address();
    return WatchAlerts(context_, options);
  }

  std::ostringstream out_, err_;
  Context context_{out_, err_, 0};
};

TEST_F(AlertWatchTest, GoesOnFromTheLastCursorAfterABrokenConnection) {
  ScriptedService service({
      [](Writer* w) {
        w->Write(Change("A", ""));
        w->Write(Synced("c1"));
        w->Write(Change("B", "c2"));
        return kBroken;
      },
      [](Writer* w) {
        w->Write(Heartbeat("c5"));
        return kBroken;
      },
      [](Writer* w) {
        w->Write(Change("C", "c6"));
        w->Write(Change("D", "c7"));
        return kBroken;
      },
  });
  const absl::Status status = Watch(service, {.filter = "key != \"x\"", .limit = 4});
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(service.requests, ElementsAre("|key != \"x\"", "c2|key != \"x\"", "c5|key != \"x\""));
  for (const char* key : {"alerts/A", "alerts/B", "alerts/C", "alerts/D"}) {
    EXPECT_THAT(out_.str(), HasSubstr(key));
  }
  EXPECT_THAT(err_.str(), HasSubstr("1 alert is firing. Waiting for changes; Ctrl-C ends.\n"));
  EXPECT_THAT(err_.str(), HasSubstr("is lost; trying again in 500ms.\n"));
  EXPECT_THAT(err_.str(), HasSubstr("Go on from here with --since c7\n"));
}

TEST_F(AlertWatchTest, StartsTheSnapshotAgainWhereItWasCutOff) {
  ScriptedService service({
      [](Writer* w) {
        w->Write(Change("A", ""));
        return kBroken;
      },
      [](Writer* w) {
        w->Write(Change("A", ""));
        w->Write(Change("B", ""));
        return kBroken;
      },
  });
  EXPECT_TRUE(Watch(service, {.limit = 3}).ok());
  EXPECT_THAT(service.requests, ElementsAre("|", "|"));
}

TEST_F(AlertWatchTest, StartsAtTheGivenCursor) {
  ScriptedService service({[](Writer* w) {
    w->Write(Change("B", "c10"));
    return kBroken;
  }});
  EXPECT_TRUE(Watch(service, {.cursor = "c9", .limit = 1}).ok());
  EXPECT_THAT(service.requests, ElementsAre("c9|"));
}

TEST_F(AlertWatchTest, ARefusedCursorEndsTheWatch) {
  ScriptedService service({[](Writer*) {
    google::rpc::Status rpc;
    google::rpc::ErrorInfo info;
    info.set_reason("CURSOR_EXPIRED");
    rpc.set_code(grpc::StatusCode::OUT_OF_RANGE);
    rpc.add_details()->PackFrom(info);
    return grpc::Status(grpc::StatusCode::OUT_OF_RANGE, "too old", rpc.SerializeAsString());
  }});
  const absl::Status status = Watch(service, {.cursor = "c9"});
  EXPECT_EQ(ExitCodeOf(status), kExitRefused);
  EXPECT_EQ(DetailsFromServer(status).reason, "CURSOR_EXPIRED");
}

TEST_F(AlertWatchTest, AServerThatNeverAnsweredEndsTheWatch) {
  context_.options.server = "127.0.0.1:1";
  EXPECT_EQ(ExitCodeOf(WatchAlerts(context_, {})), kExitUnreachable);
}

// Sends SIGINT when the first item has been printed.
class InterruptingBuffer : public std::stringbuf {
 protected:
  int sync() override {
    if (!std::exchange(sent_, true)) kill(getpid(), SIGINT);
    return 0;
  }

 private:
  bool sent_ = false;
};

TEST_F(AlertWatchTest, ASignalEndsTheWatchAndTellsTheCursor) {
  ScriptedService service({[](Writer* w) {
    w->Write(Synced("c3"));
    // Until the client goes away.
    while (w->Write(Heartbeat("c3"))) {
    }
    return grpc::Status::OK;
  }});
  InterruptingBuffer buffer;
  std::ostream out(&buffer);
  Context context(out, err_, 0);
  context.options.server = service.address();
  EXPECT_TRUE(WatchAlerts(context, {}).ok());
  EXPECT_THAT(err_.str(), HasSubstr("Go on from here with --since c3\n"));
}

TEST_F(AlertWatchTest, JsonIsALineAnItem) {
  ScriptedService service({[](Writer* w) {
    w->Write(Synced("c1"));
    w->Write(Heartbeat("c2"));
    w->Write(Change("B", "c3"));
    return kBroken;
  }});
  context_.options.format = Format::kJson;
  EXPECT_TRUE(Watch(service, {.limit = 1}).ok());
  const std::string out = out_.str();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 3);
  EXPECT_THAT(out, HasSubstr("{\"synced\":{\"cursor\":\"c1\",\"firingCount\":1}}\n"));
  EXPECT_THAT(out, HasSubstr("\"cursor\":\"c3\""));
  EXPECT_EQ(err_.str(), "");
}

}  // namespace
}  // namespace lapse::cli
