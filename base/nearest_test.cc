#include "base/nearest.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace lapse {
namespace {

TEST(NearestName, FindsTheLikelyMeaning) {
  const std::vector<std::string> names = {"within",  "grace",     "on_repeat",
                                          "primary", "secondary", "key_attribute"};
  const struct {
    std::string word, nearest;
  } cases[] = {
      {"withn", "within"},
      {"wihtin", "within"},
      {"secondry", "secondary"},
      {"onRepeat", "on_repeat"},
      {"key-attribute", "key_attribute"},
      {"GRACE", "grace"},
      {"grase", "grace"},
      {"deadline", ""},
      {"x", ""},
      {"", ""},
      {"-", ""},
      {std::string(1000, 'w'), ""},
  };
  for (const auto& c : cases) EXPECT_EQ(NearestName(c.word, names), c.nearest) << c.word;
}

TEST(NearestName, TakesTheFirstOfEquallyNear) {
  EXPECT_EQ(NearestName("cat", {"bat", "hat"}), "bat");
}

TEST(DidYouMean, NamesTheNearestOrAll) {
  EXPECT_EQ(DidYouMean("grce", {"within", "grace"}), "did you mean \"grace\"?");
  EXPECT_EQ(DidYouMean("xyzzy", {"within", "grace"}), "expected one of within, grace");
}

TEST(MeantHint, SaysNothingWhereNoneIsNear) {
  EXPECT_EQ(MeantHint("withn", {"within"}), " (did you mean \"within\"?)");
  EXPECT_EQ(MeantHint("withn", {"grace"}), "");
  EXPECT_EQ(MeantHint("withn", {}), "");
}

}  // namespace
}  // namespace lapse
