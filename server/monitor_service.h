// lapse.v1.MonitorService over the catalog and the matcher.
#ifndef LAPSE_SERVER_MONITOR_SERVICE_H_
#define LAPSE_SERVER_MONITOR_SERVICE_H_

#include "absl/status/statusor.h"
#include "lapse/v1/monitor_service.grpc.pb.h"
#include "monitors/sharded_matcher.h"
#include "server/executor.h"
#include "server/indexed_attributes.h"
#include "server/monitor_catalog.h"

namespace lapse::server {

// What the service works with. All outlive it.
struct MonitorServiceContext {
  MonitorCatalog& catalog;
  monitors::ShardedMatcher& matcher;
  IndexedAttributeSet& indexed;
  Executor& executor;
};

// Thread-safe.
class MonitorService : public lapse::v1::MonitorService::CallbackService {
 public:
  explicit MonitorService(const MonitorServiceContext& context) : context_(context) {}

  grpc::ServerUnaryReactor* CreateMonitor(grpc::CallbackServerContext* call,
                                          const lapse::v1::CreateMonitorRequest* request,
                                          lapse::v1::Monitor* response) override;
  grpc::ServerUnaryReactor* GetMonitor(grpc::CallbackServerContext* call,
                                       const lapse::v1::GetMonitorRequest* request,
                                       lapse::v1::Monitor* response) override;
  grpc::ServerUnaryReactor* ListMonitors(grpc::CallbackServerContext* call,
                                         const lapse::v1::ListMonitorsRequest* request,
                                         lapse::v1::ListMonitorsResponse* response) override;
  grpc::ServerUnaryReactor* UpdateMonitor(grpc::CallbackServerContext* call,
                                          const lapse::v1::UpdateMonitorRequest* request,
                                          lapse::v1::Monitor* response) override;
  grpc::ServerUnaryReactor* DeleteMonitor(grpc::CallbackServerContext* call,
                                          const lapse::v1::DeleteMonitorRequest* request,
                                          google::protobuf::Empty* response) override;
  grpc::ServerUnaryReactor* EnableMonitor(grpc::CallbackServerContext* call,
                                          const lapse::v1::EnableMonitorRequest* request,
                                          lapse::v1::Monitor* response) override;
  grpc::ServerUnaryReactor* DisableMonitor(grpc::CallbackServerContext* call,
                                           const lapse::v1::DisableMonitorRequest* request,
                                           lapse::v1::Monitor* response) override;
  grpc::ServerUnaryReactor* GetMonitorStats(grpc::CallbackServerContext* call,
                                            const lapse::v1::GetMonitorStatsRequest* request,
                                            lapse::v1::MonitorStats* response) override;
  grpc::ServerUnaryReactor* ListExpectations(
      grpc::CallbackServerContext* call, const lapse::v1::ListExpectationsRequest* request,
      lapse::v1::ListExpectationsResponse* response) override;

 private:
  const MonitorServiceContext context_;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_MONITOR_SERVICE_H_
