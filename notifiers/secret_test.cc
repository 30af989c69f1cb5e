#include "notifiers/secret.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gtest/gtest.h"

namespace lapse::notifiers {
namespace {

std::string WriteFile(const std::string& name, const std::string& content) {
  std::string path = absl::StrCat(::testing::TempDir(), "/", name);
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

TEST(ReadSecretTest, CutsTheNewlineThatEndsAFile) {
  for (const std::string content : {"hunter2", "hunter2\n", "hunter2\r\n"}) {
    EXPECT_EQ(ReadSecret("file:" + WriteFile("password", content)).value(), "hunter2");
  }
}

TEST(ReadSecretTest, ReadsAVariable) {
  setenv("LAPSE_TEST_PASSWORD", "hunter2", 1);
  EXPECT_EQ(ReadSecret("env:LAPSE_TEST_PASSWORD").value(), "hunter2");
}

TEST(ReadSecretTest, SaysWhereItLookedAndNotWhatItFound) {
  const struct {
    std::string ref;
    std::string part;
  } kCases[] = {
      {"file:/no/such/file", "/no/such/file"},
      {"env:LAPSE_TEST_UNSET", "LAPSE_TEST_UNSET"},
      {"file:" + WriteFile("empty", "\n"), "is empty"},
      {"file:" + WriteFile("lines", "first-secret\nsecond-secret\n"), "more than one line"},
      {"file:" + WriteFile("long", std::string(5'000, 's')), "is too long"},
  };
  for (const auto& c : kCases) {
    const absl::Status status = ReadSecret(c.ref).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << c.ref;
    EXPECT_EQ(DetailsOf(status).reason, "SECRET_UNREADABLE");
    EXPECT_TRUE(absl::StrContains(status.message(), c.part)) << status;
    EXPECT_FALSE(absl::StrContains(status.message(), "secret\n")) << status;
  }
}

TEST(ValidateSecretRefTest, RefusesAPasswordWithoutShowingIt) {
  for (const std::string ref : {"hunter2", "", "file:", "file:relative", "file:/a\nb",
                                "env:", "env:1A", "env:A B", "FILE:/a", "env:hunter2!"}) {
    const absl::Status status = ValidateSecretRef(ref, "notifier.email.password_ref");
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << ref;
    EXPECT_EQ(DetailsOf(status).reason, "SECRET_REF_INVALID") << ref;
    EXPECT_EQ(DetailsOf(status).field, "notifier.email.password_ref") << ref;
    EXPECT_FALSE(absl::StrContains(status.message(), "hunter2")) << status;
  }
}

}  // namespace
}  // namespace lapse::notifiers
