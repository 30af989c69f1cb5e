#include "server/status.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_time.h"
#include "base/utf8.h"
#include "google/rpc/error_details.pb.h"

namespace lapse::server {
namespace {

constexpr char kDomain[] = "lapse";

// gRPC gives 8 KiB to all metadata, in which the message stands up to three times, percent-encoded
// and in base64.
constexpr size_t kMaxMessageBytes = 1'024;

// A message names its field as its own message knows it; where that is nested in others, the path
// goes in front.
std::string MessageOf(const absl::Status& status, const std::string& field) {
  std::string message(status.message());
  if (!IsUtf8(message)) message = absl::CHexEscape(message);
  if (absl::StrContains(field, ".")) message = absl::StrCat(field, ": ", message);
  return std::string(CutUtf8(message, kMaxMessageBytes));
}

void AddDetails(const ErrorDetails& details, google::rpc::Status* proto) {
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
    violation->set_description(proto->message());
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
  const ErrorDetails details = DetailsOf(status);
  proto.set_message(MessageOf(status, details.field));
  AddDetails(details, &proto);
  return proto;
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const google::rpc::Status proto = ToRpcStatus(status);
  return grpc::Status(static_cast<grpc::StatusCode>(proto.code()), proto.message(),
                      proto.SerializeAsString());
}

}  // namespace lapse::server
