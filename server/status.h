// The one place that turns errors into what a client sees: gRPC status with google.rpc details.
#ifndef LAPSE_SERVER_STATUS_H_
#define LAPSE_SERVER_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"

namespace lapse::server {

// BadRequest with the field, RetryInfo and ErrorInfo (domain `lapse`), as far as base/errors.h put
// them in. An error without a reason of ours is INTERNAL or what its code says, and is told in the
// log by whoever made it. A message that is not UTF-8 is escaped, one on a nested field starts with
// the field's path, one over 1 KiB is cut.
google::rpc::Status ToRpcStatus(const absl::Status& status);

// The same, with the google.rpc.Status as its binary details.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace lapse::server

#endif  // LAPSE_SERVER_STATUS_H_
