#include "cli/completion.h"

#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/app.h"
#include "cli/context.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lapse::cli {
namespace {

using ::testing::HasSubstr;

class CompletionTest : public ::testing::Test {
 protected:
  // What bash offers where the cursor is at the end of `words`.
  std::string Offered(const std::vector<std::string>& words) {
    const std::string script = ::testing::TempDir() + "/lapsectl_completion.bash";
    std::ofstream(script) << BashCompletion(*app_);
    std::string quoted;
    for (const std::string& word : words) absl::StrAppend(&quoted, " '", word, "'");
    const std::string command = absl::StrCat(
        "bash --norc -c 'source \"$0\"; COMP_WORDS=(lapsectl \"$@\"); COMP_CWORD=$#; _lapsectl; "
        "echo \"${COMPREPLY[*]}\"' ",
        script, quoted);
    std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    char buffer[65536] = {};
    const size_t got = fread(buffer, 1, sizeof(buffer) - 1, pipe.get());
    return std::string(buffer, got > 0 ? got - 1 : 0);
  }

  std::ostringstream out_, err_;
  Context context_{out_, err_, 0};
  std::unique_ptr<CLI::App> app_ = MakeApp(context_);
};

TEST_F(CompletionTest, BashCompletesCommandsOptionsAndValues) {
  EXPECT_EQ(Offered({"mon"}), "monitors");
  EXPECT_EQ(Offered({"monitors", ""}), "create get list update delete enable disable stats");
  EXPECT_EQ(Offered({"monitors", "create", "--wi"}), "--within");
  EXPECT_EQ(Offered({"monitors", "create", "x", "--severity", ""}), "info warning critical");
  EXPECT_EQ(Offered({"-o", "j"}), "json");
  EXPECT_EQ(Offered({"-o", "json", "al"}), "alerts");
  EXPECT_EQ(Offered({"alerts", "list", "--output", ""}), "table json yaml");
  EXPECT_EQ(Offered({"alerts", "list", "--out"}), "--output");
  EXPECT_EQ(Offered({"completion", ""}), "bash zsh fish");
  EXPECT_EQ(Offered({"expectations", "order-delivered", "--verdict", "m"}), "met missed");
  EXPECT_EQ(Offered({"send", "--type", ""}), "");
  EXPECT_EQ(Offered({"apply", "-f", "/etc/os-releas"}), "/etc/os-release");
}

TEST_F(CompletionTest, EveryCommandIsInEveryShellsScript) {
  for (const char* command : {"send", "events", "types", "monitors", "apply", "alerts",
                              "expectations", "notifiers", "status", "completion"}) {
    EXPECT_THAT(BashCompletion(*app_), HasSubstr(absl::StrCat("|", command, "|")));
    EXPECT_THAT(ZshCompletion(*app_), HasSubstr(absl::StrCat("|", command, "|")));
    EXPECT_THAT(FishCompletion(*app_),
                HasSubstr(absl::StrCat("-n \"__lapsectl_at ''\" -a ", command, " -d ")));
  }
  EXPECT_THAT(FishCompletion(*app_),
              HasSubstr("-n \"__lapsectl_at 'monitors create'\" -l severity -x -a "
                        "'info warning critical' -d 'Default warning'"));
}

}  // namespace
}  // namespace lapse::cli
