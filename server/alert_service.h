// lapse.v1.AlertService over the alert store, the hub and the event log.
#ifndef LAPSE_SERVER_ALERT_SERVICE_H_
#define LAPSE_SERVER_ALERT_SERVICE_H_

#include "absl/status/statusor.h"
#include "lapse/v1/alert_service.grpc.pb.h"
#include "server/alert_stream.h"
#include "storage/event_log.h"

namespace lapse::server {

// Thread-safe.
class AlertService : public lapse::v1::AlertService::CallbackService {
 public:
  // All outlive the service.
  AlertService(const AlertStreamContext& context, storage::EventLog& log)
      : context_(context), log_(log) {}

  grpc::ServerWriteReactor<lapse::v1::StreamAlertsResponse>* StreamAlerts(
      grpc::CallbackServerContext* call, const lapse::v1::StreamAlertsRequest* request) override;
  grpc::ServerUnaryReactor* GetAlert(grpc::CallbackServerContext* call,
                                     const lapse::v1::GetAlertRequest* request,
                                     lapse::v1::Alert* response) override;
  grpc::ServerUnaryReactor* ListAlerts(grpc::CallbackServerContext* call,
                                       const lapse::v1::ListAlertsRequest* request,
                                       lapse::v1::ListAlertsResponse* response) override;
  grpc::ServerUnaryReactor* CloseAlert(grpc::CallbackServerContext* call,
                                       const lapse::v1::CloseAlertRequest* request,
                                       lapse::v1::Alert* response) override;

 private:
  // The position that a stream starts after; -1 for a snapshot.
  absl::StatusOr<storage::FeedPosition> StartOf(const lapse::v1::StreamAlertsRequest& request);
  absl::StatusOr<lapse::v1::Alert> Get(const lapse::v1::GetAlertRequest& request);
  absl::StatusOr<lapse::v1::ListAlertsResponse> List(const lapse::v1::ListAlertsRequest& request);
  absl::StatusOr<lapse::v1::Alert> Close(const lapse::v1::CloseAlertRequest& request,
                                         int64_t deadline_us);

  const AlertStreamContext context_;
  storage::EventLog& log_;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_ALERT_SERVICE_H_
