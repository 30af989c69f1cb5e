// The command line of lapsectl.
#ifndef LAPSE_CLI_APP_H_
#define LAPSE_CLI_APP_H_

#include <memory>
#include <string>

#include "CLI/App.hpp"
#include "cli/context.h"

namespace lapse::cli {

// All commands and global options; parsing runs the command. `context` outlives it.
std::unique_ptr<CLI::App> MakeApp(Context& context);

// Parses the arguments and runs the command they name. Gives the exit code, having told on the
// context's streams what went wrong. Called once on an `app`.
int Run(CLI::App& app, Context& context, int argc, const char* const* argv);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_APP_H_
