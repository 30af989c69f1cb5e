#include "base/hex.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lapse {
namespace {

constexpr char kUuid[] = "01932c07-209c-7d3a-8e21-5b1c4e0a9f66";

TEST(HexTest, TwoDigitsAreAByte) {
  for (int byte = 0; byte < 256; ++byte) {
    char digits[2];
    EXPECT_EQ(WriteHexByte(static_cast<uint8_t>(byte), digits), digits + 2);
    EXPECT_EQ(HexByte(digits), byte);
  }
  EXPECT_EQ(HexByte("0a"), 10);
}

TEST(HexTest, AnythingElseIsNegative) {
  for (const char* text : {"0g", "g0", "0A", "F0", " 1", "1 ", "--", "\xff\xff"}) {
    EXPECT_LT(HexByte(text), 0) << text;
  }
}

TEST(HexTest, AUuidIsWrittenAsItWasRead) {
  uint8_t bytes[kUuidBytes];
  ASSERT_TRUE(ParseUuid(kUuid, bytes));
  EXPECT_EQ(bytes[0], 0x01);
  EXPECT_EQ(bytes[6], 0x7d);
  EXPECT_EQ(bytes[15], 0x66);
  std::string text = "id ";
  AppendUuid(bytes, &text);
  EXPECT_EQ(text, std::string("id ") + kUuid);
}

TEST(HexTest, EveryCharacterOfAUuidCounts) {
  uint8_t bytes[kUuidBytes];
  const std::string uuid = kUuid;
  for (size_t i = 0; i < uuid.size(); ++i) {
    std::string changed = uuid;
    changed[i] = changed[i] == '-' ? '0' : 'A';
    EXPECT_FALSE(ParseUuid(changed, bytes)) << changed;
  }
  EXPECT_FALSE(ParseUuid(uuid.substr(1), bytes));
  EXPECT_FALSE(ParseUuid(uuid + "0", bytes));
  EXPECT_FALSE(ParseUuid("", bytes));
}

}  // namespace
}  // namespace lapse
