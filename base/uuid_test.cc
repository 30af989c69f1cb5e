#include "base/uuid.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lapse {
namespace {

using testing::MatchesRegex;
using testing::StartsWith;

TEST(UuidTest, HasTimeVersionAndVariantInTheirPlaces) {
  SimulatedClock clock(0x017f22e279b0 * int64_t{1'000});
  UuidGenerator generator(clock, 1);
  const std::string id = generator.Next();
  EXPECT_THAT(id, StartsWith("017f22e2-79b0-7"));
  EXPECT_THAT(id,
              MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
}

TEST(UuidTest, EachIsGreaterThanTheOneBeforeWhateverTheClockDoes) {
  SimulatedClock clock(1'000'000'000'000'000);
  UuidGenerator generator(clock, 1);
  std::string last;
  for (int i = 0; i < 20'000; ++i) {
    if (i == 10'000) clock.StepWall(-3'600'000'000);
    if (i == 15'000) clock.StepWall(7'200'000'000);
    const std::string id = generator.Next();
    ASSERT_LT(last, id);
    last = id;
  }
}

TEST(UuidTest, SeedDecides) {
  SimulatedClock clock(1'000'000'000'000'000);
  EXPECT_EQ(UuidGenerator(clock, 1).Next(), UuidGenerator(clock, 1).Next());
  EXPECT_NE(UuidGenerator(clock, 1).Next(), UuidGenerator(clock, 2).Next());
  EXPECT_NE(RandomSeed(), RandomSeed());
}

}  // namespace
}  // namespace lapse
