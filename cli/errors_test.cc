#include "cli/errors.h"

#include <string>

#include "absl/status/status.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"

namespace lapse::cli {
namespace {

constexpr char kServer[] = "127.0.0.1:7070";
constexpr int64_t kTimeoutUs = 10'000'000;

template <typename Detail>
grpc::Status WithDetail(grpc::StatusCode code, const char* message, const Detail& detail) {
  google::rpc::Status rpc;
  rpc.set_code(code);
  rpc.set_message(message);
  rpc.add_details()->PackFrom(detail);
  return grpc::Status(code, message, rpc.SerializeAsString());
}

google::rpc::RetryInfo RetryIn(int seconds) {
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(seconds);
  return retry;
}

std::string ExplainGrpc(const grpc::Status& status) {
  return Explain(FromGrpc(status), kServer, kTimeoutUs);
}

TEST(ExitCodeOf, FollowsTheDocumentedTable) {
  const struct {
    grpc::StatusCode code;
    ExitCode exit;
  } cases[] = {
      {grpc::StatusCode::OK, kExitOk},
      {grpc::StatusCode::INVALID_ARGUMENT, kExitRefused},
      {grpc::StatusCode::FAILED_PRECONDITION, kExitRefused},
      {grpc::StatusCode::OUT_OF_RANGE, kExitRefused},
      {grpc::StatusCode::INTERNAL, kExitRefused},
      {grpc::StatusCode::UNIMPLEMENTED, kExitRefused},
      {grpc::StatusCode::UNAVAILABLE, kExitUnreachable},
      {grpc::StatusCode::NOT_FOUND, kExitNotFound},
      {grpc::StatusCode::ALREADY_EXISTS, kExitConflict},
      {grpc::StatusCode::ABORTED, kExitConflict},
      {grpc::StatusCode::DEADLINE_EXCEEDED, kExitTimeout},
      {grpc::StatusCode::RESOURCE_EXHAUSTED, kExitBusy},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ExitCodeOf(FromGrpc(grpc::Status(c.code, "x"))), c.exit) << c.code;
  }
  EXPECT_EQ(ExitCodeOf(UsageError("x")), kExitUsage);
  EXPECT_EQ(ExitCodeOf(PartlyRefused("x")), kExitRefused);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("found here")), kExitUsage);
}

TEST(ExitCodeOf, TellsADrainingServerFromNone) {
  EXPECT_EQ(ExitCodeOf(FromGrpc(WithDetail(grpc::StatusCode::UNAVAILABLE, "draining", RetryIn(5)))),
            kExitBusy);
}

TEST(Explain, SaysHowToStartAServerWhereNoneAnswers) {
  EXPECT_EQ(ExplainGrpc({grpc::StatusCode::UNAVAILABLE,
                         "failed to connect to all addresses; last error: UNKNOWN: refused"}),
            "No Lapse server answers at 127.0.0.1:7070. Start one with ./dev run, or name another "
            "with --server.\n");
  EXPECT_EQ(ExplainGrpc({grpc::StatusCode::UNAVAILABLE, "DNS resolution failed for x"}),
            "No Lapse server answers at 127.0.0.1:7070. Start one with ./dev run, or name another "
            "with --server.\n");
  EXPECT_EQ(ExplainGrpc({grpc::StatusCode::UNAVAILABLE, "Socket closed"}),
            "The connection to 127.0.0.1:7070 broke (Socket closed). See whether the server is up "
            "with `lapsectl status`.\n");
}

TEST(Explain, ShowsFieldViolationsOneALine) {
  google::rpc::BadRequest bad_request;
  const auto add = [&](const char* field, const char* description) {
    auto* violation = bad_request.add_field_violations();
    violation->set_field(field);
    violation->set_description(description);
  };
  add("monitor.follow_up.within", "must be over 0");
  EXPECT_EQ(
      ExplainGrpc(WithDetail(grpc::StatusCode::INVALID_ARGUMENT, "must be over 0", bad_request)),
      "must be over 0\n  monitor.follow_up.within\n");
  add("monitor.labels", "at most 32");
  EXPECT_EQ(ExplainGrpc(WithDetail(grpc::StatusCode::INVALID_ARGUMENT, "2 fields", bad_request)),
            "2 fields\n"
            "  monitor.follow_up.within: must be over 0\n"
            "  monitor.labels: at most 32\n");
}

