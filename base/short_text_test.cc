#include "base/short_text.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace lapse {
namespace {

// Of every short size, and some longer; at the end of memory of their own, so that a sanitizer sees
// what is read beyond.
std::vector<std::string> Texts() {
  std::mt19937_64 random(1);
  std::vector<std::string> texts;
  for (size_t size = 0; size <= 40; ++size) {
    for (int i = 0; i < 20; ++i) {
      std::string text(size, '\0');
      for (char& c : text) c = static_cast<char>(random() % 8 == 0 ? random() : 'a' + random() % 3);
      text.shrink_to_fit();
      texts.push_back(std::move(text));
    }
  }
  return texts;
}

TEST(ShortTextTest, FirstBytesAreThoseOfTheTextAndZeros) {
  for (const std::string& text : Texts()) {
    uint64_t expected = 0;
    for (size_t i = 0; i < std::min<size_t>(text.size(), 8); ++i) {
      expected |= uint64_t{static_cast<uint8_t>(text[i])} << 8 * i;
    }
    EXPECT_EQ(FirstBytes(text), expected) << text.size();
  }
}

TEST(ShortTextTest, PrefixesOrderAsTheBytesDo) {
  const std::vector<std::string> texts = Texts();
  for (const std::string& a : texts) {
    for (const std::string& b : texts) {
      EXPECT_TRUE(PrefixOf(a) >= PrefixOf(b) || a < b);
      EXPECT_TRUE(a != b || PrefixOf(a) == PrefixOf(b));
    }
  }
}

TEST(ShortTextTest, AsciiIsToldAtEveryPlace) {
  for (const std::string& text : Texts()) {
    const bool expected = std::all_of(text.begin(), text.end(),
                                      [](char c) { return static_cast<uint8_t>(c) < 0x80; });
    EXPECT_EQ(IsAscii(text), expected) << text.size();
  }
}

TEST(ShortTextTest, CopiesAreTheText) {
  for (const std::string& text : Texts()) {
    std::string copy(text.size() + 1, '#');
    CopyText(text, copy.data());
    EXPECT_EQ(copy, text + "#");
  }
}

}  // namespace
}  // namespace lapse
