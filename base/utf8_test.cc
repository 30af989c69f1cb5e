#include "base/utf8.h"

#include <string>

#include "gtest/gtest.h"

namespace lapse {
namespace {

TEST(Utf8Test, AcceptsTheFirstAndLastCharacterOfEachLength) {
  for (const std::string& text :
       {std::string(), std::string("a"), std::string(1, '\0'), std::string("\x7f"),
        std::string("\xc2\x80"), std::string("\xdf\xbf"), std::string("\xe0\xa0\x80"),
        std::string("\xed\x9f\xbf"), std::string("\xee\x80\x80"), std::string("\xef\xbf\xbf"),
        std::string("\xf0\x90\x80\x80"), std::string("\xf4\x8f\xbf\xbf"),
        std::string("sixteen ascii by\xc3\xa9 and on and on")}) {
    EXPECT_TRUE(IsUtf8(text)) << testing::PrintToString(text);
  }
}

TEST(Utf8Test, RefusesMalformedText) {
  for (const std::string& text :
       {std::string("\x80"), std::string("\xff"), std::string("\xc0\x80"), std::string("\xc1\xbf"),
        std::string("\xc3"), std::string("\xc3("), std::string("\xe0\x9f\xbf"),
        std::string("\xed\xa0\x80"), std::string("\xe2\x82"), std::string("\xe2(\x82"),
        std::string("\xf0\x8f\xbf\xbf"), std::string("\xf4\x90\x80\x80"),
        std::string("\xf5\x80\x80\x80"), std::string("\xf0\x9f\x98"),
        std::string("sixteen ascii by\xe9 and on and on")}) {
    EXPECT_FALSE(IsUtf8(text)) << testing::PrintToString(text);
  }
}

TEST(Utf8Test, CutsBetweenCharacters) {
  EXPECT_EQ(CutUtf8("abc", 3), "abc");
  EXPECT_EQ(CutUtf8("abc", 2), "ab");
  EXPECT_EQ(CutUtf8("a\xc3\xa9", 2), "a");
  EXPECT_EQ(CutUtf8("\xf0\x9f\x98\x80", 3), "");
}

}  // namespace
}  // namespace lapse
