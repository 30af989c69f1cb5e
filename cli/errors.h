// What can go wrong in lapsectl, its exit code, and how it is told.
#ifndef LAPSE_CLI_ERRORS_H_
#define LAPSE_CLI_ERRORS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace google::rpc {
class Status;
}  // namespace google::rpc

namespace grpc {
class Status;
}  // namespace grpc

namespace lapse::cli {

// Documented in `lapsectl --help` and docs/cli.md; never renumbered.
enum ExitCode : int {
  kExitOk = 0,
  // The server refused the request, or a part of it.
  kExitRefused = 1,
  // Wrong command line, or a file that cannot be read or is not valid. Nothing was sent.
  kExitUsage = 2,
  // No server answers at the address, or the connection broke.
  kExitUnreachable = 3,
  kExitNotFound = 4,
  // It exists already, or has changed meanwhile.
  kExitConflict = 5,
  // No answer within --timeout.
  kExitTimeout = 6,
  // The server is overloaded, or stopping; the same request may succeed later.
  kExitBusy = 7,
};

// A mistake of the caller's, found before anything was sent. `message` is a sentence, or several
// lines of them.
absl::Status UsageError(absl::string_view message);

// The server said no to a part of what was asked, which `message` tells.
absl::Status PartlyRefused(absl::string_view message);

// What is asked for differs from what is there now.
absl::Status Conflict(absl::string_view message);

// `status`, which is not OK, with another message and all else kept.
absl::Status WithMessage(const absl::Status& status, absl::string_view message);

// The status of a call, with its google.rpc details. OK stays OK.
absl::Status FromGrpc(const grpc::Status& status);
// One sent within a stream.
absl::Status FromRpc(const google::rpc::Status& status);

struct FieldViolation {
  std::string field;
  std::string description;
};

// The google.rpc details of a status made by FromGrpc or FromRpc.
struct ServerDetails {
  // Of ErrorInfo; empty where there is none.
  std::string reason;
  std::vector<FieldViolation> violations;
  std::optional<int64_t> retry_after_us;
};
ServerDetails DetailsFromServer(const absl::Status& status);

ExitCode ExitCodeOf(const absl::Status& status);

// Sentences for stderr, each line ended: what is wrong, the fields at fault one a line, what to do
// next. `server` is the address in use, `timeout_us` the limit of a call.
std::string Explain(const absl::Status& status, absl::string_view server, int64_t timeout_us);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_ERRORS_H_
