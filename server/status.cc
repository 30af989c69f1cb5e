#include "server/status.h"

#include <string>

#include "base/errors.h"
#include "base/proto_time.h"
#include "google/rpc/error_details.pb.h"

namespace lapse::server {
namespace {

constexpr char kDomain[] = "lapse";

void AddDetails(const absl::Status& status, google::rpc::Status* proto) {
  const ErrorDetails details = DetailsOf(status);
  if (!details.reason.empty()) {
    google::rpc::ErrorInfo info;
    info.set_reason(details.reason);
    info.set_domain(kDomain);
    proto->add_details()->PackFrom(info);
  }
  if (!details.field.empty()) {
    google::rpc::BadRequest bad_request;
    google::rpc::BadRequest::FieldViolation* violation = bad_request.add_field_violations();
    violation->set_field(details.field);
    violation->set_description(std::string(status.message()));
    proto->add_details()->PackFrom(bad_request);
  }
  if (details.retry_after_us.has_value()) {
    google::rpc::RetryInfo retry;
    SetDuration(*details.retry_after_us, retry.mutable_retry_delay());
    proto->add_details()->PackFrom(retry);
  }
}

}  // namespace

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status proto;
  if (status.ok()) return proto;
  proto.set_code(static_cast<int>(status.code()));
  proto.set_message(std::string(status.message()));
  AddDetails(status, &proto);
  return proto;
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                      ToRpcStatus(status).SerializeAsString());
}

}  // namespace lapse::server
