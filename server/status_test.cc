#include "server/status.h"

#include <gtest/gtest.h>

#include <string>

#include "base/errors.h"
#include "base/proto_time.h"
#include "base/utf8.h"
#include "google/rpc/error_details.pb.h"

namespace lapse::server {
namespace {

// The detail of this kind; empty where there is none.
template <typename Detail>
Detail Find(const google::rpc::Status& status) {
  Detail detail;
  for (const auto& any : status.details()) {
    if (any.Is<Detail>()) any.UnpackTo(&detail);
  }
  return detail;
}

TEST(StatusTest, OkIsOk) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  EXPECT_EQ(ToRpcStatus(absl::OkStatus()).ByteSizeLong(), 0u);
}

TEST(StatusTest, AFieldAtFaultBecomesABadRequest) {
  const google::rpc::Status status = ToRpcStatus(InvalidField("type", "TYPE_MISSING", "no type"));
  EXPECT_EQ(status.code(), 3);
  EXPECT_EQ(status.message(), "no type");
  const auto info = Find<google::rpc::ErrorInfo>(status);
  EXPECT_EQ(info.reason(), "TYPE_MISSING");
  EXPECT_EQ(info.domain(), "lapse");
  const auto request = Find<google::rpc::BadRequest>(status);
  ASSERT_EQ(request.field_violations_size(), 1);
  EXPECT_EQ(request.field_violations(0).field(), "type");
  EXPECT_EQ(request.field_violations(0).description(), "no type");
  EXPECT_EQ(status.details_size(), 2);
}

TEST(StatusTest, ANestedFieldsPathStandsInTheMessage) {
  const absl::Status nested =
      WithFieldPrefix(InvalidField("within", "WITHIN_MISSING", "within is required"), "follow_up");
  EXPECT_EQ(ToRpcStatus(nested).message(), "follow_up.within: within is required");
}

TEST(StatusTest, OverloadSaysWhenToTryAgain) {
  for (const absl::Status& overload :
       {Overloaded("LOG_QUEUE_FULL", "full", 250'000), Unavailable("DRAINING", "bye", 250'000)}) {
    const auto retry = Find<google::rpc::RetryInfo>(ToRpcStatus(overload));
    EXPECT_EQ(ToMicros(retry.retry_delay()), 250'000);
  }
}

TEST(StatusTest, GrpcCarriesTheSameInItsDetails) {
  const absl::Status status = Overloaded("LOG_QUEUE_FULL", "full", 1);
  const grpc::Status sent = ToGrpcStatus(status);
  EXPECT_EQ(sent.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(sent.error_message(), "full");
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(sent.error_details()));
  EXPECT_EQ(details.SerializeAsString(), ToRpcStatus(status).SerializeAsString());
}

TEST(StatusTest, AStatusOfNobodysHasItsCodeAndMessage) {
  const google::rpc::Status status = ToRpcStatus(absl::DataLossError("log/000001.db"));
  EXPECT_EQ(status.code(), 15);
  EXPECT_EQ(status.message(), "log/000001.db");
  EXPECT_EQ(status.details_size(), 0);
}

TEST(StatusTest, AMessageIsAlwaysShortUtf8) {
  EXPECT_EQ(ToRpcStatus(absl::InternalError("\xff")).message(), "\\xff");
  const google::rpc::Status status =
      ToRpcStatus(InvalidField("a.b", "R", std::string(5'000, 'x') + "é"));
  EXPECT_LE(status.message().size(), 1'024u);
  EXPECT_TRUE(IsUtf8(status.message()));
  EXPECT_LT(status.SerializeAsString().size(), 4'096u);
}

}  // namespace
}  // namespace lapse::server
