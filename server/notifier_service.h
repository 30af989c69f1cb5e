// lapse.v1.NotifierService over the notifier and delivery stores.
#ifndef LAPSE_SERVER_NOTIFIER_SERVICE_H_
#define LAPSE_SERVER_NOTIFIER_SERVICE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/uuid.h"
#include "lapse/v1/notifier_service.grpc.pb.h"
#include "notifiers/dispatcher.h"
#include "server/executor.h"
#include "server/monitor_catalog.h"
#include "storage/state_store.h"

namespace lapse::server {

// What the service works with. All outlive it. Test messages are slow and have an executor of their
// own.
struct NotifierServiceContext {
  storage::NotifierStore& notifiers;
  storage::DeliveryStore& deliveries;
  MonitorCatalog& catalog;
  notifiers::Dispatcher& dispatcher;
  Clock& clock;
  Executor& executor;
  Executor& slow_executor;
};

// Thread-safe; changes are made one at a time.
class NotifierService : public lapse::v1::NotifierService::CallbackService {
 public:
  explicit NotifierService(const NotifierServiceContext& context)
      : context_(context), uuids_(context.clock, RandomSeed()) {}

  grpc::ServerUnaryReactor* CreateNotifier(grpc::CallbackServerContext* call,
                                           const lapse::v1::CreateNotifierRequest* request,
                                           lapse::v1::Notifier* response) override;
  grpc::ServerUnaryReactor* GetNotifier(grpc::CallbackServerContext* call,
                                        const lapse::v1::GetNotifierRequest* request,
                                        lapse::v1::Notifier* response) override;
  grpc::ServerUnaryReactor* ListNotifiers(grpc::CallbackServerContext* call,
                                          const lapse::v1::ListNotifiersRequest* request,
                                          lapse::v1::ListNotifiersResponse* response) override;
  grpc::ServerUnaryReactor* UpdateNotifier(grpc::CallbackServerContext* call,
                                           const lapse::v1::UpdateNotifierRequest* request,
                                           lapse::v1::Notifier* response) override;
  grpc::ServerUnaryReactor* DeleteNotifier(grpc::CallbackServerContext* call,
                                           const lapse::v1::DeleteNotifierRequest* request,
                                           google::protobuf::Empty* response) override;
  grpc::ServerUnaryReactor* TestNotifier(grpc::CallbackServerContext* call,
                                         const lapse::v1::TestNotifierRequest* request,
                                         lapse::v1::TestNotifierResponse* response) override;
  grpc::ServerUnaryReactor* ListDeliveries(grpc::CallbackServerContext* call,
                                           const lapse::v1::ListDeliveriesRequest* request,
                                           lapse::v1::ListDeliveriesResponse* response) override;

 private:
  using Notifier = lapse::v1::Notifier;

  absl::StatusOr<Notifier> Create(const lapse::v1::CreateNotifierRequest& request);
  absl::StatusOr<Notifier> CreateLocked(const std::string& id, const Notifier& wanted,
                                        const std::string& request_id);
  absl::StatusOr<Notifier> Repeated(const std::string& name, const std::string& request_id);
  absl::StatusOr<Notifier> Update(const lapse::v1::UpdateNotifierRequest& request);
  absl::Status Delete(const lapse::v1::DeleteNotifierRequest& request);
  absl::StatusOr<lapse::v1::ListDeliveriesResponse> Deliveries(
      const lapse::v1::ListDeliveriesRequest& request);

  const NotifierServiceContext context_;
  // Held through a change, so that read, check and write are one.
  Mutex change_mutex_;
  UuidGenerator uuids_;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_NOTIFIER_SERVICE_H_
