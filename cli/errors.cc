#include "cli/errors.h"

#include <algorithm>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/proto_time.h"
#include "cli/human.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace lapse::cli {
namespace {

// The payload is one of ExitCode in decimal.
constexpr char kExitPayload[] = "lapsectl/exit";
// The payload is a serialized google.rpc.Status.
constexpr char kServerPayload[] = "lapsectl/server";

absl::Status WithExitCode(absl::StatusCode code, absl::string_view message, ExitCode exit) {
  absl::Status status(code, message);
  status.SetPayload(kExitPayload, absl::Cord(absl::StrCat(static_cast<int>(exit))));
  return status;
}

// A status that gRPC made itself has no details; the server's own always have.
bool SaidByServer(const absl::Status& status) {
  const ServerDetails details = DetailsFromServer(status);
  return !details.reason.empty() || !details.violations.empty() ||
         details.retry_after_us.has_value();
}

ExitCode ServerExitCode(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return kExitNotFound;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return kExitConflict;
    case absl::StatusCode::kDeadlineExceeded:
      return kExitTimeout;
    case absl::StatusCode::kResourceExhausted:
      return kExitBusy;
    case absl::StatusCode::kUnavailable:
      return SaidByServer(status) ? kExitBusy : kExitUnreachable;
    default:
      return kExitRefused;
  }
}

bool NeverConnected(absl::string_view message) {
  return absl::StrContains(message, "failed to connect") ||
         absl::StrContains(message, "resolution");
}

std::string ExplainUnreachable(absl::string_view message, absl::string_view server) {
  if (NeverConnected(message)) {
    return absl::StrCat("No Lapse server answers at ", Printable(server),
                        ". Start one with ./dev run, or name another with --server.\n");
  }
  return absl::StrCat("The connection to ", Printable(server), " broke (", Printable(message),
                      "). See whether the server is up with `lapsectl status`.\n");
}

// Lines are kept: a filter's error points at its column on a line of its own.
std::string PrintableLines(absl::string_view text) {
  return absl::StrJoin(
      absl::StrSplit(text, '\n'), "\n",
      [](std::string* out, absl::string_view line) { absl::StrAppend(out, Printable(line)); });
}

std::string NextStep(const absl::Status& status, const ServerDetails& details) {
  if (absl::StartsWith(details.reason, "CURSOR_")) {
    return "Start again without --since to get what is firing now.\n";
  }
  switch (status.code()) {
    case absl::StatusCode::kAborted:
      return "It has changed since it was read: read it again, then repeat the change.\n";
    case absl::StatusCode::kAlreadyExists:
      return "Change the existing one with `update`, or use `lapsectl apply`.\n";
    case absl::StatusCode::kNotFound:
      return "See what there is with `list`.\n";
    case absl::StatusCode::kUnimplemented:
      return "The server does not know this call: it is older than this lapsectl, or not Lapse.\n";
    default:
      return "";
  }
}

// At the end of the first line, what follows being an illustration.
std::string WithReason(std::string text, absl::string_view reason) {
  if (!reason.empty()) {
    text.insert(std::min(text.find('\n'), text.size()), absl::StrCat(" [", Printable(reason), "]"));
  }
  return text + "\n";
}

// What the message does not say already.
std::string ExplainViolation(const FieldViolation& violation, absl::string_view message) {
  const bool told = absl::StrContains(message, violation.description);
  if (told && absl::StrContains(message, violation.field)) return "";
  return absl::StrCat("  ", Printable(violation.field), told ? "" : ": ",
                      told ? "" : PrintableLines(violation.description), "\n");
}

std::string ExplainServer(const absl::Status& status) {
  const ServerDetails details = DetailsFromServer(status);
  std::string text = WithReason(PrintableLines(status.message()), details.reason);
  if (status.message().empty()) {
    text = absl::StrCat("The server refused with ", absl::StatusCodeToString(status.code()), "\n");
  }
  for (const FieldViolation& violation : details.violations) {
    text += ExplainViolation(violation, status.message());
  }
  if (details.retry_after_us.has_value()) {
    absl::StrAppend(&text, "Try again in ", ShortDuration(*details.retry_after_us), ".\n");
  }
  return text + NextStep(status, details);
}

}  // namespace

absl::Status UsageError(absl::string_view message) {
  return WithExitCode(absl::StatusCode::kInvalidArgument, message, kExitUsage);
}

absl::Status PartlyRefused(absl::string_view message) {
  return WithExitCode(absl::StatusCode::kFailedPrecondition, message, kExitRefused);
}

absl::Status Conflict(absl::string_view message) {
  return WithExitCode(absl::StatusCode::kAborted, message, kExitConflict);
}

absl::Status WithMessage(const absl::Status& status, absl::string_view message) {
  absl::Status changed(status.code(), message);
  status.ForEachPayload([&](absl::string_view type, const absl::Cord& payload) {
    changed.SetPayload(type, payload);
  });
  return changed;
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  result.SetPayload(kServerPayload, absl::Cord(status.error_details()));
  return result;
}

absl::Status FromRpc(const google::rpc::Status& status) {
  if (status.code() == 0) return absl::OkStatus();
  absl::Status result(static_cast<absl::StatusCode>(status.code()), status.message());
  result.SetPayload(kServerPayload, absl::Cord(status.SerializeAsString()));
  return result;
}

ServerDetails DetailsFromServer(const absl::Status& status) {
  ServerDetails details;
  const auto payload = status.GetPayload(kServerPayload);
  google::rpc::Status rpc;
  // Details of another form than ours are as none.
  if (!payload.has_value() || !rpc.ParseFromString(std::string(*payload))) return details;
  for (const auto& any : rpc.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::RetryInfo retry;
    google::rpc::BadRequest bad_request;
    if (any.UnpackTo(&info)) details.reason = info.reason();
    if (any.UnpackTo(&retry)) details.retry_after_us = ToMicros(retry.retry_delay());
    if (!any.UnpackTo(&bad_request)) continue;
    for (const auto& violation : bad_request.field_violations()) {
      details.violations.push_back({violation.field(), violation.description()});
    }
  }
  return details;
}

ExitCode ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return kExitOk;
  const auto exit = status.GetPayload(kExitPayload);
  int code = kExitRefused;
  if (exit.has_value() && absl::SimpleAtoi(std::string(*exit), &code)) {
    return static_cast<ExitCode>(code);
  }
  // What is not the server's was found here.
  return status.GetPayload(kServerPayload).has_value() ? ServerExitCode(status) : kExitUsage;
}

std::string Explain(const absl::Status& status, absl::string_view server, int64_t timeout_us) {
  switch (ExitCodeOf(status)) {
    case kExitOk:
      return "";
    case kExitUnreachable:
      return ExplainUnreachable(status.message(), server);
    case kExitTimeout:
      if (SaidByServer(status)) return ExplainServer(status);
      return absl::StrCat("No answer from ", Printable(server), " within ",
                          ShortDuration(timeout_us),
                          ". Give it longer with --timeout, or see `lapsectl status`.\n");
    default:
      if (status.GetPayload(kServerPayload).has_value()) return ExplainServer(status);
      return absl::StrCat(PrintableLines(status.message()), "\n");
  }
}

}  // namespace lapse::cli
