#include "base/status_macros.h"

#include <memory>

#include "gtest/gtest.h"

namespace lapse {
namespace {

absl::Status ReturnsEarly(const absl::Status& status, bool* reached) {
  RETURN_IF_ERROR(status);
  *reached = true;
  return absl::OkStatus();
}

absl::StatusOr<int> AddOne(absl::StatusOr<int> value) {
  ASSIGN_OR_RETURN(const int number, value);
  return number + 1;
}

absl::StatusOr<int> Unwrap(absl::StatusOr<std::unique_ptr<int>> value) {
  ASSIGN_OR_RETURN(std::unique_ptr<int> pointer, std::move(value));
  return *pointer;
}

TEST(StatusMacrosTest, ReturnIfErrorReturnsOnlyErrors) {
  bool reached = false;
  EXPECT_EQ(ReturnsEarly(absl::AbortedError("x"), &reached), absl::AbortedError("x"));
  EXPECT_FALSE(reached);
  EXPECT_TRUE(ReturnsEarly(absl::OkStatus(), &reached).ok());
  EXPECT_TRUE(reached);
}

TEST(StatusMacrosTest, AssignOrReturnTakesTheValueOrReturnsTheError) {
  EXPECT_EQ(AddOne(1).value(), 2);
  EXPECT_EQ(AddOne(absl::NotFoundError("x")).status(), absl::NotFoundError("x"));
}

TEST(StatusMacrosTest, AssignOrReturnMoves) {
  EXPECT_EQ(Unwrap(std::make_unique<int>(7)).value(), 7);
}

}  // namespace
}  // namespace lapse
