#include "notifiers/mime.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

namespace lapse::notifiers {
namespace {

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines = absl::StrSplit(text, "\r\n");
  EXPECT_EQ(lines.back(), "") << "does not end in CRLF";
  lines.pop_back();
  return lines;
}

TEST(TextHeaderTest, LeavesPlainTextAsItIs) {
  EXPECT_EQ(TextHeader("Subject", "order delivered: A-17"), "Subject: order delivered: A-17\r\n");
}

TEST(TextHeaderTest, FoldsPlainTextAtItsSpaces) {
  const std::string header =
      TextHeader("Subject", std::string(60, 'a') + " " + std::string(60, 'b'));
  EXPECT_EQ(header, "Subject: " + std::string(60, 'a') + "\r\n " + std::string(60, 'b') + "\r\n");
}

TEST(TextHeaderTest, EncodesWhatIsNotPlain) {
  const struct {
    std::string text;
    std::string expected;
  } kCases[] = {
      {"gr\xC3\xBCn", "=?UTF-8?Q?gr=C3=BCn?="},
      {" leading", "=?UTF-8?Q?_leading?="},
      {"two  spaces", "=?UTF-8?Q?two__spaces?="},
      // Would be decoded by the reader's mail program otherwise.
      {"=?UTF-8?Q?fake?=", "=?UTF-8?Q?=3D=3FUTF=2D8=3FQ=3Ffake=3F=3D?="},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(TextHeader("Subject", c.text), "Subject: " + c.expected + "\r\n") << c.text;
  }
}

TEST(TextHeaderTest, NoTextStartsALineOfItsOwn) {
  for (const std::string text :
       {"x\r\nBcc: evil@example.com", "x\nBcc: evil@example.com", "x\rBcc: evil@example.com",
        "x\r\n\r\nbody", "\u2028Bcc: evil@example.com", "gr\xC3\xBCn\r\nBcc: e@x.y"}) {
    const std::vector<std::string> lines = Lines(TextHeader("Subject", text));
    for (size_t i = 1; i < lines.size(); ++i) EXPECT_TRUE(absl::StartsWith(lines[i], " ")) << text;
    EXPECT_FALSE(absl::StrContains(TextHeader("Subject", text), "\nBcc")) << text;
  }
}

TEST(EncodedWordsTest, KeepsLinesShortAndCharactersWhole) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "\xE6\x9D\xB1 \xF0\x9F\x9A\x9A";
  for (const std::string& line : Lines("X:\r\n " + EncodedWords(text) + "\r\n")) {
    if (line == "X:") continue;
    EXPECT_LE(line.size(), 76u);
    EXPECT_TRUE(absl::StartsWith(line, " =?UTF-8?Q?")) << line;
    EXPECT_TRUE(absl::EndsWith(line, "?=")) << line;
    // A word starts with the lead byte of a character: not with 10xxxxxx.
    EXPECT_TRUE(line[11] != '=' || line[12] == 'E' || line[12] == 'F') << line;
  }
}

TEST(QuotedPrintableTest, EncodesBodies) {
  const struct {
    std::string text;
    std::string expected;
  } kCases[] = {
      {"plain text\n", "plain text\r\n"},
      {"1 = 1\n", "1 =3D 1\r\n"},
      {"ends in space \n", "ends in space=20\r\n"},
      {"gr\xC3\xBCn\n", "gr=C3=BCn\r\n"},
      {"a\n\nb\n", "a\r\n\r\nb\r\n"},
      {".\n", ".\r\n"},
      {"--boundary\n", "--boundary\r\n"},
      {"--=_lapse_x\n", "--=3D_lapse_x\r\n"},
  };
  for (const auto& c : kCases) EXPECT_EQ(QuotedPrintable(c.text), c.expected);
}

TEST(QuotedPrintableTest, BreaksLongLinesSoftly) {
  const std::vector<std::string> lines = Lines(QuotedPrintable(std::string(5'000, '\xE9')));
  for (const std::string& line : lines) EXPECT_LE(line.size(), 76u);
  for (size_t i = 0; i + 1 < lines.size(); ++i) EXPECT_EQ(lines[i].back(), '=');
}

TEST(MailDateTest, IsInUtc) {
  EXPECT_EQ(MailDate(1'772'366'405'250'000), "Sun, 01 Mar 2026 12:00:05 +0000");
}

}  // namespace
}  // namespace lapse::notifiers
