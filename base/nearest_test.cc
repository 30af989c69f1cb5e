#include "base/nearest.h"

#include <gtest/gtest.h>

namespace lapse {
namespace {

TEST(NearestName, FindsATypo) { EXPECT_EQ(NearestName("withn", {"within", "grace"}), "within"); }

TEST(NearestName, IsEmptyWhereNothingIsNear) {
  EXPECT_EQ(NearestName("xyzzy", {"within", "grace"}), "");
}

TEST(DidYouMean, NamesTheNearestOrAll) {
  EXPECT_EQ(DidYouMean("grce", {"within", "grace"}), "did you mean \"grace\"?");
  EXPECT_EQ(DidYouMean("xyzzy", {"within", "grace"}), "expected one of within, grace");
}

}  // namespace
}  // namespace lapse
