#include "base/nearest_name.h"

#include <string>

#include "gtest/gtest.h"

namespace lapse {
namespace {

TEST(NearestNameTest, FindsTheNameThatWasMeant) {
  const std::vector<std::string> known = {"source", "type", "occur_time", "id"};
  EXPECT_EQ(NearestName("sorce", known), "source");
  EXPECT_EQ(NearestName("TYPE", known), "type");
  EXPECT_EQ(NearestName("occurtime", known), "occur_time");
  EXPECT_EQ(NearestName("ids", known), "id");
}

TEST(NearestNameTest, IsEmptyWhereNothingIsNear) {
  const std::vector<std::string> known = {"source", "type"};
  EXPECT_EQ(NearestName("elephant", known), "");
  EXPECT_EQ(NearestName("", known), "");
  EXPECT_EQ(NearestName("x", {}), "");
  EXPECT_EQ(NearestName(std::string(65, 's'), known), "");
}

TEST(NearestNameTest, AsksInASentence) {
  EXPECT_EQ(DidYouMean("sorce", {"source"}), "; did you mean \"source\"?");
  EXPECT_EQ(DidYouMean("elephant", {"source"}), "");
}

}  // namespace
}  // namespace lapse
