#include "cli/input.h"

#include <stdio.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "cli/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lapse::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string FileWith(const std::string& text) {
  const std::string path = ::testing::TempDir() + "/input_test_" + std::to_string(getpid());
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::vector<std::string> LinesOf(const std::string& text) {
  const std::string path = FileWith(text);
  LineReader reader;
  EXPECT_TRUE(reader.Open(path).ok());
  std::vector<std::string> lines;
  std::string line;
  while (*reader.Next(&line)) lines.push_back(line);
  return lines;
}

TEST(LineReader, SplitsAtNewlines) {
  EXPECT_THAT(LinesOf("a\nb\n"), ElementsAre("a", "b"));
  EXPECT_THAT(LinesOf("a\n\nb"), ElementsAre("a", "", "b"));
  EXPECT_THAT(LinesOf("a\r\nb\r\n"), ElementsAre("a", "b"));
  EXPECT_THAT(LinesOf(""), ElementsAre());
  EXPECT_THAT(LinesOf("\n"), ElementsAre(""));
}

TEST(LineReader, ReadsLinesLongerThanItsBuffer) {
  const std::string large(1'000'000, 'x');
  EXPECT_THAT(LinesOf("a\n" + large + "\nb"), ElementsAre("a", large, "b"));
}

TEST(LineReader, RefusesAnEndlessLine) {
  LineReader reader;
  ASSERT_TRUE(reader.Open("/dev/zero").ok());
  std::string line;
  EXPECT_EQ(ExitCodeOf(reader.Next(&line).status()), kExitUsage);
}

TEST(LineReader, KnowsWhetherItWouldWait) {
  LineReader reader;
  ASSERT_TRUE(reader.Open(FileWith("a\n")).ok());
  EXPECT_TRUE(reader.Ready());
}

TEST(ReadInput, SaysWhyAFileCannotBeRead) {
  const absl::Status status = ReadInput("/nowhere/f.yaml").status();
  EXPECT_EQ(ExitCodeOf(status), kExitUsage);
  EXPECT_EQ(status.message(), "Cannot read \"/nowhere/f.yaml\": No such file or directory.");
  EXPECT_THAT(std::string(ReadInput("/tmp").status().message()), HasSubstr("Is a directory"));
  EXPECT_EQ(*ReadInput(FileWith("a\nb")), "a\nb\n");
}

}  // namespace
}  // namespace lapse::cli
