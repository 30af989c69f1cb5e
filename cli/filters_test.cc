#include "cli/filters.h"

#include "gtest/gtest.h"

namespace lapse::cli {
namespace {

TEST(FilterEquals, TakesTheTextLiterally) {
  EXPECT_EQ(FilterEquals("type", "order_created"), "type = \"order_created\"");
  EXPECT_EQ(FilterEquals("key", "a\"b\\c*"), "key = \"a\\\"b\\\\c\\*\"");
  EXPECT_EQ(FilterEquals("key", ""), "key = \"\"");
}

TEST(JoinFilters, KeepsEachTogether) {
  EXPECT_EQ(JoinFilters({}), "");
  EXPECT_EQ(JoinFilters({"", ""}), "");
  EXPECT_EQ(JoinFilters({"", "a = 1 OR b = 2"}), "a = 1 OR b = 2");
  EXPECT_EQ(JoinFilters({"a = 1 OR b = 2", "", "c = 3"}), "(a = 1 OR b = 2) AND (c = 3)");
}

}  // namespace
}  // namespace lapse::cli
