// Measures how long after due an alert reaches a subscriber, and how long after due its mail is
// accepted, on a server that is otherwise idle. Prints percentiles.
//
//   alert_latency SERVER SMTP_PORT

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/proto_time.h"
#include "lapse/v1/alert_service.grpc.pb.h"
#include "lapse/v1/event_service.grpc.pb.h"
#include "lapse/v1/monitor_service.grpc.pb.h"
#include "lapse/v1/notifier_service.grpc.pb.h"

namespace lapse::bench {
namespace {

namespace v1 = lapse::v1;

// Ten mails a minute go to one notifier, hence as many notifiers as ten-packs.
constexpr int kMonitors = 20;
constexpr int kEventsPerMonitor = 10;
constexpr int kAlerts = kMonitors * kEventsPerMonitor;
constexpr int kWithinSeconds = 3;
constexpr int64_t kSpacingUs = 20'000;
constexpr int64_t kPatienceUs = 60'000'000;

void Check(const grpc::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, status.error_message().c_str());
  std::exit(1);
}

void WaitUs(int64_t duration_us) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  const int64_t until_us = RealClock().NowUs() + duration_us;
  while (RealClock().NowUs() < until_us) RealClock().WaitUntil(lock, never, until_us);
}

class Percentiles {
 public:
  void Add(int64_t value_us) { values_us_.push_back(value_us); }

  void Print(const std::string& name) {
    std::sort(values_us_.begin(), values_us_.end());
    absl::PrintF("%-28s n=%-5d p50 %8.2f ms   p95 %8.2f ms   p99 %8.2f ms   max %8.2f ms\n", name,
                 static_cast<int>(values_us_.size()), At(0.50), At(0.95), At(0.99), At(1.0));
  }

 private:
  double At(double share) const {
    if (values_us_.empty()) return 0;
    const size_t index = static_cast<size_t>(share * static_cast<double>(values_us_.size() - 1));
    return static_cast<double>(values_us_[index]) / 1'000.0;
  }

  std::vector<int64_t> values_us_;
};

class AlertLatency {
 public:
  AlertLatency(const std::string& server, int smtp_port)
      : channel_(grpc::CreateChannel(server, grpc::InsecureChannelCredentials())),
        smtp_port_(smtp_port) {}

  void Run() {
    for (int i = 0; i < kMonitors; ++i) Prepare(i);
    std::thread subscriber([this] { Subscribe(); });
    SendEvents();
    subscriber.join();
    CollectMails();
    to_subscriber_.Print("due -> subscriber");
    to_mail_.Print("due -> mail accepted");
  }

 private:
  void Prepare(int i) {
    grpc::ClientContext notifier_call;
    v1::CreateNotifierRequest notifier;
    notifier.set_notifier_id(absl::StrCat("bench-", i));
    v1::EmailNotifier* mail = notifier.mutable_notifier()->mutable_email();
    mail->set_host("127.0.0.1");
    mail->set_port(smtp_port_);
    mail->set_security(v1::EmailNotifier::SECURITY_NONE);
    mail->set_from("lapse@example.com");
    mail->add_to("ops@example.com");
    v1::Notifier made;
    Check(v1::NotifierService::NewStub(channel_)->CreateNotifier(&notifier_call, notifier, &made),
          "notifier");

    grpc::ClientContext monitor_call;
    v1::CreateMonitorRequest monitor;
    monitor.set_monitor_id(absl::StrCat("bench-", i));
    monitor.mutable_monitor()->add_notifiers(made.name());
    v1::FollowUp* rule = monitor.mutable_monitor()->mutable_follow_up();
    rule->mutable_primary()->set_event_type(absl::StrCat("begun_", i));
    rule->mutable_primary()->set_key_attribute("key");
    rule->mutable_secondary()->set_event_type(absl::StrCat("ended_", i));
    rule->mutable_secondary()->set_key_attribute("key");
    rule->mutable_within()->set_seconds(kWithinSeconds);
    v1::Monitor created;
    Check(v1::MonitorService::NewStub(channel_)->CreateMonitor(&monitor_call, monitor, &created),
          "monitor");
  }

  void SendEvents() {
    const auto events = v1::EventService::NewStub(channel_);
    for (int n = 0; n < kAlerts; ++n) {
      grpc::ClientContext call;
      v1::IngestEventRequest request;
      request.mutable_event()->set_id(absl::StrCat("latency-", n));
      request.mutable_event()->set_type(absl::StrCat("begun_", n % kMonitors));
      (*request.mutable_event()->mutable_attributes())["key"].set_string_value(
          absl::StrCat("k", n));
      v1::IngestEventResponse response;
      Check(events->IngestEvent(&call, request, &response), "event");
      WaitUs(kSpacingUs);
    }
  }

  void Subscribe() {
    grpc::ClientContext call;
    const auto alerts = v1::AlertService::NewStub(channel_);
    const auto reader = alerts->StreamAlerts(&call, v1::StreamAlertsRequest());
    v1::StreamAlertsResponse response;
    int seen = 0;
    while (seen < kAlerts && reader->Read(&response)) {
      if (!response.has_change()) continue;
      to_subscriber_.Add(RealClock().NowUs() - ToMicros(response.change().alert().due_time()));
      due_us_[response.change().alert().name()] = ToMicros(response.change().alert().due_time());
      ++seen;
    }
    call.TryCancel();
    reader->Finish();
  }

  // Reads when the server had each mail accepted, once all are.
  void CollectMails() {
    const auto notifiers = v1::NotifierService::NewStub(channel_);
    const int64_t until_us = RealClock().NowUs() + kPatienceUs;
    v1::ListDeliveriesResponse response;
    while (RealClock().NowUs() < until_us) {
      grpc::ClientContext call;
      v1::ListDeliveriesRequest request;
      request.set_parent("notifiers/-");
      request.set_page_size(kAlerts);
      request.add_states(v1::Delivery::STATE_SENT);
      Check(notifiers->ListDeliveries(&call, request, &response), "deliveries");
      if (response.deliveries_size() >= kAlerts) break;
      WaitUs(kSpacingUs);
    }
    for (const v1::Delivery& delivery : response.deliveries()) {
      const auto due = due_us_.find(delivery.alert());
      if (due == due_us_.end()) continue;
      to_mail_.Add(ToMicros(delivery.tries(delivery.tries_size() - 1).end_time()) - due->second);
    }
  }

  const std::shared_ptr<grpc::Channel> channel_;
  const int smtp_port_;
  std::map<std::string, int64_t> due_us_;
  Percentiles to_subscriber_;
  Percentiles to_mail_;
};

}  // namespace
}  // namespace lapse::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: alert_latency SERVER SMTP_PORT\n");
    return 2;
  }
  lapse::bench::AlertLatency(argv[1], std::atoi(argv[2])).Run();
  return 0;
}
