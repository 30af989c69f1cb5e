#include "base/errors.h"

#include <string>

#include "gtest/gtest.h"

namespace lapse {
namespace {

TEST(ErrorsTest, CarryCodeReasonFieldAndRetryTime) {
  const absl::Status invalid = InvalidField("monitor.name", "ID_INVALID", "bad id");
  EXPECT_EQ(invalid.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(invalid.message(), "bad id");
  EXPECT_EQ(DetailsOf(invalid).reason, "ID_INVALID");
  EXPECT_EQ(DetailsOf(invalid).field, "monitor.name");
  EXPECT_FALSE(DetailsOf(invalid).retry_after_us.has_value());

  const absl::Status overloaded = Overloaded("LOG_QUEUE_FULL", "full", 250'000);
  EXPECT_EQ(overloaded.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(DetailsOf(overloaded).retry_after_us, 250'000);

  const absl::Status unavailable = Unavailable("DRAINING", "going down", 1);
  EXPECT_EQ(unavailable.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(DetailsOf(unavailable).reason, "DRAINING");
}

TEST(ErrorsTest, AForeignStatusHasNoDetails) {
  const ErrorDetails details = DetailsOf(absl::InternalError("x"));
  EXPECT_EQ(details.reason, "");
  EXPECT_EQ(details.field, "");
  EXPECT_FALSE(details.retry_after_us.has_value());
}

TEST(ErrorsTest, APrefixStandsBeforeTheField) {
  EXPECT_EQ(DetailsOf(WithFieldPrefix(InvalidField("within", "R", "m"), "follow_up")).field,
            "follow_up.within");
  EXPECT_EQ(DetailsOf(WithFieldPrefix(absl::AbortedError("m"), "monitor")).field, "monitor");
  EXPECT_TRUE(WithFieldPrefix(absl::OkStatus(), "monitor").ok());
}

TEST(ErrorsTest, QuotedIsPrintableAndCutTo80Bytes) {
  EXPECT_EQ(Quoted("a\nb"), "\"a\\nb\"");
  EXPECT_EQ(Quoted(std::string(80, 'x')), "\"" + std::string(80, 'x') + "\"");
  EXPECT_EQ(Quoted(std::string(81, 'x')), "\"" + std::string(80, 'x') + "\"...");
}

TEST(ErrorsTest, QuotedNeverCutsACharacterInTwo) {
  const std::string quoted = Quoted(std::string(79, 'x') + "é");
  EXPECT_EQ(quoted, "\"" + std::string(79, 'x') + "\"...");
  EXPECT_EQ(Quoted("\xff"), "\"\\xff\"");
}

}  // namespace
}  // namespace lapse
