#include "cli/table.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace lapse::cli {
namespace {

Table Orders() {
  Table table({{"KEY", false, false}, {"COUNT", true}, {"NOTE", false, true}});
  table.Add({{"A-17"}, {"3"}, {"short"}});
  table.Add({{"Zürich-1"}, {"12,345"}, {"a note that is a good deal longer than the others"}});
  return table;
}

TEST(Table, AlignsColumnsByCharacters) {
  EXPECT_EQ(Orders().Render({}),
            "KEY        COUNT  NOTE\n"
            "A-17           3  short\n"
            "Zürich-1  12,345  a note that is a good deal longer than the others\n");
}

TEST(Table, ShrinksOnlyColumnsThatMay) {
  EXPECT_EQ(Orders().Render({.width = 40}),
            "KEY        COUNT  NOTE\n"
            "A-17           3  short\n"
            "Zürich-1  12,345  a note that is a good…\n");
  // Not below 12 columns, so that something can be read.
  EXPECT_EQ(Orders().Render({.width = 10}),
            "KEY        COUNT  NOTE\n"
            "A-17           3  short\n"
            "Zürich-1  12,345  a note that…\n");
}

TEST(Table, ShrinksTheWidestFirst) {
  Table table({{"A", false, true}, {"B", false, true}});
  table.Add({{std::string(14, 'a')}, {std::string(30, 'b')}});
  EXPECT_EQ(table.Render({.width = 30}),
            "A               B\n"
            "aaaaaaaaaaaaaa  bbbbbbbbbbbbb…\n");
}

TEST(Table, ColoursDoNotMoveColumns) {
  Table table({{"STATE"}, {"KEY"}});
  table.Add({{"FIRING", Color::kRed}, {"A-17"}});
  table.Add({{"", Color::kRed}, {"A-18"}});
  EXPECT_EQ(table.Render({.color = true}),
            "\x1b[1mSTATE\x1b[0m   \x1b[1mKEY\x1b[0m\n"
            "\x1b[31mFIRING\x1b[0m  A-17\n"
            "        A-18\n");
}

TEST(Table, KeepsControlCharactersFromTheTerminal) {
  Table table({{"KEY"}});
  table.Add({{"\x1b]0;owned\x07\nnext"}});
  EXPECT_EQ(table.Render({}), "KEY\n\\x1b]0;owned\\x07\\nnext\n");
}

TEST(RenderFields, LeavesEmptyOnesOut) {
  EXPECT_EQ(RenderFields({{"name", {"alerts/1"}}, {"close note", {""}}, {"key", {"A\t17"}}}, {}),
            "name  alerts/1\n"
            "key   A\\x0917\n");
  EXPECT_EQ(RenderFields({}, {}), "");
}

}  // namespace
}  // namespace lapse::cli
