#include "cli/app.h"

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lapse::cli {
namespace {

using ::testing::HasSubstr;

struct Ran {
  int exit = 0;
  std::string out, err;
};

Ran RunWith(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "lapsectl");
  std::ostringstream out, err;
  Context context(out, err, 0);
  const auto app = MakeApp(context);
  const int exit = Run(*app, context, static_cast<int>(arguments.size()), arguments.data());
  return {exit, out.str(), err.str()};
}

TEST(App, WrongCommandLinesSayWhatIsWrongAndWhereToLook) {
  const struct {
    std::vector<const char*> arguments;
    const char* message;
    const char* where;
  } cases[] = {
      {{}, "A subcommand is required", "See `lapsectl --help`."},
      {{"monitor"},
       "There is no command \"monitor\" (did you mean \"monitors\"?).",
       "See `lapsectl --help`."},
      {{"monitors"}, "A subcommand is required", "See `lapsectl monitors --help`."},
      {{"monitors", "lst"},
       "There is no command \"lst\" (did you mean \"list\"?).",
       "See `lapsectl monitors --help`."},
      {{"monitors", "get"}, "ID is required", "See `lapsectl monitors get --help`."},
      {{"monitors", "get", "a", "b"},
       "\"b\" is one argument too many.",
       "See `lapsectl monitors get --help`."},
      {{"alerts", "list", "--fliter", "x"},
       "There is no option --fliter (did you mean \"--filter\"?).",
       "See `lapsectl alerts list --help`."},
      {{"alerts", "list", "--outptu=x"},
       "There is no option --outptu (did you mean \"--output\"?).",
       "See `lapsectl alerts list --help`."},
      {{"-o", "jsn", "status"},
       "\"jsn\" is none of table, json, yaml (did you mean \"json\"?)",
       "See `lapsectl status --help`."},
      {{"--timeout", "5", "status"}, "\"5\" is no duration; write it like 45m", "--help`."},
      {{"monitors", "create", "a", "--within", "45min"},
       "\"45min\" is no duration",
       "See `lapsectl monitors create --help`."},
      {{"events", "-n", "0"}, "\"0\" is no whole number over 0", "See `lapsectl events --help`."},
      {{"events", "--since", "yesterday"},
       "\"yesterday\" is no time; write it like 2024-11-22T14:03:07Z",
       ""},
      {{"send"}, "Name the event's --type, or a --file of events.", "`lapsectl send --help`"},
      {{"send", "--type", "a", "order_id"}, "write it as name=value or name:type=value", ""},
      {{"send", "--type", "a", "x=1", "x=2"}, "Attribute x is given twice.", ""},
      {{"send", "--type", "a", "--key", "order_id"}, "--key order_id: write it as name=value", ""},
      {{"send", "-f", "x", "a=1"}, "With --file, each line says everything of its event.", ""},
      {{"send", "-f", "/nowhere"}, "Cannot read \"/nowhere\": No such file or directory.", ""},
      {{"apply", "-f", "/nowhere"}, "Cannot read \"/nowhere\": No such file or directory.", ""},
      {{"monitors", "update", "a"}, "Nothing to change.", ""},
      {{"monitors", "create", "a", "--primary", "x"},
       "follow_up.secondary is required",
       "See `lapsectl monitors create --help`."},
      {{"monitors", "create", "a", "--label", "x"}, "write it as key=value", ""},
      {{"notifiers", "create", "a", "--host", "h"},
       "email.from is required\nemail.to is required",
       "See `lapsectl notifiers create --help`."},
      {{"completion", "tcsh"}, "\"tcsh\" is none of bash, zsh, fish", ""},
      {{"send", "--type", "\xff"}, "The argument \"\\xff\" is not UTF-8.", ""},
  };
  for (const auto& c : cases) {
    const Ran ran = RunWith(c.arguments);
    EXPECT_EQ(ran.exit, kExitUsage) << c.message;
    EXPECT_THAT(ran.err, HasSubstr(c.message));
    EXPECT_THAT(ran.err, HasSubstr(c.where));
    EXPECT_EQ(ran.out, "") << c.message;
  }
}

TEST(App, EveryCommandSaysHowToStartAServerWhereNoneIs) {
  const std::vector<std::vector<const char*>> commands = {
      {"send", "--type", "a"},
      {"send", "-f", "/dev/null"},
      {"events"},
      {"types"},
      {"monitors", "list"},
      {"monitors", "delete", "a"},
      {"monitors", "stats"},
      {"alerts", "list"},
      {"alerts", "get", "a"},
      {"alerts", "watch"},
      {"expectations", "a"},
      {"notifiers", "list"},
      {"notifiers", "test", "a"},
      {"status"},
  };
  for (std::vector<const char*> command : commands) {
    // Nothing listens on port 1.
    command.insert(command.end(), {"--server", "127.0.0.1:1"});
    const Ran ran = RunWith(command);
    EXPECT_EQ(ran.exit, kExitUnreachable) << command[0];
    EXPECT_EQ(ran.err,
              "No Lapse server answers at 127.0.0.1:1. Start one with ./dev run, or name "
              "another with --server.\n");
    EXPECT_EQ(ran.out, "");
  }
}

TEST(App, HelpNamesCommandsExitCodesAndTheEnvironment) {
  const Ran ran = RunWith({"--help"});
  EXPECT_EQ(ran.exit, kExitOk);
  EXPECT_EQ(ran.err, "");
  for (const char* part :
       {"monitors", "alerts", "LAPSE_SERVER", "Exit codes:", "3  no server answers"}) {
    EXPECT_THAT(ran.out, HasSubstr(part));
  }
}

TEST(App, GlobalOptionsMayStandAnywhere) {
  EXPECT_EQ(RunWith({"--server", "127.0.0.1:1", "types"}).exit, kExitUnreachable);
  EXPECT_EQ(RunWith({"types", "--server=127.0.0.1:1", "-o", "json"}).exit, kExitUnreachable);
  EXPECT_EQ(RunWith({"monitors", "--server", "127.0.0.1:1", "list", "-o", "JSON"}).exit,
            kExitUnreachable);
}

}  // namespace
}  // namespace lapse::cli
