#include "cli/app.h"

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/nearest.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/errors.h"
#include "cli/human.h"

namespace lapse::cli {
namespace {

constexpr char kAbout[] =
    "Lapse tells when something that should have followed did not. lapsectl sends events to a\n"
    "Lapse server, manages its monitors and notifiers, and shows its alerts.";

constexpr char kFooter[] = R"(
Exit codes:
  0  done
  1  the server refused it, or a part of it
  2  wrong command line or file; nothing was sent
  3  no server answers, or the connection broke
  4  not found
  5  conflict: it exists already, or has changed since
  6  no answer within --timeout
  7  the server is overloaded or stopping; try again

Examples:
  lapsectl send --type order_created --source checkout --key order_id=A-17 amount=12.5
  lapsectl monitors create order-delivered --primary order_created \
      --secondary order_delivered --key order_id --within 45m
  lapsectl alerts watch
  lapsectl apply -f monitors.yaml)";

void AddGlobalOptions(CLI::App& app, Context& context) {
  GlobalOptions& options = context.options;
  app.add_option("--server", options.server, "The server's address")
      ->envname("LAPSE_SERVER")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  AddDuration(app, "--timeout", options.timeout_us, "How long to wait for an answer; default 10s");
  AddChoice(
      app, "-o,--output", {"table", "json", "yaml"},
      [&options](const std::string& format) {
        options.format = format == "json"   ? Format::kJson
                         : format == "yaml" ? Format::kYaml
                                            : Format::kTable;
      },
      "How results are written; default table");
  app.add_flag("--no-color", options.no_color,
               "No colours; the environment's NO_COLOR does the same");
}

// The command that was being parsed when it failed.
const CLI::App& DeepestParsed(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : DeepestParsed(*parsed.back());
}

std::string PathOf(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : absl::StrCat(PathOf(*parent), " ", app.get_name());
}

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> OptionNames(const CLI::App& root, const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* app : {&command, &root}) {
    for (const CLI::Option* option : app->get_options({})) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

// Says what is wrong with a word that was not understood.
std::string ExplainUnknown(const CLI::App& app, const CLI::App& command, const std::string& word) {
  if (absl::StartsWith(word, "-")) {
    return absl::StrCat("There is no option ", Printable(word.substr(0, word.find('='))),
                        MeantHint(word.substr(0, word.find('=')), OptionNames(app, command)), ".");
  }
  if (!CommandNames(command).empty()) {
    return absl::StrCat("There is no command ", Quoted(word),
                        MeantHint(word, CommandNames(command)), ".");
  }
  return absl::StrCat(Quoted(word), " is one argument too many.");
}

int FailUsage(const CLI::App& app, Context& context, const CLI::ParseError& error) {
  const CLI::App& command = DeepestParsed(app);
  const std::vector<std::string> unknown = app.remaining(true);
  const std::string message =
      unknown.empty() ? Printable(error.what()) : ExplainUnknown(app, command, unknown.front());
  context.PrintNote(message);
  context.PrintNote(absl::StrCat("See `", PathOf(command), " --help`."));
  return kExitUsage;
}

}  // namespace

std::unique_ptr<CLI::App> MakeApp(Context& context) {
  auto app = std::make_unique<CLI::App>(kAbout, "lapsectl");
  app->require_subcommand(1);
  // Global options may stand after a command too.
  app->fallthrough();
  // Of the commands, which take it over when they are added.
  app->footer("\nGlobal options, which may stand here too, and exit codes: `lapsectl --help`.");
  app->set_version_flag("--version", "lapsectl 0.1");
  AddGlobalOptions(*app, context);
  AddSend(*app, context);
  AddEvents(*app, context);
  AddMonitors(*app, context);
  AddApply(*app, context);
  AddAlerts(*app, context);
  AddExpectations(*app, context);
  AddNotifiers(*app, context);
  AddStatus(*app, context);
  AddCompletion(*app, context);
  app->footer(kFooter);
  return app;
}

int Run(CLI::App& app, Context& context, int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    if (IsUtf8(argv[i])) continue;
    context.PrintNote(absl::StrCat("The argument \"", Printable(argv[i]), "\" is not UTF-8."));
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {
    // Help or version.
    return app.exit(done, context.out(), context.err());
  } catch (const CLI::ParseError& error) {
    return FailUsage(app, context, error);
  }
  context.err() << Explain(context.result, context.options.server, context.options.timeout_us);
  return ExitCodeOf(context.result);
}

}  // namespace lapse::cli
