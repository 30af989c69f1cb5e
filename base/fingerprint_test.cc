#include "base/fingerprint.h"

#include <string>

#include "gtest/gtest.h"

namespace lapse {
namespace {

TEST(FingerprintTest, PartsAreDelimited) {
  EXPECT_EQ(FingerprintOf(1, {"ab", "c"}), FingerprintOf(1, {"ab", "c"}));
  EXPECT_NE(FingerprintOf(1, {"ab", "c"}), FingerprintOf(1, {"a", "bc"}));
  EXPECT_NE(FingerprintOf(1, {"ab", ""}), FingerprintOf(1, {"ab"}));
}

TEST(FingerprintTest, DependsOnTheSeed) {
  EXPECT_NE(FingerprintOf(1, {"a"}), FingerprintOf(2, {"a"}));
}

TEST(FingerprintTest, LongPartsCountToTheLastByte) {
  const std::string longer_than_the_buffer(2'000, 'x');
  std::string other = longer_than_the_buffer;
  other.back() = 'y';
  EXPECT_NE(FingerprintOf(1, {longer_than_the_buffer}), FingerprintOf(1, {other}));
}

// Fingerprints are on disk: another value here would orphan every data folder.
TEST(FingerprintTest, NeverChanges) {
  EXPECT_EQ(FingerprintOf(0, {}).ToHex(), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(FingerprintOf(42, {"checkout", "A-17"}).ToHex(), "a7bb815b8dd7d027f3af64890c14657b");
}

TEST(FingerprintTest, HexIs32LowerCaseDigits) {
  EXPECT_EQ((Fingerprint{0xAB, 1}).ToHex(), "00000000000000ab0000000000000001");
}

}  // namespace
}  // namespace lapse