TEST(Explain, ShowsReasonAndNextStep) {
  google::rpc::ErrorInfo info;
  info.set_reason("CURSOR_EXPIRED");
  EXPECT_EQ(ExplainGrpc(WithDetail(grpc::StatusCode::OUT_OF_RANGE, "too old", info)),
            "too old [CURSOR_EXPIRED]\nStart again without --since to get what is firing now.\n");
  EXPECT_EQ(
      ExplainGrpc(WithDetail(grpc::StatusCode::RESOURCE_EXHAUSTED, "queues full", RetryIn(2))),
      "queues full\nTry again in 2s.\n");
  EXPECT_EQ(
      ExplainGrpc({grpc::StatusCode::ABORTED, "stale etag"}),
      "stale etag\nIt has changed since it was read: read it again, then repeat the change.\n");
  EXPECT_EQ(ExplainGrpc({grpc::StatusCode::DEADLINE_EXCEEDED, "Deadline Exceeded"}),
            "No answer from 127.0.0.1:7070 within 10s. Give it longer with --timeout, or see "
            "`lapsectl status`.\n");
  EXPECT_EQ(ExplainGrpc({grpc::StatusCode::INTERNAL, ""}), "The server refused with INTERNAL\n");
}

TEST(Explain, KeepsLinesButNoOtherControlCharacters) {
  EXPECT_EQ(ExplainGrpc({grpc::StatusCode::INVALID_ARGUMENT, "a ==\n  ^ \x1b[31m"}),
            "a ==\n  ^ \\x1b[31m\n");
}

TEST(Explain, DoesNotRepeatWhatTheMessageSays) {
  google::rpc::BadRequest bad_request;
  auto* violation = bad_request.add_field_violations();
  violation->set_field("filter");
  violation->set_description("filter: unexpected end");
  EXPECT_EQ(ExplainGrpc(WithDetail(grpc::StatusCode::INVALID_ARGUMENT,
                                   "f.yaml:3: filter: unexpected end", bad_request)),
            "f.yaml:3: filter: unexpected end\n");
}

TEST(Explain, PutsTheReasonBeforeTheIllustration) {
  google::rpc::ErrorInfo info;
  info.set_reason("FILTER_SYNTAX");
  EXPECT_EQ(
      ExplainGrpc(WithDetail(grpc::StatusCode::INVALID_ARGUMENT, "column 3\na ==\n  ^", info)),
      "column 3 [FILTER_SYNTAX]\na ==\n  ^\n");
}

TEST(WithMessage, KeepsCodeAndDetails) {
  const absl::Status status = FromGrpc(WithDetail(grpc::StatusCode::UNAVAILABLE, "x", RetryIn(5)));
  const absl::Status changed = WithMessage(status, "f.yaml:1: x");
  EXPECT_EQ(changed.message(), "f.yaml:1: x");
  EXPECT_EQ(ExitCodeOf(changed), kExitBusy);
  EXPECT_EQ(DetailsFromServer(changed).retry_after_us, 5'000'000);
  EXPECT_EQ(ExitCodeOf(Conflict("x")), kExitConflict);
}

TEST(FromRpc, IsTheSameAsFromGrpc) {
  google::rpc::Status rpc;
  rpc.set_code(grpc::StatusCode::RESOURCE_EXHAUSTED);
  rpc.set_message("queues full");
  rpc.add_details()->PackFrom(RetryIn(1));
  const absl::Status status = FromRpc(rpc);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(DetailsFromServer(status).retry_after_us, 1'000'000);
  EXPECT_TRUE(FromRpc(google::rpc::Status()).ok());
}

TEST(DetailsFromServer, IgnoresGarbage) {
  const grpc::Status status(grpc::StatusCode::INVALID_ARGUMENT, "x", "\xff\xff");
  EXPECT_EQ(DetailsFromServer(FromGrpc(status)).reason, "");
}

}  // namespace
}  // namespace lapse::cli
